// Asks a running gateway as a client does, and keeps what doctor looks at of an answer.

import { z } from "zod";
import type { NeighbourState } from "../stages/neighbours";

export interface DoctorOptions {
  /** Origin of the gateway, without /v1. */
  url: URL;
  /** A key that the gateway knows. */
  key: string;
  /** A model to ask; the first that GET /v1/models lists without it. */
  model?: string;
  /** Origin of the plugin server's /metrics. */
  healthUrl?: URL;
  /** A path of the gateway whose upstream answers with the headers that it got. */
  echoPath?: string;
}

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  /** Milliseconds from the request to each piece of the body that came by itself. */
  arrivals: number[];
}

const timeoutMs = 60_000;

const readiness = z.object({
  neighbours: z.record(z.string(), z.object({ ok: z.boolean(), detail: z.string() })),
});

export class GatewayClient {
  constructor(readonly options: DoctorOptions) {}

  /** Asks with the key in x-api-key. @throws Error where no answer comes within 60 s */
  ask(path: string, body?: object, headers: Record<string, string> = {}): Promise<Answer> {
    return this.send(path, body, { "x-api-key": this.options.key, ...headers });
  }

  /** Asks with these headers only. */
  async send(path: string, body?: object, headers: Record<string, string> = {}): Promise<Answer> {
    const started = performance.now();
    const response = await fetch(new URL(path, this.options.url), {
      method: body ? "POST" : "GET",
      headers: { ...(body && { "content-type": "application/json" }), ...headers },
      ...(body && { body: JSON.stringify(body) }),
      redirect: "manual",
      signal: AbortSignal.timeout(timeoutMs),
    });
    const arrivals: number[] = [];
    const pieces: Uint8Array[] = [];
    for await (const piece of response.body ?? []) {
      arrivals.push(performance.now() - started);
      pieces.push(piece);
    }
    const text = Buffer.concat(pieces).toString();
    return { status: response.status, headers: response.headers, text, arrivals };
  }

  /**
   * The sum of a metric's samples with these labels; undefined where no health URL was given or it
   * does not answer.
   */
  async metric(name: string, labels: Record<string, string> = {}): Promise<number | undefined> {
    const answer = await this.#askHealth("/metrics");
    if (!answer?.ok) return undefined;
    const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
    return (await answer.text())
      .split("\n")
      .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
      .filter((line) => wanted.every((label) => line.includes(label)))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
  }

  /** What the plugin server says of its neighbours, also while it is not ready; undefined as above. */
  async neighbours(): Promise<Record<string, NeighbourState> | undefined> {
    const answer = await this.#askHealth("/readyz");
    const told: unknown = await answer?.json().catch(() => undefined);
    return readiness.safeParse(told).data?.neighbours;
  }

  async #askHealth(path: string): Promise<Response | undefined> {
    const { healthUrl } = this.options;
    if (!healthUrl) return undefined;
    const signal = AbortSignal.timeout(timeoutMs);
    return fetch(new URL(path, healthUrl), { signal }).catch(() => undefined);
  }
}

/** The OpenAI-shaped error of an answer; undefined where it has none. */
export function errorOf({ text }: Answer): { code?: unknown; message?: unknown } | undefined {
  try {
    const { error } = JSON.parse(text) as { error?: unknown };
    return typeof error === "object" && error !== null ? error : undefined;
  } catch {
    return undefined;
  }
}
