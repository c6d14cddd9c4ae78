// What it costs to look for personal data and to mask it: for each KB of a request, and for a megabyte of
// what is meant to take long. CPU of this process, as time of the clock says more of its neighbours.

// As in the plugin server: a subclass of String in it makes V8 slower at strings.
import "ioredis";
import { join } from "node:path";
import type { RequestBody } from "../openai/request-body";
import type { Exchange } from "../stages/exchange";
import { type BenchOptions, type Report, threeDigits } from "./report";
import { requireBuild, root } from "./server-process";

const texts = {
  English:
    "The quick brown fox jumps over the lazy dog, and in 2024 it ran 3 times around block 42: not bad at all, said user_name. ",
  Korean:
    "안녕하세요, 고객님. 주문하신 상품은 2024년 3월 5일 오후 3시에 배송될 예정입니다. 문의는 고객센터로 해주세요. ",
  code: "const x_1 = foo.bar(12, 'a-b'); // v1.2.3 http://example.com/a?b=c-d_e\n",
  "a number in each line":
    "고객 요청입니다. 배송 전에 010-1234-5678 으로 연락 주시고, 문 앞에 두고 가 주세요. 감사합니다.\n",
};
const hostile = [
  "1 ",
  "123-",
  "1234 ",
  "1.1.1.1.",
  "010-1234-5678 ",
  "4111 1111 1111 1112 ",
  "9001011234567 ",
  "국민은행 123456-78-901234 ",
  "강남구 테헤란로 1 ",
  "로1",
  "공일",
  "a@",
  "@",
  "a@a.",
  "::",
  "a:",
  "s_",
  "sk-",
  "-",
  "-----BEGIN ",
  "eyJ.",
  "eyJ-",
  "DE89 ",
  "A1",
  "M123",
  "０",
  "\u200b",
  "[",
  "{",
  "AKIA",
  "1\n",
  "1&#45;",
  "로1,",
  "ab12",
  "a%40",
  "주문는는는 1234567890 ",
];

/** What users run: tsx puts a call around every function that it compiles. */
function built() {
  requireBuild();
  const from = <T>(path: string) => require(join(root, "dist", path)) as T;
  return {
    ...from<typeof import("../openai/request-body")>("openai/request-body.js"),
    ...from<typeof import("../personal-data/find")>("personal-data/find.js"),
    ...from<typeof import("../plugins/llm-privacy/schema")>("plugins/llm-privacy/schema.js"),
    ...from<typeof import("../plugins/llm-privacy/stage")>("plugins/llm-privacy/stage.js"),
    ...from<typeof import("../stages/stage")>("stages/stage.js"),
  };
}
type Built = ReturnType<typeof built>;

export async function benchPrivacy({ seconds }: BenchOptions): Promise<Report> {
  const code = built();
  const report: Report = { title: "personal data", ratios: [], measured: [] };
  for (const [name, text] of Object.entries(texts)) {
    const body = bodyOf(text, 16 * 1024);
    const micros = await microsOf(code, body, (seconds * 1000) / 4);
    report.measured.push(
      `${name}: ${threeDigits(micros / (Buffer.byteLength(body) / 1024))} µs a KB, read, masked and written (at most 20)`,
    );
  }
  const searched = hostile.map((unit) => ({ unit, ...hostileMs(code, unit) }));
  const [first, later] = [slowest(searched, "first"), slowest(searched, "later")];
  report.measured.push(
    `a hostile megabyte: ${later} (at most 100); the first of its kind, while V8 still compiles for it on all cores: ${first}`,
  );
  return report;
}

function bodyOf(text: string, bytes: number): string {
  const content = text.repeat(Math.ceil(bytes / Buffer.byteLength(text)));
  return JSON.stringify({ model: "gpt-4.1", messages: [{ role: "user", content }] });
}

// To ask for the CPU that was used costs as much as to mask a KB.
const asked = 16;
const unmeasured = 4;

/** Of the stage alone: every body is parsed for the others too. */
async function microsOf(
  { RequestBody, prepareStage, privacyOptions, stage }: Built,
  text: string,
  ms: number,
): Promise<number> {
  const prepared = prepareStage(stage, privacyOptions.parse({}));
  const requests = () =>
    Array.from({ length: asked }, () => {
      const body = RequestBody.parse(text);
      if ("problem" in body) throw new Error(body.problem);
      return exchangeOf(body);
    });
  let micros = 0;
  let rounds = 0;
  for (const end = performance.now() + ms; performance.now() < end; rounds++) {
    const exchanges = requests();
    const before = process.cpuUsage();
    for (const exchange of exchanges) {
      await prepared.decide(exchange);
      exchange.body?.edits();
    }
    // The first rounds are compiled while they run.
    if (rounds >= unmeasured) micros += process.cpuUsage(before).user;
  }
  return micros / asked / Math.max(1, rounds - unmeasured);
}

interface Searched {
  unit: string;
  /** Milliseconds of CPU. */
  first: number;
  later: number;
}

function slowest(searched: Searched[], when: "first" | "later"): string {
  const [most] = searched.toSorted((one, other) => other[when] - one[when]);
  return `${threeDigits(most![when])} ms at most, of ${JSON.stringify(most!.unit)}`;
}

const runs = 3;

function hostileMs({ findIn }: Built, unit: string): Omit<Searched, "unit"> {
  const text = Buffer.from(unit.repeat((1024 * 1024) / Buffer.byteLength(unit))).toString();
  const times = Array.from({ length: runs }, () => {
    const before = process.cpuUsage();
    findIn(text);
    return process.cpuUsage(before).user / 1000;
  });
  return { first: times[0]!, later: times.at(-1)! };
}

function exchangeOf(body: RequestBody): Exchange {
  return {
    request: { id: "r", method: "POST", path: "/v1/chat/completions", client_ip: "192.0.2.1" },
    consumer: { id: "c" },
    body,
    upstreamHeaders: {},
    responseHeaders: {},
    ticket: {
      ...{ id: "r", started_at: 0, method: "POST", endpoint: "chat/completions", stream: false },
      stages: {},
    },
    keep: 0,
    canRestore: true,
  };
}
