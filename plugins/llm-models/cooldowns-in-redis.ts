// What all nodes know together of models that fail, in a Redis. The only place that knows the positions
// of the scripts' arguments and replies. All of it may reject with RedisUnavailable.

import { join } from "node:path";
import { ages, timeHere } from "../../redis/clocks";
import type { RedisConnection } from "../../redis/connection";
import { loadScript, type Script } from "../../redis/script";
import type { Cooldowns } from "./cooldowns";
import { heardIn, tellArguments } from "./left-in-redis";
import { measureArguments, paceIn, pacesIn } from "./pace-in-redis";

const look = scriptNamed("look");
const fail = scriptNamed("fail");
const succeed = scriptNamed("succeed");
const probe = scriptNamed("probe");
const tell = scriptNamed("tell");
const measure = scriptNamed("measure");

/** @param now the clock of this node, by which all times are told to it */
export function cooldownsInRedis(
  connection: RedisConnection,
  prefix: string,
  now: () => number = () => Date.now(),
): Cooldowns {
  // One slot for all, as a node looks at several targets at once.
  const stateOf = (target: string) => `${prefix}:{cooldown}:${target}`;
  const run = (script: Script, keys: string[], args: (string | number)[]) =>
    connection.run((client) => script(client, keys, args));
  const runOn = (script: Script, target: string, args: number[]) =>
    run(script, [stateOf(target), `${stateOf(target)}:failures`], args);

  return {
    async look(targets) {
      const reply = await run(look, targets.map(stateOf), []);
      const [redisNow, ...states] = reply as LookReply;
      const ahead = now() - redisNow;
      const here = (time: string | null) => timeHere(time, ahead);
      return states.map(([since, until, probed, left, paces]) => ({
        ...{ since: here(since), until: here(until), probedUntil: here(probed) },
        ...(left.length > 0 && { heard: heardIn(left, ahead) }),
        ...(paces.length > 0 && { paces: pacesIn(paces, ahead) }),
      }));
    },

    takeProbe: async (target, leaseMs) => Number(await run(probe, [stateOf(target)], [leaseMs])),

    async fail(target, { sentAt, endedAt, coolMs, atOnce }, { failures, windowMs }) {
      const cools = [Math.round(coolMs), atOnce ? 1 : 0, failures, windowMs];
      return (await runOn(fail, target, [...ages(now(), sentAt, endedAt), ...cools])) === 1;
    },

    succeed: async (target, sentAt, endedAt) =>
      (await runOn(succeed, target, ages(now(), sentAt, endedAt))) === 1,

    async releaseProbe(target) {
      // Deletes a field and never makes a key, which would have no expiry.
      await connection.run((client) => client.hdel(stateOf(target), "probed"));
    },

    async tell(target, heard) {
      await run(tell, [stateOf(target)], tellArguments(heard, now()));
    },

    async measure(target, kind, pace) {
      const reply = await run(measure, [stateOf(target)], measureArguments(kind, pace, now()));
      const [redisNow, all] = reply as MeasureReply;
      return paceIn(all, now() - redisNow);
    },
  };
}

/** The reply of look.lua. */
type LookReply = [
  now: number,
  ...states: [
    since: string | null,
    until: string | null,
    probed: string | null,
    left: string[],
    paces: string[],
  ][],
];

/** The reply of measure.lua. */
type MeasureReply = [now: number, pace: string];

function scriptNamed(name: string): Script {
  return loadScript(join(__dirname, `${name}.lua`));
}
