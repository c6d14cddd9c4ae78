// What all nodes know together of keys that were refused, in a Redis. The only place that knows the
// positions of the scripts' arguments and replies. All of it may reject with RedisUnavailable.

import { join } from "node:path";
import { ages, timeHere } from "../../redis/clocks";
import type { RedisConnection } from "../../redis/connection";
import { loadScript, type Script } from "../../redis/script";
import type { Rest } from "./keys";

const look = scriptNamed("look");
const rest = scriptNamed("rest");
const wake = scriptNamed("wake");

export interface RestsInRedis {
  /** What is known of the keys with these names, in their order. */
  look(names: readonly string[]): Promise<Rest[]>;
  /** It was refused at that time, and rests for so long from then on. */
  rest(name: string, refusedAt: number, restsMs: number): Promise<void>;
  /** It was taken again, by a request that was sent and ended at these times. */
  wake(name: string, sentAt: number, endedAt: number): Promise<void>;
}

/** @param now the clock of this node, by which all times are told to it */
export function restsInRedis(
  connection: RedisConnection,
  prefix: string,
  now: () => number = () => Date.now(),
): RestsInRedis {
  // One slot for all, as a node looks at several keys at once.
  const stateOf = (name: string) => `${prefix}:{rest}:${name}`;
  const run = (script: Script, names: readonly string[], args: number[]) =>
    connection.run((client) => script(client, names.map(stateOf), args));

  return {
    async look(names) {
      const [redisNow, ...states] = (await run(look, names, [])) as LookReply;
      const ahead = now() - redisNow;
      const here = (time: string | null) => timeHere(time, ahead);
      return states.map(([since, until]) => ({ since: here(since), until: here(until) }));
    },

    async rest(name, refusedAt, restsMs) {
      await run(rest, [name], [...ages(now(), refusedAt), Math.round(restsMs)]);
    },

    async wake(name, sentAt, endedAt) {
      await run(wake, [name], ages(now(), sentAt, endedAt));
    },
  };
}

/** The reply of look.lua. */
type LookReply = [now: number, ...states: [since: string | null, until: string | null][]];

function scriptNamed(name: string): Script {
  return loadScript(join(__dirname, `${name}.lua`));
}
