// What a choice of the model costs beside what is read of a request anyway: by length and by turns, and
// for texts that are meant to take long. CPU of this process, as time of the clock says more of its
// neighbours.

// As in the plugin server: a subclass of String in it makes V8 slower at strings.
import "ioredis";
import { join } from "node:path";
import type { RequestBody } from "../openai/request-body";
import type { Exchange } from "../stages/exchange";
import type { PreparedStage } from "../stages/stage";
import { type BenchOptions, type Report, threeDigits } from "./report";
import { requireBuild, root } from "./server-process";

const sentences = [
  "주문한 상품이 아직 오지 않았어요. 언제쯤 받을 수 있을까요? 확인 부탁드립니다. ",
  "The order has left our warehouse, and it should be with you within two days. ",
  "환불 절차를 표로 정리하고, 각 단계마다 걸리는 시간을 적어 주세요. ",
  "Please compare both plans step by step, and explain which one costs less. ",
  "const total = items.reduce((sum, item) => sum + item.price, 0);\n",
];

const shapes = [
  ...[1, 9].map((turns) => ({ kilobytes: 8, turns, most: 30 })),
  ...[1, 9, 41, 401].map((turns) => ({ kilobytes: 100, turns, most: 200 })),
];

const hostile = ["prov", "pro ", "가", "복잡", "step by ", "- 1. ", "```", "a", "A", " ", "\n-"];

/** What the plugin server runs, from JavaScript: what tsx makes of it is slower. */
interface Built {
  decider(): PreparedStage;
  bodyIn(text: string): RequestBody;
}

export async function benchRoute({ seconds }: BenchOptions): Promise<Report> {
  const built = load();
  const report: Report = { title: "a choice of the model", ratios: [], measured: [] };
  for (const { kilobytes, turns, most } of shapes) {
    const text = conversation(kilobytes * 1024, turns);
    const micros = await microsOf(built, text, (seconds * 1000) / 6);
    const shape = `${kilobytes} KB in ${turns === 1 ? "one turn" : `${turns} turns`}`;
    report.measured.push(`${shape}: ${threeDigits(micros)} µs (at most ${most})`);
  }
  let slowest = { micros: 0, unit: "" };
  for (const unit of hostile) {
    const micros = await microsOf(built, bodyOf([unit.repeat(1e5 / unit.length)]), 100);
    if (micros > slowest.micros) slowest = { micros, unit };
  }
  report.measured.push(
    `100,000 hostile letters: ${threeDigits(slowest.micros)} µs at most, of ${JSON.stringify(slowest.unit)} (at most 200)`,
  );
  return report;
}

function load(): Built {
  requireBuild();
  const dist = <Module>(path: string) => require(join(root, "dist", path)) as Module;
  const { stage } = dist<typeof import("../plugins/llm-route/stage")>("plugins/llm-route/stage");
  const { routeOptions } = dist<typeof import("../plugins/llm-route/schema")>(
    "plugins/llm-route/schema",
  );
  const { prepareStage } = dist<typeof import("../stages/stage")>("stages/stage");
  const { RequestBody } = dist<typeof import("../openai/request-body")>("openai/request-body");
  const { estimateInputTokens } = dist<typeof import("../openai/estimate")>("openai/estimate");
  const tiers = [
    { name: "small", candidates: [{ model: "deepseek-v3.2" }] },
    { name: "standard", candidates: [{ model: "gpt-4.1" }] },
    { name: "strong", candidates: [{ model: "claude-sonnet-4.5" }] },
  ];
  return {
    decider: () => prepareStage(stage, routeOptions.parse({ choices: [{ name: "auto", tiers }] })),
    bodyIn(text) {
      const body = RequestBody.parse(text);
      if ("problem" in body) throw new Error(body.problem);
      // Usage, limits and access ask for it of every request.
      estimateInputTokens(body.value);
      return body;
    },
  };
}

/** Messages of user and assistant in turn, that of a user last; a body of about so many bytes. */
function conversation(bytes: number, turns: number): string {
  const contents: string[] = [];
  const each = bytes / turns;
  for (let turn = 0; turn < turns; turn++) {
    let content = "";
    for (let at = turn; Buffer.byteLength(content) < each - 40; at++) {
      content += sentences[at % sentences.length];
    }
    contents.push(content);
  }
  return bodyOf(contents);
}

function bodyOf(contents: string[]): string {
  const messages = contents.map((content, at) => {
    return { role: at % 2 === 0 ? "user" : "assistant", content };
  });
  return JSON.stringify({ model: "auto", messages });
}

// So many requests are read before they are decided about, as the clock of the CPU is coarse.
const batch = 32;

async function microsOf({ decider, bodyIn }: Built, text: string, ms: number): Promise<number> {
  const stage = decider();
  const rounds: number[] = [];
  for (const end = performance.now() + ms; performance.now() < end || rounds.length < 20; ) {
    const exchanges = Array.from({ length: batch }, () => exchangeOf(bodyIn(text)));
    const before = process.cpuUsage();
    for (const exchange of exchanges) await stage.decide(exchange);
    rounds.push(process.cpuUsage(before).user / batch);
  }
  // The first rounds are compiled while they run; a neighbour's work on the caches is not ours.
  const sorted = rounds.slice(5).sort((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)]!;
}

function exchangeOf(body: RequestBody): Exchange {
  return {
    request: { id: "r", method: "POST", path: "/v1/chat/completions", client_ip: "192.0.2.1" },
    consumer: { id: "c" },
    ...{ body, upstreamHeaders: {}, responseHeaders: {}, keep: 0 },
    ticket: {
      ...{ id: "r", started_at: 0, method: "POST", endpoint: "chat/completions", stream: false },
      stages: {},
    },
  };
}
