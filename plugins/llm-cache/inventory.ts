// What answers a Redis holds, and which of them to remove: for an operator, never for a request.
// It walks over the keys in pages (SCAN) and reads the first line of each entry. An index by
// consumer and by model would cost two writes for each answer, and hold names of expired ones.

import type { RedisConnection } from "../../redis/connection";
import { literally, pagesOfKeys } from "../../redis/pages";
import { entryPrefix } from "./answers-in-redis";
import { decodeHead, type Head, longestHead } from "./entry";

export interface Sum {
  answers: number;
  /** As Redis holds them: compressed where they are. */
  bytes: number;
}

/** What a Redis holds. Where entries come and go meanwhile, a count may be off by those. */
export interface Inventory extends Sum {
  /** Keys in the place of entries that hold something else. */
  garbage: number;
  /** When the first and the last of them were stored, in milliseconds since the epoch. */
  oldest: number | undefined;
  newest: number | undefined;
  models: Map<string, Sum>;
  consumers: Map<string, Sum>;
}

/** An answer is chosen where all that is named fits; nothing named: every answer. */
export interface Choice {
  consumer?: string;
  model?: string;
}

/** @throws RedisUnavailable */
export async function takeInventory(
  connection: RedisConnection,
  prefix: string,
): Promise<Inventory> {
  const inventory: Inventory = {
    answers: 0,
    bytes: 0,
    garbage: 0,
    oldest: undefined,
    newest: undefined,
    models: new Map(),
    consumers: new Map(),
  };
  for await (const keys of pages(connection, prefix)) {
    for (const head of await headsOf(connection, keys)) {
      if (head) add(inventory, head);
      else inventory.garbage++;
    }
  }
  return inventory;
}

/**
 * Removes the chosen answers, and without a choice everything in their place, and tells how many.
 * An answer that is on its way meanwhile is stored after it.
 *
 * @throws RedisUnavailable
 */
export async function purge(
  connection: RedisConnection,
  prefix: string,
  choice: Choice,
): Promise<number> {
  const everything = choice.consumer === undefined && choice.model === undefined;
  let removed = 0;
  for await (const keys of pages(connection, prefix)) {
    const heads = everything ? [] : await headsOf(connection, keys);
    const chosen = everything ? keys : keys.filter((_, at) => isChosen(heads[at], choice));
    // One command for each: the keys are in many slots of a Cluster.
    const counts = await connection.run((client) =>
      Promise.all(chosen.map((key) => client.unlink(key))),
    );
    removed += counts.reduce((sum, count) => sum + count, 0);
  }
  return removed;
}

function pages(connection: RedisConnection, prefix: string): AsyncGenerator<string[]> {
  return pagesOfKeys(connection, `${literally(entryPrefix(prefix))}*`);
}

/** The head of each key's entry; undefined where there is none. */
function headsOf(connection: RedisConnection, keys: string[]): Promise<(Head | undefined)[]> {
  return connection.run((client) =>
    Promise.all(
      keys.map(async (key) => {
        const start = await client.getrangeBuffer(key, 0, longestHead - 1).catch(noText);
        return start && decodeHead(start);
      }),
    ),
  );
}

function noText(error: Error): undefined {
  if (!error.message.startsWith("WRONGTYPE")) throw error;
}

function isChosen(head: Head | undefined, { consumer, model }: Choice): boolean {
  if (!head) return false;
  const byConsumer = consumer === undefined || head.consumer === consumer;
  return byConsumer && (model === undefined || head.model === model);
}

function add(inventory: Inventory, head: Head): void {
  const { stored_at, model, consumer } = head;
  inventory.oldest = Math.min(inventory.oldest ?? stored_at, stored_at);
  inventory.newest = Math.max(inventory.newest ?? stored_at, stored_at);
  for (const sum of [
    inventory,
    sumOf(inventory.models, model),
    sumOf(inventory.consumers, consumer),
  ]) {
    sum.answers++;
    sum.bytes += head.bytes;
  }
}

function sumOf(sums: Map<string, Sum>, name: string): Sum {
  const sum = sums.get(name) ?? { answers: 0, bytes: 0 };
  sums.set(name, sum);
  return sum;
}
