// What second tries cost the plugin server, for each request, though none of them may be needed: each
// further try has a body, headers and words for the client of its own, made before the first is sent.

import { RequestBody } from "../openai/request-body";
import { modelsOptions } from "../plugins/llm-models/schema";
import { stage } from "../plugins/llm-models/stage";
import type { Exchange } from "../stages/exchange";
import { nextTries, ticketTries } from "../stages/next-tries";
import { fingerprintOf, prepareStage } from "../stages/stage";
import { writeTicket } from "../stages/ticket";
import { type BenchOptions, type Report, threeDigits } from "./report";

const counts = [0, 1, 3];
const rounds = 5;

const options = modelsOptions.parse({
  providers: ["a", "b", "c", "d"].map((name) => ({ name, url: `https://${name}.example` })),
  aliases: [
    { name: "gpt-4", target: "a/gpt-4.1", fallbacks: ["b/gpt-4.1", "c/deepseek-chat", "d/o3"] },
  ],
});

const text = JSON.stringify({
  model: "gpt-4",
  messages: [{ role: "user", content: "x".repeat(8000) }],
  max_tokens: 500,
});

export async function benchTries({ seconds }: BenchOptions): Promise<Report> {
  const report: Report = { title: "second tries", ratios: [], measured: [] };
  const micros = counts.map(() => Number.POSITIVE_INFINITY);
  // In turns, and the best of each: what else the machine does must not fall on one of them.
  for (let round = 0; round < rounds; round++) {
    for (const [at, most] of counts.entries()) {
      const taken = await measure(most, seconds / rounds / counts.length);
      micros[at] = Math.min(micros[at]!, taken);
    }
  }
  const [without = 0, ...others] = micros;
  for (const [at, taken] of others.entries()) {
    const more = `${counts[at + 1]} further tries in the decision of 8 KB`;
    report.ratios.push(
      `${more}: ${threeDigits(taken / without)} times what llm-models takes for none`,
    );
    report.measured.push(`${more}: ${threeDigits(taken - without)} µs more of this process`);
  }
  report.measured.push(`none: ${threeDigits(without)} µs`);
  return report;
}

async function measure(most: number, seconds: number): Promise<number> {
  const prepared = prepareStage(stage, options);
  const entry = { options: fingerprintOf(options) };
  const decide = async () => {
    const exchange = exchangeOf(most);
    await prepared.decide(exchange);
    exchange.ticket.stages.models = entry;
    const tries = nextTries(exchange, (copy) => copy.edits());
    if (tries.length !== most) throw new Error(`${tries.length} tries in place of ${most}`);
    exchange.ticket.tries = ticketTries(exchange.others ?? []);
    JSON.stringify(tries);
    writeTicket(exchange.ticket);
  };
  await decide();
  const cpu = process.cpuUsage();
  const began = performance.now();
  let decided = 0;
  for (; performance.now() - began < seconds * 1000; decided++) await decide();
  const { user, system } = process.cpuUsage(cpu);
  return (user + system) / decided;
}

function exchangeOf(mostOthers: number): Exchange {
  const body = RequestBody.parse(text);
  if ("problem" in body) throw new Error(body.problem);
  const [id, endpoint] = ["bench", "chat/completions"];
  return {
    request: { id, method: "POST", path: `/v1/${endpoint}`, client_ip: "192.0.2.1" },
    consumer: { id: "1", username: "consumer" },
    ticket: { id, started_at: 0, method: "POST", endpoint, stream: false, stages: {} },
    ...{ body, upstreamHeaders: {}, responseHeaders: {}, keep: 0, mostOthers },
  };
}
