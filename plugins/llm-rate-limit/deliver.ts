// Sends a message to its receiver once, signed where it has a secret: by Standard Webhooks
// (https://github.com/standard-webhooks/standard-webhooks), so that receivers check it with what is there.
// Neither the address nor the secret is in any error: an address of Slack is a secret itself.

import { createHmac } from "node:crypto";

export interface Receiver {
  url: string;
  format: "json" | "slack";
  /** Empty: nothing is signed. */
  secret: string;
}

export interface Message {
  id: string;
  body: string;
}

/**
 * `later`: it may be tried again, after so many milliseconds where the receiver says so. `refused`: it
 * would be refused each time.
 */
export type Delivered =
  | { result: "delivered" }
  | { result: "refused"; reason: string }
  | { result: "later"; reason: string; afterMs?: number };

const timeoutMs = 10_000;
// A receiver that asks for more is tried all the same.
const longestWaitMs = 3_600_000;

export async function deliver(
  { url, secret }: Receiver,
  { id, body }: Message,
  nowMs = Date.now(),
): Promise<Delivered> {
  const signed = secret === "" ? {} : signature(secret, id, nowMs, body);
  try {
    const answer = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", "user-agent": "kong-llm", ...signed },
      body,
      redirect: "manual",
      signal: AbortSignal.timeout(timeoutMs),
    });
    await answer.body?.cancel();
    return judged(answer);
  } catch (error) {
    return { result: "later", reason: reasonOf(error) };
  }
}

/** Of `id.seconds.body`, as HMAC with SHA-256, in base64 behind its version. */
export function signature(secret: string, id: string, nowMs: number, body: string) {
  const seconds = String(Math.floor(nowMs / 1000));
  const hmac = createHmac("sha256", keyOf(secret)).update(`${id}.${seconds}.${body}`);
  return {
    "webhook-id": id,
    "webhook-timestamp": seconds,
    "webhook-signature": `v1,${hmac.digest("base64")}`,
  };
}

const base64Prefix = "whsec_";

function keyOf(secret: string): Buffer {
  return secret.startsWith(base64Prefix)
    ? Buffer.from(secret.slice(base64Prefix.length), "base64")
    : Buffer.from(secret, "utf8");
}

function judged({ status, headers }: Response): Delivered {
  if (status >= 200 && status < 300) return { result: "delivered" };
  const reason = `status ${status}`;
  if (status >= 500 || status === 408 || status === 425 || status === 429) {
    const seconds = Number(headers.get("retry-after") ?? 0);
    if (!(seconds > 0)) return { result: "later", reason };
    return { result: "later", reason, afterMs: Math.min(seconds * 1000, longestWaitMs) };
  }
  return { result: "refused", reason };
}

/** What undici says in its message may hold the address: only the kind of the error is told. */
function reasonOf(error: unknown): string {
  const { name, cause } = error as { name?: string; cause?: { code?: unknown } };
  return typeof cause?.code === "string" ? cause.code : (name ?? "Error");
}
