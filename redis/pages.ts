// The keys of a Redis page by page (SCAN): for operators, never for a request. A Cluster's nodes know
// only of their own keys, so each of them is asked.

import type { RedisConnection } from "./connection";

// What is done with the keys of a page takes one command each, within one time-out together.
const pageSize = 500;

/**
 * The keys that match a glob of Redis. One that is written or removed meanwhile may come or not, and
 * any may come twice.
 *
 * @throws RedisUnavailable
 */
export async function* pagesOfKeys(
  connection: RedisConnection,
  pattern: string,
): AsyncGenerator<string[]> {
  const nodes = await connection.run(async (client) =>
    "nodes" in client ? client.nodes("master") : [client],
  );
  for (const node of nodes) {
    let cursor = "0";
    do {
      const [next, keys] = await connection.run(() =>
        node.scan(cursor, "MATCH", pattern, "COUNT", pageSize),
      );
      yield keys;
      cursor = next;
    } while (cursor !== "0");
  }
}

/** Text that stands for itself within such a glob. */
export function literally(text: string): string {
  return text.replace(/[\\*?[\]]/g, "\\$&");
}
