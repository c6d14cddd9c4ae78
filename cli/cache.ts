// kong-llm cache: what answers a Redis holds, and how to get rid of some.

import type { Command } from "commander";
import {
  type Choice,
  type Inventory,
  purge,
  type Sum,
  takeInventory,
} from "../plugins/llm-cache/inventory";
import type { RedisConnection } from "../redis/connection";
import { onRedis, type RedisFlags, withRedisFlags } from "./redis";

interface PurgeFlags extends RedisFlags, Choice {
  all?: true;
}

const localAnswers =
  "Answers of policy local are in the memory of each plugin server: restart it to purge them, and " +
  "see llm_cache_* in its /metrics.";

export function addCache(program: Command): void {
  const cache = program.command("cache").description("look into the answers cached in a Redis");
  withRedisFlags(cache.command("stats"))
    .description("print how many answers there are, by model and by consumer, as JSON")
    .action((flags: RedisFlags) => onRedis(flags, localAnswers, printStats));
  withRedisFlags(cache.command("purge"))
    .description("remove answers: those of a consumer, of a model, of both together, or all")
    .option("--consumer <name>", "only answers to this consumer (username, else custom_id)")
    .option("--model <name>", "only answers of this model, as it was asked upstream")
    .option("--all", "all answers")
    .action((flags: PurgeFlags) => purgeChosen(flags));
}

async function printStats(connection: RedisConnection, prefix: string): Promise<void> {
  const inventory = await takeInventory(connection, prefix);
  process.stdout.write(`${JSON.stringify(report(inventory), undefined, 2)}\n`);
}

function report({ oldest, newest, models, consumers, ...sums }: Inventory): object {
  return {
    ...sums,
    oldest: isoTime(oldest),
    newest: isoTime(newest),
    models: mostFirst(models),
    consumers: mostFirst(consumers),
  };
}

function isoTime(ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toISOString();
}

// A list: a name may be anything, and JSON objects do not keep the order of all of them.
function mostFirst(sums: Map<string, Sum>): object[] {
  return [...sums]
    .sort(([, one], [, other]) => other.answers - one.answers)
    .map(([name, sum]) => ({ name, ...sum }));
}

function purgeChosen(flags: PurgeFlags): Promise<void> {
  const { consumer, model, all } = flags;
  const chosen = consumer !== undefined || model !== undefined;
  if (chosen === (all === true)) {
    throw new Error("say what to purge: --consumer NAME, --model NAME or both, or else --all");
  }
  return onRedis(flags, localAnswers, async (connection, prefix) => {
    const removed = await purge(connection, prefix, { consumer, model });
    process.stdout.write(`purged ${removed} ${removed === 1 ? "answer" : "answers"}\n`);
  });
}
