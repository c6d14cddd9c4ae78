import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LuaWorker } from "../stand-in/kong/lua/worker";
import { type LuaFiles, luaFiles, luaPlugin } from "../stand-in/kong/lua-files.fixture";
import { pdkFunctions } from "../stand-in/kong/pdk/functions";
import { requestWith } from "../stand-in/kong/request.fixture";

const word = 'data: {"choices":[{"delta":{"content":"[] is empty"}}]}';
const usage = 'data: {"choices":[],"usage":{"total_tokens":3}}';
const spaced = 'data: {"choices": [], "usage": {"total_tokens": 3}}';
const spared = 'data: {"error":null,"choices":[],"usage":{"total_tokens":3}}';
const failed = 'data: {"error":{"code":1},"choices":[],"usage":{"total_tokens":3}}';
const filters = 'data: {"choices":[],"prompt_filter_results":[]}';
const long = `data: {"choices":[{"delta":{"content":"${"x".repeat(2000)}"}}]}`;
const longUsage = `data: {"id":"${"x".repeat(2000)}","choices":[],"usage":{}}`;
const done = "data: [DONE]";

describe("trim.lua", () => {
  let files: LuaFiles;
  let worker: LuaWorker;
  beforeAll(() => {
    const trimming = `function plugin:access(conf)
      local trim, state, shown = require("trim"), {}, {}
      for n, chunk in ipairs(conf.chunks) do
        shown[n] = trim(state, chunk, n == #conf.chunks) or chunk
      end
      kong.ctx.shared.result = table.concat(shown)
    end`;
    files = luaFiles({
      "trim.lua": readFileSync(join(__dirname, "../lua/trim.lua"), "utf8"),
      ...luaPlugin("trim", trimming),
    });
    worker = new LuaWorker(pdkFunctions, () => {}, { packagePath: files.directory });
    worker.plugin("trim");
  });
  afterAll(async () => {
    await worker.exit();
    files.remove();
  });

  async function shownOf(chunks: string[]) {
    const request = requestWith();
    const access = worker.phasesOf({ name: "trim", id: "1" }, { chunks }).get("access")!;
    await worker.access(access, request);
    return worker.getMember(request, "shared", "result");
  }

  it("takes out the chunk of usage alone, however a stream is cut and its lines end", async () => {
    const events = fc.array(
      fc.constantFrom(word, usage, spaced, spared, failed, filters, long, longUsage, ": ping"),
      {
        maxLength: 6,
      },
    );
    const gap = fc.constantFrom("\n\n", "\r\n\r\n");
    // Those of one stream may differ: a relay has its own behind its pings.
    const gaps = fc.oneof(
      gap.map((one) => [one]),
      fc.array(gap, { minLength: 7, maxLength: 7 }),
    );
    const sizes = fc.infiniteStream(fc.oneof(fc.nat({ max: 30 }), fc.nat({ max: 3000 })));
    await fc.assert(
      fc.asyncProperty(events, gaps, sizes, async (all, gaps, sizes) => {
        const ours = [usage, spaced, spared, longUsage];
        const sent = [...all, done].map((event, at) => event + gaps[at % gaps.length]);
        const kept = sent.filter((event) => !ours.includes(event.trimEnd()));
        expect(await shownOf(cut(sent.join(""), sizes))).toBe(kept.join(""));
      }),
      { numRuns: 200 },
    );
  });

  it("holds nothing back of a stream that ends within an event", async () => {
    expect(await shownOf([`${word}\n\nda`, "ta: {"])).toBe(`${word}\n\ndata: {`);
  });
});

function cut(text: string, sizes: Iterable<number>): string[] {
  const chunks: string[] = [];
  let at = 0;
  for (const size of sizes) {
    chunks.push(text.slice(at, at + size + 1));
    at += size + 1;
    if (at >= text.length) return chunks;
  }
  return chunks;
}
