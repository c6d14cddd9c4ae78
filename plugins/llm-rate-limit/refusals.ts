// What a refused client is answered: which limit it met, what it may do about it, and whether to try
// again, in the words of OpenAI's API.

import { type Answer, type Exchange, refuse } from "../../stages/exchange";
import type { LimitState } from "./counts";
import { usd } from "./dollars";
import { retryHeaders, tightest, wholeSeconds } from "./headers";
import { type Identity, isShared } from "./identity";
import type { Limit, Output, Take } from "./limit";

/** A limit has no room. */
export function exceeded(
  { responseHeaders }: Exchange,
  identity: Identity,
  limits: LimitState[],
  takes: Take[],
  { least }: Output,
): Answer {
  const { limit, waitMs, who = identity } = tightest(limits);
  const take = takes.find((take) => take.limit === limit)!;
  const asked = take.amount + take.each * least;
  const text = isShared(who.kind)
    ? sharedMessage(limit, who, waitMs)
    : message(limit, who, waitMs, asked);
  const error = { message: text, ...kindOf(limit) };
  return refuse(429, error, { ...responseHeaders, ...retryHeaders(waitMs) });
}

// As OpenAI tells a rate, for which one waits, from a budget that is spent.
function kindOf({ measure, window }: Limit): { type: string; code: string } {
  const isCalendar = window === "day" || window === "month";
  if (measure === "requests" || measure === "concurrency") {
    return { type: "requests", code: "rate_limit_exceeded" };
  }
  if (measure === "cost_usd" || isCalendar) {
    return { type: "insufficient_quota", code: "insufficient_quota" };
  }
  return { type: "tokens", code: "rate_limit_exceeded" };
}

function message(limit: Limit, { kind }: Identity, waitMs: number, asked: number): string {
  const who = limit.model === undefined ? kind : `${kind} and the models ${limit.model}`;
  const { measure, window } = limit;
  if (measure === "concurrency") {
    return `The limit of ${counted(limit.most, "request")} at a time for this ${who} is reached; try again when one has ended.`;
  }
  if (measure === "requests") {
    return `The limit of ${counted(limit.most, "request")} per ${window} for this ${who} is reached; try again in ${wait(waitMs)}.`;
  }
  const may = `This request may take ${amount(limit, asked)}`;
  const whole = `the limit of ${amount(limit, limit.most)} per ${window} for this ${who}`;
  if (!Number.isFinite(waitMs)) {
    return `${may}, more than ${whole} ever holds: lower max_tokens or shorten the prompt.`;
  }
  return `${may}, for which ${whole} has no room now: try again in ${wait(waitMs)}, or lower max_tokens.`;
}

// Of a limit that others share neither its size nor what is left of it is told.
function sharedMessage({ measure, window }: Limit, { kind }: Identity, waitMs: number): string {
  const whose = kind === "everybody" ? "of everybody together" : `of this ${kind}`;
  const what = measure === "cost_usd" ? "budget" : `limit of ${measure.replace("_", " ")}`;
  if (measure === "concurrency") {
    return `As many requests ${whose} are under way as may be at a time; try again when one has ended.`;
  }
  const named = `The ${what} ${whose} per ${window}`;
  if (!Number.isFinite(waitMs)) {
    return `${named} is smaller than what this request may take: lower max_tokens or shorten the prompt.`;
  }
  return `${named} has no room for this request now: try again in ${wait(waitMs)}.`;
}

const nouns: Partial<Record<Limit["measure"], string>> = {
  tokens: "token",
  input_tokens: "input token",
  output_tokens: "output token",
};

function amount({ measure }: Limit, most: number): string {
  return measure === "cost_usd" ? `$${usd(most)}` : counted(most, nouns[measure] ?? "request");
}

function wait(waitMs: number): string {
  const seconds = wholeSeconds(waitMs);
  if (seconds < 600) return counted(seconds, "second");
  const minutes = Math.ceil(seconds / 60);
  return minutes < 600 ? counted(minutes, "minute") : counted(Math.ceil(minutes / 60), "hour");
}

function counted(count: number, noun: string): string {
  return count === 1 ? `1 ${noun}` : `${count} ${noun}s`;
}

/** Redis is down, and the operator wants no request uncounted. */
export function unavailable({ responseHeaders }: Exchange): Answer {
  const message = "The gateway cannot count requests at the moment; try again in a second.";
  const error = { message, type: "server_error", code: "gateway_unavailable" };
  return refuse(503, error, { ...responseHeaders, "Retry-After": "1" });
}

/** What a request costs is not known, and its consumer has a budget in dollars. */
export function unpriced({ responseHeaders }: Exchange, model: string): Answer {
  return refuse(
    400,
    {
      message: `The model ${JSON.stringify(model.slice(0, 200))} has no price at this gateway, so a budget in dollars cannot hold for it: use another model, or ask the operator to add it to \`prices\`.`,
      type: "invalid_request_error",
      param: "model",
      code: "model_not_priced",
    },
    responseHeaders,
  );
}

/** Its consumer has a budget in dollars, and it leaves the model to the upstream. */
export function unnamed({ responseHeaders }: Exchange): Answer {
  return refuse(
    400,
    {
      message:
        "The request names no model, so a budget in dollars cannot hold for it: name one in `model`.",
      type: "invalid_request_error",
      param: "model",
      code: "model_not_priced",
    },
    responseHeaders,
  );
}
