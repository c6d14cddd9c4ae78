// npm run bench [-- --seconds 3 --exits 100000 --requests 600000 --only driver --against DIR --cases stream --profile DIR]: every bench in one run.

import { parseArgs } from "node:util";
import { benchCache } from "./cache";
import { benchDriver } from "./driver";
import { benchGateway } from "./gateway";
import { benchMemory } from "./memory";
import { benchPluginServer } from "./plugin-server";
import { benchPrivacy } from "./privacy";
import { benchRateLimit } from "./rate-limit";
import type { BenchOptions, Report } from "./report";
import { benchRoute } from "./route";
import { benchTries } from "./tries";

/** A new bench file exports one function and is listed here. */
const benches: Record<string, (options: BenchOptions) => Promise<Report>> = {
  "plugin-server": benchPluginServer,
  driver: benchDriver,
  gateway: benchGateway,
  cache: benchCache,
  "rate-limit": benchRateLimit,
  privacy: benchPrivacy,
  route: benchRoute,
  tries: benchTries,
  memory: benchMemory,
};

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seconds: { type: "string", default: "3" },
      exits: { type: "string", default: "1000000" },
      requests: { type: "string", default: "300000" },
      only: { type: "string" },
      against: { type: "string" },
      cases: { type: "string" },
      profile: { type: "string" },
    },
  });
  const { only, seconds, exits, requests, ...rest } = values;
  const numbers = { seconds: Number(seconds), exits: Number(exits), requests: Number(requests) };
  const options = { ...rest, ...numbers };
  const reports: Report[] = [];
  for (const [name, bench] of Object.entries(benches)) {
    if (only === undefined || only === name) reports.push(await bench(options));
  }
  for (const { title, ratios } of reports) print(title, ratios);
  for (const { title, measured } of reports) print(`${title}: measured`, measured);
}

function print(title: string, lines: string[]): void {
  console.log(`\n${title}\n${lines.map((line) => `  ${line}`).join("\n")}`);
}

main().catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});
