// kong-llm limits: what somebody has taken of the limits in a Redis, and how to give it back.

import { type Command, Option } from "commander";
import { identityKeys, identityLabels } from "../plugins/llm-rate-limit/identity";
import { accountsOf, forget } from "../plugins/llm-rate-limit/ledger";
import { onRedis, type RedisFlags, withRedisFlags } from "./redis";

interface IdentityFlags extends RedisFlags {
  by: (typeof identityLabels)[number];
  header: string;
}

const localCounts =
  "Counts of policy local are in the memory of each plugin server: restart it to forget them.";

export function addLimits(program: Command): void {
  const limits = program.command("limits").description("look into the limits counted in a Redis");
  onIdentity(limits.command("show"))
    .description("print what somebody has taken of each limit, as JSON")
    .action(show);
  onIdentity(limits.command("reset"))
    .description("forget what somebody has taken, so that all limits are free again")
    .action(reset);
}

function onIdentity(command: Command): Command {
  return withRedisFlags(command)
    .argument("<consumer>", "username or custom_id; with --by the value of that kind")
    .addOption(
      new Option("--by <kind>", "as limit_by, or as a level")
        .choices(identityLabels)
        .default("consumer"),
    )
    .option("--header <name>", "as header_name, with --by header", "");
}

function show(name: string, flags: IdentityFlags): Promise<void> {
  return onRedis(flags, localCounts, async (connection, prefix) => {
    const accounts = await Promise.all(
      identitiesOf(name, flags).map((identity) => accountsOf(connection, prefix, identity)),
    );
    process.stdout.write(`${JSON.stringify(accounts.flat(), undefined, 2)}\n`);
  });
}

function reset(name: string, flags: IdentityFlags): Promise<void> {
  return onRedis(flags, localCounts, async (connection, prefix) => {
    let limits = 0;
    for (const identity of identitiesOf(name, flags)) {
      limits += await forget(connection, prefix, identity);
    }
    process.stdout.write(`reset ${limits} ${limits === 1 ? "limit" : "limits"}\n`);
  });
}

function identitiesOf(name: string, { by, header }: IdentityFlags): string[] {
  if ((by === "header") !== (header !== "")) {
    throw new Error("--by header and --header NAME belong together");
  }
  return identityKeys(by, name, header);
}
