// Anthropic's API as the stand-in serves it: who may ask what, and errors in its shape.
// https://platform.claude.com/docs/en/api/messages

import { errorBody } from "../../anthropic/error";
import { modelEntry, modelsList } from "../../anthropic/models-list";
import { endpointOf } from "../../families/endpoint-path";
import type { Answered } from ".";
import type { Behaviour } from "./behaviour";
import { failing } from "./failing-stream";
import { event, messagesAnswer } from "./messages";
import { countTokens, type PromptCache } from "./prompt-cache";
import type { RecordedRequest } from "./recorded-request";

type Fields = Record<string, unknown>;

interface Context {
  /** The request's id, which errors repeat. */
  id: string;
  models: string[];
  promptCache: PromptCache;
}

/** Whether a request is one to this API: by its path, and where both APIs have it by its version. */
export function asksAnthropic({ url, headers }: RecordedRequest): boolean {
  const path = pathOf(url);
  if (/^\/v1\/messages(?:\/|$)/.test(path)) return true;
  return /^\/v1\/models(?:\/|$)/.test(path) && Boolean(versionIn(headers));
}

export function messagesApi(
  request: RecordedRequest,
  behaviour: Behaviour,
  context: Context,
): Answered {
  const { headers, method, url, json: body } = request;
  const refuse = (status: number, message: string) => failure(status, message, context);
  const hasKey = headers["x-api-key"] || /^Bearer \S+$/.test(headers.authorization ?? "");
  if (!hasKey) return refuse(401, "x-api-key header is required");
  if (!versionIn(headers)) {
    return refuse(400, "anthropic-version: header is required");
  }
  if (behaviour.status !== undefined) return ordered(behaviour, context);

  const endpoint = endpointOf(method, pathOf(url));
  if (endpoint === "models") return models(pathOf(url), context);
  if (endpoint === "other") return refuse(404, "Not found");
  const fault = body ? faultIn(body, endpoint, headers) : "The body is not a JSON object";
  if (!body || fault !== undefined) return refuse(400, fault ?? "");
  if (endpoint === "messages/count_tokens") return json({ input_tokens: countTokens(body) });
  const answer = messagesAnswer(body, behaviour, context.promptCache.take(body));
  return { status: 200, answer: failing(answer, overloadedEvent, behaviour) };
}

const overloadedEvent = event("error", {
  error: { type: "overloaded_error", message: "Overloaded" },
});

/** What is wrong with a body, in the words of the API; undefined where nothing is. */
function faultIn(
  body: Fields,
  endpoint: string,
  headers: RecordedRequest["headers"],
): string | undefined {
  const required = ["model", "messages", ...(endpoint === "messages" ? ["max_tokens"] : [])];
  const missing = required.find((name) => (body[name] ?? null) === null);
  if (missing) return `${missing}: Field required`;
  const { messages, max_tokens } = body;
  if (!Array.isArray(messages)) return "messages: Input should be a valid array";
  if (messages.length === 0) return "messages: at least one message is required";
  if (max_tokens !== undefined && (!Number.isSafeInteger(max_tokens) || Number(max_tokens) < 0)) {
    return "max_tokens: Input should be a valid integer";
  }
  const gone = ["temperature", "top_p", "top_k"].find((name) => name in body);
  if (gone && String(versionIn(headers)) >= "2026-10-21") {
    return `${gone}: Extra inputs are not permitted`;
  }
  return faultInThinking(body, String(headers["anthropic-beta"]));
}

function faultInThinking({ thinking, max_tokens }: Fields, betas: string): string | undefined {
  const { type, budget_tokens } = (thinking ?? {}) as Fields;
  if (type !== "enabled") return undefined;
  if (Number(budget_tokens) < 1024) {
    return "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024";
  }
  const isInterleaved = betas.includes("interleaved-thinking");
  if (max_tokens === undefined || isInterleaved || Number(budget_tokens) < Number(max_tokens)) {
    return undefined;
  }
  return "`max_tokens` must be greater than `thinking.budget_tokens`";
}

function models(path: string, context: Context): Answered {
  const entries = context.models.map((id) => ({ id, createdAt: 1_700_000_000_000 }));
  if (path === "/v1/models") return json(modelsList(entries));
  const name = decodeURIComponent(path.slice("/v1/models/".length));
  const entry = entries.find(({ id }) => id === name);
  return entry ? json(modelEntry(entry)) : failure(404, `model: ${name}`, context);
}

function ordered({ status = 500, retryAfter }: Behaviour, context: Context): Answered {
  const wait = retryAfter ?? (status === 429 ? "1" : undefined);
  const headers = wait === undefined ? undefined : { "Retry-After": wait };
  return { ...failure(status, `The stand-in was told to answer ${status}.`, context), headers };
}

function failure(status: number, message: string, { id }: Context): Answered {
  return { status, answer: { json: errorBody(status, { message }, id) } };
}

function json(value: object): Answered {
  return { status: 200, answer: { json: JSON.stringify(value) } };
}

function pathOf(url: string): string {
  return url.split("?")[0] ?? "/";
}

function versionIn(headers: RecordedRequest["headers"]): string | undefined {
  const version = headers["anthropic-version"];
  return Array.isArray(version) ? version[0] : version;
}
