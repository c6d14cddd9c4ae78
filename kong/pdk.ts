// The calls of Kong's plugin development kit that a request costs (two of them only where asked for), with the types that a real
// Kong 3.9.3 answers. Each is one round trip on the socket (kong.response.exit: half a one).

import type Kong from "kong-pdk/kong";
import type { Answer, Consumer, GatheredRequest } from "../stages/exchange";

export type Pdk = Kong;

/**
 * What carry-out.lua reads from kong.ctx.shared.llm_decision. Every field is what Lua needs and no
 * more; `ticket` is opaque to it.
 */
export interface Decision {
  /** The plugins that have decided; carry-out.lua knows which it must find here. */
  plugins: string[];
  headers: Record<string, string>;
  /** Only where the body changes. */
  body?: string;
  response_headers: Record<string, string>;
  ticket: string;
  keep: number;
  outcomes_socket?: string;
}

/** What gather.lua left; undefined where pre-function did not run. */
export async function gathered(kong: Pdk): Promise<GatheredRequest | undefined> {
  return (await kong.ctx.shared.get("llm")) ?? undefined;
}

export async function consumer(kong: Pdk): Promise<Consumer | undefined> {
  return ((await kong.client.getConsumer()) as unknown as Consumer | null) ?? undefined;
}

/** Id of the credential by which the consumer was authenticated: never the credential itself. */
export async function credentialId(kong: Pdk): Promise<string | undefined> {
  const credential = (await kong.client.getCredential()) as unknown as { id?: string } | null;
  return credential?.id ?? undefined;
}

/** The first value of a header of the request. */
export async function header(kong: Pdk, name: string): Promise<string | undefined> {
  return ((await kong.request.getHeader(name)) as unknown as string | null) ?? undefined;
}

/** What the plugins before this one decided; undefined for the first. */
export async function earlierDecision(kong: Pdk): Promise<Decision | undefined> {
  const decision: Decision | null | undefined = await kong.ctx.shared.get("llm_decision");
  if (!decision) return undefined;
  // Kong packs an empty table as an array, whatever it was before.
  const { headers, response_headers } = decision;
  return { ...decision, headers: { ...headers }, response_headers: { ...response_headers } };
}

export async function decide(kong: Pdk, decision: Decision): Promise<void> {
  await kong.ctx.shared.set("llm_decision", decision as unknown as string);
}

/**
 * Answers the request. Kong never steps the event again after this call (kong.md: a server that
 * waits for it leaks), so nothing may follow it. The body goes as text: tables lose empty arrays.
 * X-LLM-Source tells the client who answered, and present.lua that the stages have learned already.
 */
export async function exit(kong: Pdk, answer: Answer): Promise<void> {
  const headers = { ...answer.headers, "X-LLM-Source": answer.source };
  await kong.response.exit(answer.status, answer.body as never, headers as never);
}
