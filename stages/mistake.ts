// A mistake is what options can hold though each of them is allowed: a rule that hides another, a limit
// that limits nothing. A stage's plugin knows its own (plugins/NAME/traps.ts), from its options alone;
// where they stand in a file is the business of `kong-llm validate`, which finds them.

import { modelGlob } from "../models/glob";
import { type RedisOptions, redisTarget } from "../redis/options";

export interface Mistake {
  /** Where it was made, from the options down. It is told where that is written, not of a default. */
  path: PropertyKey[];
  /** An error opens or breaks the gateway; a warning is probably not what was meant. */
  severity: "error" | "warning";
  /** Short name of the check, for filters in CI. */
  rule: string;
  /** What is wrong, and what to do. Never a key. */
  message: string;
}

export function error(path: PropertyKey[], rule: string, message: string): Mistake {
  return { path, severity: "error", rule, message };
}

export function warning(path: PropertyKey[], rule: string, message: string): Mistake {
  return { path, severity: "warning", rule, message };
}

/** The mistakes of a record of options, as those of the options that hold it. */
export function within(record: string, mistakes: Mistake[]): Mistake[] {
  return mistakes.map((mistake) => ({ ...mistake, path: [record, ...mistake.path] }));
}

/**
 * Items of a list that are never reached: the first match wins, for aliases, prices and rules alike.
 * @param member the one that holds each item's name or pattern of models
 */
export function shadowed<Member extends string>(
  list: string,
  items: Record<Member, string>[],
  member: Member,
  rule: string,
): Mistake[] {
  return items.flatMap((item, index) => {
    const name = item[member];
    const earlier = items
      .slice(0, index)
      .map((one) => one[member])
      .find((pattern) => modelGlob(pattern)(name));
    if (earlier === undefined) return [];
    const why =
      earlier === name
        ? `"${earlier}" stands here twice, and the first wins`
        : `is never reached: "${earlier}" before it matches too`;
    return [error([list, index, member], rule, why)];
  });
}

/**
 * Prices of one provider's model that stand behind a price for that model wherever it is served: the first
 * that matches by either name wins.
 * @param providers their names
 */
export function hiddenPrices(
  prices: readonly { model: string }[],
  providers: readonly { name: string }[],
): Mistake[] {
  return prices.flatMap(({ model }, index) => {
    const provider = providers.find(({ name }) => model.startsWith(`${name}/`));
    if (!provider) return [];
    const before = prices.slice(0, index).map((one) => one.model);
    const earlierOf = (name: string) => before.find((pattern) => modelGlob(pattern)(name));
    const earlier = earlierOf(model.slice(provider.name.length + 1));
    // What matches its whole name is told as of any other price.
    if (earlier === undefined || earlierOf(model) !== undefined) return [];
    const why = `is never reached: "${earlier}" before it is for that model at every provider`;
    return [error(["prices", index, "model"], "shadowed-price", why)];
  });
}

/** Without a Redis, policy redis works in the memory of each node, which is not what was meant. */
export function redisMissing(options: { policy: string; redis: RedisOptions }): Mistake[] {
  const { policy, redis } = options;
  // In a file a url may be a vault reference, which redisTarget cannot read.
  const isNamed = redis.url !== "" || redisTarget(redis) !== undefined;
  if (policy === "redis" && !isNamed) {
    return [error(["policy"], "redis-missing", "names no Redis: set redis.url or redis.host")];
  }
  if (policy === "redis" || !isNamed) return [];
  const message = `is not used with policy ${policy}: set policy to redis, or leave it out`;
  return [warning(["redis"], "redis-unused", message)];
}
