// Where one node has told the others of a key that rests, or of a model that cools: tests ask another node
// only when it has to look. What it sent before, not knowing it, would be served, and end that for all.

import { setTimeout as pause } from "node:timers/promises";
import { Redis } from "ioredis";
import { expect } from "vitest";
import { freshMs } from "../../stages/shared-view";

/**
 * Settles when it stands in a Redis, and no node has looked so late that it need not look again.
 * @param names a glob of the names under which it stands there
 */
export async function allKnow({ url }: { url: string }, names: string): Promise<void> {
  const client = new Redis(url);
  const ends = async () => {
    const hashes = (await client.keys(names)).filter((name) => !name.endsWith(":failures"));
    return Promise.all(hashes.map((name) => client.hget(name, "until")));
  };
  try {
    await expect.poll(ends).toContainEqual(expect.any(String));
  } finally {
    client.disconnect();
  }
  await pause(freshMs + 200);
}
