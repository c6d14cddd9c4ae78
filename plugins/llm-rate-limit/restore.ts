// What a Redis has counted may be gone: it was killed without a file, or flushed. A mark beside the tallies
// tells, and each node then counts there once what it knows itself of the windows that are running.

import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { Counter } from "prom-client";
import type { RedisConnection } from "../../redis/connection";
import { loadScript } from "../../redis/script";
import type { RunningTally } from "./counts-in-memory";

const restored = new Counter({
  name: "llm_rate_limit_restored_tallies_total",
  help: "Tallies that this node has counted again in a Redis that had lost them",
});

const restore = loadScript(join(__dirname, "restore.lua"));

// Beyond every window; renewed by take.lua long before.
export const markMs = 62 * 86_400_000;

/** Tallies in one call: few enough to be answered within the time-out of one command. */
const batch = 100;

/** What one namespace of one Redis is known by, to this node. */
export class Mark {
  /** "" before the first answer: what is there then is taken for whole. */
  value = "";
  private restoring: Promise<void> | undefined;

  /** @param name of the key that holds the mark */
  constructor(
    private readonly connection: RedisConnection,
    readonly name: string,
  ) {}

  /**
   * Counts there what this node knows, once for all who wait.
   * @param running the tallies of this node, by the names of their keys
   * @throws RedisUnavailable
   */
  renew(running: () => [key: string, tally: RunningTally][]): Promise<void> {
    this.restoring ??= this.restoreAll(running()).finally(() => {
      this.restoring = undefined;
    });
    return this.restoring;
  }

  private async restoreAll(running: [string, RunningTally][]): Promise<void> {
    const made = randomUUID();
    let mark = "";
    for (let at = 0; at === 0 || at < running.length; at += batch) {
      const some = running.slice(at, at + batch);
      const keys = [this.name, ...some.map(([key]) => key)];
      const args = some.flatMap(([, { window, start, end, count }]) => [window, start, end, count]);
      mark = (await this.connection.run((client) =>
        restore(client, keys, [made, markMs, ...args]),
      )) as string;
    }
    this.value = mark;
    restored.inc(running.length);
  }
}
