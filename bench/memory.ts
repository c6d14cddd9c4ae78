// What the plugin server keeps of the requests that it has decided about and learned of: its heap, the
// memory outside of it and what is resident, each after a collection, from the first to the last.

import { startRedis } from "../test/support/redis";
import { end, start, tell } from "./driver";
import { type BenchOptions, type Report, threeDigits } from "./report";
import { type Kept, keptBy, requireBuild, root } from "./server-process";

const perRound = 1000;
const samples = 6;
const consumers = 200;

export async function benchMemory({ requests }: BenchOptions): Promise<Report> {
  requireBuild();
  const report: Report = { title: "what the plugin server keeps", ratios: [], measured: [] };
  const redis = await startRedis();
  const running = await start(root, { policy: "redis", cached: true, consumers }, redis.url, []);
  const taken: Kept[] = [];
  try {
    for (let asked = 0; asked < requests; asked += perRound) {
      await tell(running.generator, { ask: perRound });
      await tell(running.generator, { deliver: true });
      if ((asked + perRound) % Math.ceil(requests / samples) >= perRound) continue;
      const kept = await keptBy(running.server);
      taken.push(kept);
      report.measured.push(`after ${(asked + perRound).toLocaleString("en-US")}: ${told(kept)}`);
    }
  } finally {
    await end(running);
    await redis.stop();
  }
  const [middle, last] = [taken[Math.floor(taken.length / 2) - 1]!, taken.at(-1)!];
  const grown = threeDigits(last.heapUsed / middle.heapUsed);
  report.ratios.push(`after all requests ${grown}x of the heap after half of them`);
  return report;
}

function told({ before, ...kept }: Kept): string {
  return `${megabytes(kept)}; before the collection ${megabytes(before)}`;
}

function megabytes({ heapUsed, external, rss }: NodeJS.MemoryUsage): string {
  const [heap, outside, resident] = [heapUsed, external, rss].map((bytes) =>
    threeDigits(bytes / 1024 / 1024),
  );
  return `heap ${heap} MB, outside of it ${outside} MB, resident ${resident} MB`;
}
