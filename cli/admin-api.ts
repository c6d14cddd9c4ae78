// The part of Kong's Admin API that `kong-llm keys` needs: consumers, and their keys.
// https://docs.konghq.com/gateway/3.9.x/admin-api/

import { z } from "zod";

const consumerShape = z.object({
  id: z.string(),
  username: z.string().nullish(),
  tags: z.array(z.string()).nullish(),
});

const credentialShape = z.object({
  id: z.string(),
  created_at: z.number(),
  tags: z.array(z.string()).nullish(),
  consumer: z.object({ id: z.string() }),
});

export type AdminConsumer = z.infer<typeof consumerShape>;
/** Without its key, which Kong tells and nobody here may see. */
type AdminCredential = z.infer<typeof credentialShape>;

const page = <Shape extends z.ZodType>(shape: Shape) =>
  z.object({ data: z.array(shape), next: z.string().nullish() });

export class AdminApi {
  /** @param token of Kong's RBAC or of a proxy before it, where one is wanted */
  constructor(
    private readonly origin: URL,
    private readonly token: string | undefined,
  ) {}

  /** Undefined where there is none of that name. */
  async consumer(name: string): Promise<AdminConsumer | undefined> {
    const found = await this.ask("GET", `/consumers/${encodeURIComponent(name)}`);
    return found === undefined ? undefined : consumerShape.parse(found);
  }

  async createConsumer(username: string, tags: string[]): Promise<AdminConsumer> {
    return consumerShape.parse(await this.ask("POST", "/consumers", { username, tags }));
  }

  async createKey(consumer: AdminConsumer, key: string, tags: string[]): Promise<AdminCredential> {
    const made = await this.ask("POST", `/consumers/${consumer.id}/key-auth`, { key, tags });
    return credentialShape.parse(made);
  }

  async setTags({ id, consumer }: AdminCredential, tags: string[]): Promise<void> {
    await this.ask("PATCH", `/consumers/${consumer.id}/key-auth/${id}`, { tags });
  }

  async keysOf(consumer: AdminConsumer): Promise<AdminCredential[]> {
    return this.all(`/consumers/${consumer.id}/key-auth`, credentialShape);
  }

  async keys(): Promise<AdminCredential[]> {
    return this.all("/key-auths", credentialShape);
  }

  async consumers(): Promise<AdminConsumer[]> {
    return this.all("/consumers", consumerShape);
  }

  private async all<Shape extends z.ZodType>(path: string, shape: Shape) {
    const found: z.infer<Shape>[] = [];
    for (let next: string | null | undefined = path; next; ) {
      const { data, next: after } = page(shape).parse(await this.ask("GET", next));
      found.push(...data);
      next = after;
    }
    return found;
  }

  /** Undefined for 404. @throws Error that says what Kong answered, and never what was sent */
  private async ask(method: string, path: string, body?: object): Promise<unknown> {
    const url = new URL(path, this.origin);
    const answer = await fetch(url, {
      method,
      headers: {
        ...(body && { "content-type": "application/json" }),
        ...(this.token !== undefined && { "kong-admin-token": this.token }),
      },
      ...(body && { body: JSON.stringify(body) }),
    }).catch((error: Error) => {
      const cause = (error.cause as NodeJS.ErrnoException | undefined)?.code ?? error.message;
      throw new Error(`Kong's Admin API at ${this.origin.origin} cannot be asked: ${cause}`);
    });
    if (answer.status === 404) return undefined;
    if (answer.ok) return answer.json();
    const { message } = (await answer.json().catch(() => ({}))) as { message?: string };
    const why = answer.status === 405 ? "it runs without a database: write YAML instead" : message;
    throw new Error(
      `Kong's Admin API answers ${method} ${url.pathname} with ${answer.status}${why ? `: ${why}` : ""}`,
    );
  }
}
