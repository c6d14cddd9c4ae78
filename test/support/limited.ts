// A caller of llm-rate-limit, without a Kong: it asks, and tells the stage how each request has ended.

import { RequestBody } from "../../openai/request-body";
import { rateLimitOptions } from "../../plugins/llm-rate-limit/schema";
import { stage } from "../../plugins/llm-rate-limit/stage";
import type { Answer, Consumer, Exchange } from "../../stages/exchange";
import type { Outcome } from "../../stages/outcome";
import { type PreparedStage, prepareStage } from "../../stages/stage";
import type { Ticket } from "../../stages/ticket";

let namespaces = 0;
let requests = 0;

/** Those of the models that are asked here. */
export const prices = [
  { model: "gpt-4.1", input_usd_per_mtok: 10, output_usd_per_mtok: 20 },
  { model: "deepseek*", input_usd_per_mtok: 1, output_usd_per_mtok: 2 },
];
export const alice: Consumer = { id: "1", username: "alice", tags: ["team-a"] };

export interface Asked {
  exchange: Exchange;
  headers: Record<string, string>;
  answer: Answer | undefined;
  error: { message: string; type: string; code: string } | undefined;
  /** Tells the stage how it ended: with these tokens, or not well. */
  ends(how: Partial<Outcome> | { input: number; output: number }): Promise<void>;
}

/** Counted on this node where no Redis is given, in a namespace of its own where none is named. */
export function limited(options: object, redisUrl?: string) {
  const slow = { connect_timeout_ms: 10_000, command_timeout_ms: 10_000 };
  const counted = redisUrl
    ? { policy: "redis", redis: { url: redisUrl, ...slow } }
    : { policy: "local" };
  const prepared = prepareStage(
    stage,
    rateLimitOptions.parse({
      ...{ namespace: `limited-${process.pid}-${++namespaces}`, prices, ...counted },
      ...options,
    }),
  );
  return {
    prepared,
    ask: (
      body?: object,
      consumer = alice,
      stages?: Ticket["stages"],
      endpoint: string = "chat/completions",
    ) => ask(prepared, body, consumer, stages, endpoint),
  };
}

async function ask(
  prepared: PreparedStage,
  body = {},
  consumer = alice,
  stages: Ticket["stages"] = {},
  endpoint: string,
): Promise<Asked> {
  const id = `request-${process.pid}-${++requests}`;
  const whole = { model: "gpt-4.1", messages: [], max_tokens: 99, ...body };
  const parsed = RequestBody.parse(JSON.stringify(whole));
  if ("problem" in parsed) throw new Error(parsed.problem);
  const ticket = { id, started_at: 0, method: "POST", endpoint, stream: false, stages };
  const request = { id, method: "POST", path: `/v1/${endpoint}`, client_ip: "192.0.2.1" };
  const exchange: Exchange = {
    ...{ request, consumer, ticket, body: parsed, keep: 0 },
    ...{ upstreamHeaders: {}, responseHeaders: {} },
  };
  const decided = await prepared.decide(exchange);
  const answer = decided && "answer" in decided ? decided.answer : undefined;
  const note = decided && "note" in decided ? decided.note : undefined;
  return {
    exchange,
    headers: answer?.headers ?? exchange.responseHeaders,
    answer,
    error: answer && JSON.parse(answer.body).error,
    ends: (how) => end(prepared, exchange, note, how),
  };
}

async function end(
  prepared: PreparedStage,
  { ticket }: Exchange,
  note: unknown,
  how: Partial<Outcome> | { input: number; output: number },
): Promise<void> {
  const usage = "input" in how && { prompt_tokens: how.input, completion_tokens: how.output };
  await prepared.learn(
    {
      ...{ ticket, status: 200, source: "service", content_type: "application/json" },
      body: Buffer.from(JSON.stringify(usage ? { usage } : {})),
      ...{ complete: true, truncated: false, started_at: 0, first_byte_at: 0, ended_at: 0 },
      ...("input" in how ? {} : how),
    },
    note,
  );
}
