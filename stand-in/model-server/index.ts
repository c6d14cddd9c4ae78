// A stand-in for the upstream: OpenAI's API and Anthropic's Messages API on loopback, with answers that
// tests can foretell. It records every request and misbehaves on order. For development and tests only.

import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { type ApiError, errorBody } from "../../openai/error";
import {
  chatAnswer,
  completionAnswer,
  embeddingsAnswer,
  type ModelAnswer,
  responsesAnswer,
} from "./answers";
import { type Behaviour, Behaviours, behavingModels } from "./behaviour";
import { failing } from "./failing-stream";
import { fieldsOf, formAnswerers, mediaAnswerers } from "./media-answers";
import { asksAnthropic, messagesApi } from "./messages-api";
import { PromptCache } from "./prompt-cache";
import { RecordedRequest } from "./recorded-request";
import { send } from "./send";

export { type Behaviour, Gate } from "./behaviour";
export type { RecordedRequest } from "./recorded-request";

export interface ModelServer {
  /** Origin without a path: the API is below /v1. */
  url: string;
  port: number;
  /** Every request that came, also the refused ones, in order of arrival. */
  requests: RecordedRequest[];
  /** Settles with request `n` (from 1) as soon as it has come. */
  arrived(n: number): Promise<RecordedRequest>;
  /** Forgets the requests, every behaviour and the prompts that were kept. */
  clear(): void;
  /** Orders a behaviour; the latest order that matches a request is used. */
  behave(behaviour: Behaviour): void;
  close(): Promise<void>;
}

interface Options {
  /** Default: 127.0.0.1, where nobody else can reach it. */
  host?: string;
  /** Default: any free port. */
  port?: number;
  /** What GET /v1/models lists; every other name is answered too. */
  models?: string[];
}

const servedModels = [
  "gpt-4.1",
  "claude-sonnet-4-20250514",
  "claude-sonnet-4.5",
  "gemini-2.0-flash",
  "gemini-2.5-flash",
  "deepseek-chat-v3-0324",
  "deepseek-v3.2",
  "text-embedding-3-small",
  ...behavingModels,
];

const answerers: Record<string, (body: Record<string, unknown>, b: Behaviour) => ModelAnswer> = {
  "/v1/chat/completions": chatAnswer,
  "/v1/completions": completionAnswer,
  "/v1/embeddings": embeddingsAnswer,
  "/v1/responses": responsesAnswer,
  ...mediaAnswerers,
};

export async function startModelServer(options: Options = {}): Promise<ModelServer> {
  const { host = "127.0.0.1", port = 0, models = servedModels } = options;
  const requests: RecordedRequest[] = [];
  const behaviours = new Behaviours();
  const promptCache = new PromptCache();
  let awaited: { n: number; resolve: (request: RecordedRequest) => void }[] = [];

  async function handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = new RecordedRequest(incoming, response, await text(incoming));
    requests.push(request);
    const arrived = awaited.filter(({ n }) => n <= requests.length);
    awaited = awaited.filter(({ n }) => n > requests.length);
    for (const { resolve } of arrived) resolve(request);

    const behaviour = behaviours.takeFor(request);
    const id = `req_${randomUUID().replaceAll("-", "")}`;
    const isAnthropic = asksAnthropic(request);
    response.setHeader(isAnthropic ? "request-id" : "x-request-id", id);
    const { status, answer, headers } = isAnthropic
      ? messagesApi(request, behaviour, { id, models, promptCache })
      : answerTo(request, behaviour, models);
    const withHeaders = { ...behaviour, headers: { ...headers, ...behaviour.headers } };
    await send(answer, status, request, response, withHeaders);
  }

  const server = createServer((incoming, response) => {
    incoming.socket.setNoDelay(true);
    // A client that goes away in the middle of its request ends here.
    handle(incoming, response).catch(() => incoming.destroy());
  });
  server.listen({ port, host, backlog: 4096 });
  await once(server, "listening");
  const address = server.address() as AddressInfo;

  return {
    url: `http://127.0.0.1:${address.port}`,
    port: address.port,
    requests,
    arrived(n) {
      const come = requests[n - 1];
      if (come) return Promise.resolve(come);
      return new Promise((resolve) => awaited.push({ n, resolve }));
    },
    clear() {
      requests.length = 0;
      behaviours.clear();
      promptCache.clear();
    },
    behave: (behaviour) => behaviours.add(behaviour),
    async close() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

export interface Answered {
  status: number;
  answer: ModelAnswer;
  headers?: Record<string, string>;
}

function answerTo(request: RecordedRequest, behaviour: Behaviour, models: string[]): Answered {
  const path = request.url.split("?")[0] ?? "/";
  const bearer = /^Bearer \S+$/.test(request.headers.authorization ?? "");
  if (!bearer) return failure(401, "Send an API key as a Bearer token.", "invalid_api_key");
  if (behaviour.status !== undefined) return ordered(behaviour.status, behaviour.retryAfter);

  if (request.method === "GET" && path === "/v1/models") {
    return json({ object: "list", data: models.map(modelEntry) });
  }
  if (request.method === "GET" && path.startsWith("/v1/models/")) {
    const name = decodeURIComponent(path.slice("/v1/models/".length));
    if (models.includes(name)) return json(modelEntry(name));
    return failure(404, `The model '${name}' does not exist.`, "model_not_found");
  }
  const isPost = request.method === "POST";
  const ofForm = isPost ? formAnswerers[path] : undefined;
  if (ofForm) return { status: 200, answer: ofForm(fieldsOf(request.body)) };
  const answerer = isPost ? answerers[path] : undefined;
  if (!answerer) return failure(404, `Unknown request URL: ${request.method} ${path}.`, null);
  if (!request.json) return failure(400, "The body must be a JSON object.", null);
  const isNamed = request.model !== undefined || path.startsWith("/v1/moderations");
  if (!isNamed) return failure(400, "The body must name a model.", null);
  const answer = answerer(request.json, behaviour);
  return { status: 200, answer: failing(answer, failedEvent, behaviour) };
}

const failedEvent = `data: ${JSON.stringify({
  error: { message: "The stand-in was told to fail.", type: "server_error", code: null },
})}\n\n`;

function ordered(status: number, retryAfter = status === 429 ? "1" : undefined): Answered {
  const code = status === 429 ? "rate_limit_exceeded" : null;
  const headers = retryAfter === undefined ? undefined : { "Retry-After": retryAfter };
  return { ...failure(status, `The stand-in was told to answer ${status}.`, code), headers };
}

function failure(status: number, message: string, code: string | null): Answered {
  const error: ApiError = { message, type: typeOf(status), code };
  return { status, answer: { json: errorBody(error) } };
}

function typeOf(status: number): string {
  if (status === 429) return "requests";
  return status >= 500 ? "server_error" : "invalid_request_error";
}

function json(value: object): Answered {
  return { status: 200, answer: { json: JSON.stringify(value) } };
}

function modelEntry(id: string) {
  return { id, object: "model", created: 1_700_000_000, owned_by: "stand-in" };
}
