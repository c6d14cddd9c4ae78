import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, openSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { noUsage } from "../../models/usage";
import type { Outcome } from "../../stages/outcome";
import { usageLine } from "./usage-line";

const outcome: Outcome = {
  ticket: {
    id: "0123",
    started_at: 1_700_000_000_000,
    method: "POST",
    endpoint: "chat/completions",
    stream: true,
    route: "chat-completion-route",
    consumer: "team-a",
    cache: "Miss",
    limit: { decision: "allowed" },
    stages: { usage: { options: "x", note: { model: "gpt-4", tokens: 5 } } },
  },
  status: 200,
  source: "service",
  content_type: "text/event-stream",
  body: Buffer.from("the answer"),
  complete: true,
  truncated: false,
  started_at: 1_700_000_000_000,
  first_byte_at: 1_700_000_000_250,
  ended_at: 1_700_000_002_000,
};
const account = {
  requested_model: "gpt-4",
  model: "gpt-4.1",
  label: "gpt-4.1",
  usage: {
    ...noUsage,
    input_tokens: 1000,
    output_tokens: 500,
    cached_input_tokens: 0,
    reasoning_tokens: 0,
    estimated: false,
  },
  cost_usd: 0.012,
  saved_usd: undefined,
};
const line = {
  time: "2023-11-14T22:13:22.000Z",
  request_id: "0123",
  consumer: "team-a",
  route: "chat-completion-route",
  endpoint: "chat/completions",
  requested_model: "gpt-4",
  model: "gpt-4.1",
  provider: null,
  fallback_from: null,
  tier: null,
  tier_reason: null,
  tries: 1,
  status: 200,
  source: "service",
  tags: {},
  personal_data: {},
  cache: "Miss",
  stream: true,
  limit: "allowed",
  limited_by: null,
  moved_by: null,
  complete: true,
  cut_by: null,
  input_tokens: 1000,
  output_tokens: 500,
  cached_input_tokens: 0,
  cache_write_tokens: 0,
  reasoning_tokens: 0,
  estimated: false,
  cost_usd: 0.012,
  saved_usd: null,
  duration_ms: 2000,
  time_to_first_byte_ms: 250,
};

describe("llm-usage", () => {
  it("says who asked, what served, how it ended, what it took; never what was said", () => {
    expect(usageLine(outcome, account)).toEqual(line);
  });

  it("says who cut it, what it fell back from, which limit refused and what a hit saved", () => {
    const ticket = {
      ...outcome.ticket,
      limit: { decision: "would_refuse", by: "tokens per minute" },
      model: { requested: "gpt-4", served: "o3", label: "o3", fallback_from: "gpt-4.1" },
    };
    const cut = { ...outcome, ticket, complete: false, cut_by: "upstream" as const };
    expect(usageLine(cut, { ...account, saved_usd: 0.012 })).toEqual({
      ...line,
      fallback_from: "gpt-4.1",
      limit: "would_refuse",
      limited_by: "tokens per minute",
      complete: false,
      cut_by: "upstream",
      saved_usd: 0.012,
    });
  });

  it("says null where something is not known", () => {
    const { consumer: _, route: __, cache: ___, limit: ____, ...ticket } = outcome.ticket;
    const unknown = { ...account, model: undefined, usage: undefined, cost_usd: undefined };
    expect(usageLine({ ...outcome, ticket }, unknown)).toEqual({
      ...line,
      consumer: null,
      route: null,
      cache: null,
      limit: null,
      model: null,
      input_tokens: null,
      output_tokens: null,
      cached_input_tokens: null,
      cache_write_tokens: null,
      reasoning_tokens: null,
      cost_usd: null,
    });
  });

  it("writes every line to standard output, also those before an exit", async () => {
    const script = `
      const { writeLine, writeLineLater } = require("./write-line.ts");
      for (let n = 0; n < 1000; n++) {
        const write = n % 2 === 0 ? writeLine : writeLineLater;
        write({ ...${JSON.stringify(line)}, request_id: String(n) });
      }
      process.exit(0);`;
    const tsx = require.resolve("tsx/cjs");
    const run = promisify(execFile);
    const { stdout, stderr } = await run(process.execPath, ["--require", tsx, "-e", script], {
      cwd: join(__dirname),
    });
    expect(stderr).toBe("");
    const lines = stdout.trimEnd().split("\n");
    expect(lines).toHaveLength(1000);
    expect(lines[999]).toBe(JSON.stringify({ ...line, request_id: "999" }));
  });

  describe("where standard output takes no line, lets nobody wait and the process exit", () => {
    const script = `
      const { writeLine } = require("./write-line.ts");
      const write = () => writeLine(${JSON.stringify(line)});
      write().then(write).then(() => process.exit(7));
      process.stdin.resume();`;
    const args = ["--require", require.resolve("tsx/cjs"), "-e", script];

    it.runIf(existsSync("/dev/full"))("as its disk is full", async () => {
      const full = openSync("/dev/full", "w");
      const child = spawn(process.execPath, args, {
        cwd: __dirname,
        stdio: ["pipe", full, "ignore"],
      });
      closeSync(full);
      expect(await once(child, "exit")).toEqual([7, null]);
    });

    it("as nobody reads it any more", async () => {
      const child = spawn(process.execPath, args, { cwd: __dirname });
      child.stdout.destroy();
      expect(await once(child, "exit")).toEqual([7, null]);
    });
  });

  it("writes a line for which nobody waits without another one", async () => {
    const script = `
      const { writeLineLater } = require("./write-line.ts");
      writeLineLater(${JSON.stringify(line)});
      process.stdin.resume();`;
    const tsx = require.resolve("tsx/cjs");
    const child = spawn(process.execPath, ["--require", tsx, "-e", script], { cwd: __dirname });
    const [written] = (await once(child.stdout, "data")) as [Buffer];
    child.kill("SIGKILL");
    expect(written.toString()).toBe(`${JSON.stringify(line)}\n`);
  });
});
