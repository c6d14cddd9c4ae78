// Questions about limits, counting, cache and streams: each asks the model a little, and so costs a
// little.

import { setTimeout as wait } from "node:timers/promises";
import type { Answer } from "./gateway-client";
import { question } from "./upstream";
import { type Examination, type Verdict, waitsFor } from "./verdict";

const path = "/v1/chat/completions";
const needed = ["decisions are carried out", "the upstream takes our key"];
// Outcomes come in batches, about every 20 ms; a slow machine may take longer.
const patienceMs = 5000;

/** What is left must become less. A sliding window may free some meanwhile, so it is asked thrice. */
export async function limiterCounts(examination: Examination): Promise<Verdict> {
  const waits = waitsFor(examination, ...needed);
  if (waits) return waits;
  const { client, model } = examination;
  const allowed = () => client.metric("llm_rate_limit_decisions_total", { decision: "allowed" });
  const before = await allowed();
  const answers: Answer[] = [];
  for (let n = 0; n < 3; n++) answers.push(await client.ask(path, question(model)));
  const left = answers.map(({ headers }) =>
    Number(headers.get("ratelimit-remaining") ?? Number.NaN),
  );
  if (left.some((more, n) => more < left[n - 1]!)) {
    return { result: "ok", found: `After three requests ${left.at(-1)} are left.` };
  }
  const after = await allowed();
  if (before !== undefined && after !== undefined && after > before) {
    return { result: "ok", found: "It counts, and tells clients nothing of it." };
  }
  if (before === undefined && left.every(Number.isNaN)) {
    return {
      result: "unknown",
      found: "Cannot tell: answers carry no RateLimit-Remaining.",
      todo: "Without hide_client_headers no limit is set. Give --health-url, and its metrics tell.",
    };
  }
  return {
    result: "wrong",
    found: "Requests take nothing from a limit.",
    todo: "Give rate_limit of llm-gateway (or llm-rate-limit) some requests, tokens or cost_usd.",
  };
}

/** Our Lua tells the plugin server of each answer. */
export async function learns(examination: Examination): Promise<Verdict> {
  const waits = waitsFor(examination, ...needed);
  if (waits) return waits;
  const { client, model } = examination;
  const ended = () => client.metric("llm_requests_total", { source: "service" });
  const before = await ended();
  if (before === undefined) {
    return {
      result: "unknown",
      found: "Cannot tell from here: it shows in the metrics of the plugin server.",
      todo: "Give its address as --health-url.",
    };
  }
  await client.ask(path, question(model));
  const isLearned = await within(patienceMs, async () => ((await ended()) ?? 0) > before);
  if (isLearned) return { result: "ok", found: "The metrics count them." };
  return {
    result: "wrong",
    found: "The metrics do not count an answer of the upstream.",
    todo: "See that the outcomes socket is there and that Kong's workers may write to it; without Lua files put tap.lua into body_filter and report.lua into log of post-function.",
  };
}

export async function cacheHits(examination: Examination): Promise<Verdict> {
  const waits = waitsFor(examination, ...needed, "answers are learned from");
  if (waits) return waits;
  const { client, model } = examination;
  const same = question(model);
  let status: string | null = null;
  const isHit = await within(patienceMs, async () => {
    status = (await client.ask(path, same)).headers.get("x-cache-status");
    return status === "Hit";
  });
  if (isHit) return { result: "ok", found: "The same question is answered without the upstream." };
  return {
    result: "wrong",
    found: `The same question goes upstream again (X-Cache-Status: ${status ?? "none"}).`,
    todo: "See that the cache is on for chat/completions, and, with --health-url, that answers are learned from.",
  };
}

// Nobody but a buffer holds a stream back so long only to send it at once.
const slowMs = 1000;

export async function streams(examination: Examination): Promise<Verdict> {
  const waits = waitsFor(examination, ...needed);
  if (waits) return waits;
  const { client, model } = examination;
  const asked = { ...question(model, `Count to twenty. ${Date.now()}`), stream: true };
  const answer = await client.ask(path, { ...asked, max_tokens: 64 });
  if (!/^text\/event-stream/.test(answer.headers.get("content-type") ?? "")) {
    return {
      result: "unknown",
      found: `Cannot tell: the answer to stream: true is no stream (${answer.status}).`,
    };
  }
  const [first = 0] = answer.arrivals;
  const last = answer.arrivals.at(-1) ?? 0;
  const pieces = answer.arrivals.length;
  const events = answer.text.match(/^data:/gm)?.length ?? 0;
  const seen = `${events} events in ${pieces} pieces, first bytes after ${Math.round(first)} ms, last after ${Math.round(last)} ms`;
  // What is held back to the end comes within one turn of a page or two; nginx' buffering alone lets
  // go whenever it has 1460 bytes (postpone_output), which are several events of a chat.
  const isHeldBack = last - first <= 50 || events >= 3 * pieces;
  if (!isHeldBack) return { result: "ok", found: `It arrives bit by bit: ${seen}.` };
  if (last < slowMs) {
    return {
      result: "unknown",
      found: `Cannot tell: it was over too soon (${seen}).`,
      todo: "Give a slower --model.",
    };
  }
  return {
    result: "wrong",
    found: `It is held back on its way: ${seen}.`,
    todo: "Set response_buffering: false on the route, and see that no proxy before Kong buffers.",
  };
}

/** Asks again until it is so; false when the time is over. */
async function within(milliseconds: number, isSo: () => Promise<boolean>): Promise<boolean> {
  const deadline = performance.now() + milliseconds;
  do {
    if (await isSo()) return true;
    await wait(50);
  } while (performance.now() < deadline);
  return false;
}
