// What tests of stores of answers have in common: entries, and how requests look for them.

import type { Answers, Entry, Look } from "../../plugins/llm-cache/answers";

export function entryOf(body: string | Buffer): Entry {
  return {
    status: 200,
    content_type: "text/event-stream; charset=utf-8",
    stored_at: 1_700_000_000_000,
    model: "gpt-4.1",
    consumer: "alice",
    body: Buffer.from(body as string),
  };
}

/** Every byte there is, and text whose characters take one to four of them. */
export const everyByte = Buffer.concat([
  Buffer.from("data: héllo 안녕 😀\r\n\n\0"),
  Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)),
]);

/** The entry that a request without any wish finds. */
export async function read(answers: Answers, key: string): Promise<Entry | undefined> {
  const found = await answers.look(key, { after: 0, id: "reader", leaseMs: 0 });
  return found.state === "entry" ? found.entry : undefined;
}

/** How a request looks that would lead. */
export function wish(id: string, leaseMs = 10_000): Look {
  return { after: 0, id, leaseMs };
}
