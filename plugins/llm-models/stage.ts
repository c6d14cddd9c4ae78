// Which model a request gets, and what it gets that its client left out. It guards: a request whose
// model cannot be told is not sent on.

import { type Answer, type Exchange, refuse } from "../../kong/exchange";
import type { Decided, Stage } from "../../kong/stage";
import type { RequestBody } from "../../openai/request-body";
import { listing, modelNames, modelNotFound } from "./listing";
import { type Resolve, resolver } from "./resolve";
import type { ModelsOptions } from "./schema";

interface Prepared {
  options: ModelsOptions;
  names: string[];
  resolve: Resolve;
}

export const stage: Stage<ModelsOptions, Prepared> = {
  name: "models",
  guards: true,
  prepare: (options) => ({ options, names: modelNames(options), resolve: resolver(options) }),
  decide(exchange, { options, names, resolve }): Decided {
    if (exchange.ticket.endpoint === "models") {
      return { answer: listing(names, exchange.request.path) };
    }
    if (!exchange.body) return undefined;
    const requested = exchange.body.get("model");
    if (!isModelName(requested)) return { answer: badModel(requested) };
    const resolved = resolve(requested);
    if (!resolved) return { answer: modelNotFound(requested) };
    exchange.ticket.model = { requested, ...resolved };
    exchange.responseHeaders["X-LLM-Model"] = resolved.served;
    if (resolved.served !== requested) exchange.body.set("model", resolved.served);
    fillIn(exchange, exchange.body, options);
    return undefined;
  },
};

// The name goes into a header, so control characters are refused with it.
function isModelName(value: unknown): value is string {
  return typeof value === "string" && /^[\x20-\x7e]{1,200}$/.test(value);
}

/** The members that bound an answer's length, by endpoint; the first is the one we set. */
const lengthBounds: Record<string, string[]> = {
  "chat/completions": ["max_tokens", "max_completion_tokens"],
  completions: ["max_tokens"],
  responses: ["max_output_tokens"],
};

function fillIn({ ticket }: Exchange, body: RequestBody, options: ModelsOptions): void {
  const bounds = lengthBounds[ticket.endpoint];
  if (!bounds) return;
  const { temperature, max_tokens } = options.defaults;
  if (temperature >= 0 && !isGiven(body, "temperature")) body.set("temperature", temperature);
  if (max_tokens > 0 && !bounds.some((name) => isGiven(body, name))) {
    body.set(bounds[0]!, max_tokens);
  }
  if (options.stream_usage && ticket.stream && ticket.endpoint !== "responses") askForUsage(body);
}

// OpenAI's API takes an explicit null for "not given".
function isGiven(body: RequestBody, field: string): boolean {
  return (body.get(field) ?? null) !== null;
}

function askForUsage(body: RequestBody): void {
  const given = body.get("stream_options");
  const options = typeof given === "object" && given !== null ? given : {};
  if ("include_usage" in options) return;
  body.set("stream_options", { ...options, include_usage: true });
}

function badModel(value: unknown): Answer {
  const problem = value === undefined ? "is missing" : "is not a model's name";
  return refuse(400, {
    message: `The member "model" ${problem}: give the name of a model as a string; GET /v1/models lists them.`,
    type: "invalid_request_error",
    param: "model",
    code: null,
  });
}
