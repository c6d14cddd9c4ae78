// What tests of a Redis that fails have in common: they wait for what the connection says of itself.

import type { RedisConnection } from "../../redis/connection";

/** Settles at the next change to this state. */
export function becomes(connection: RedisConnection, state: "up" | "down"): Promise<void> {
  return new Promise((resolve) => {
    connection.watch((changed) => {
      if (changed.state === state) resolve();
    });
  });
}
