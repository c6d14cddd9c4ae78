// Passes a request on and its answer back, chunk by chunk, as nginx's proxy module does in a Kong.

import type { IncomingMessage } from "node:http";
import { askUpstream, type Balancing, NameFailure } from "./balancer";
import type { BalancerData } from "./balancer-data";
import type { Route } from "./config";
import type { Downstream } from "./downstream";
import { unexpectedAnswer } from "./error-answer";
import { Headers } from "./headers";
import type { KongRequest } from "./kong-request";
import { UpstreamFailure } from "./upstream";
import type { UpstreamBody } from "./upstream-head";

/** What nginx holds back of a buffered answer before it sends some on: one page. */
const bufferBytes = 4096;

const hopByHop = new Set(["connection", "keep-alive", "transfer-encoding", "upgrade"]);

/**
 * Settles when the answer has been handed to the client, or cannot be.
 * @throws NameFailure when nobody was asked because the target's name is unknown
 */
export async function proxy(
  request: KongRequest,
  balancer: BalancerData,
  route: Route,
  downstream: Downstream,
  { gone, nextTry }: Pick<Balancing, "gone" | "nextTry">,
): Promise<void> {
  request.proxied = true;
  const body = () => bodyOf(request, route);
  let answer: IncomingMessage;
  try {
    answer = await askUpstream(request, balancer, { body, nextTry, gone });
  } catch (error) {
    if (error instanceof NameFailure) throw error;
    if (gone.aborted) return;
    failed(request, error instanceof UpstreamFailure ? error.status : 502, downstream);
    return;
  }
  takeHead(request, answer);
  downstream.head();
  await pass(answer, downstream, route.response_buffering);
}

async function bodyOf(request: KongRequest, route: Route): Promise<UpstreamBody> {
  const { body, headers } = request;
  const announced =
    headers.get("content-length") !== undefined || headers.get("transfer-encoding") !== undefined;
  if (!announced && !body.replaced) return undefined;
  return body.untouched && !route.request_buffering ? body.stream : body.read();
}

/** What nginx's error page says when there is no answer to pass on. */
function failed(request: KongRequest, status: 502 | 503 | 504, downstream: Downstream): void {
  const { body, headers } = unexpectedAnswer(request, status);
  request.unexpected = true;
  request.status = status;
  for (const [name, value] of Object.entries(headers)) request.responseHeaders.set(name, value);
  request.responseHeaders.set("Content-Length", String(body.length));
  downstream.head();
  downstream.chunk(Buffer.from(body, "latin1"));
  downstream.end();
}

function takeHead(request: KongRequest, answer: IncomingMessage): void {
  request.status = answer.statusCode ?? 502;
  request.upstreamHeaders = Headers.fromRaw(answer.rawHeaders);
  const named = (answer.headers.connection ?? "").toLowerCase().split(/\s*,\s*/);
  for (const [name, value] of request.upstreamHeaders.entries()) {
    const known = name.toLowerCase();
    if (!hopByHop.has(known) && !named.includes(known)) request.responseHeaders.add(name, value);
  }
}

async function pass(
  answer: IncomingMessage,
  downstream: Downstream,
  buffered: boolean,
): Promise<void> {
  let held: Buffer[] = [];
  let bytes = 0;
  const flush = async () => {
    const goesOn = bytes === 0 || downstream.chunk(Buffer.concat(held));
    held = [];
    bytes = 0;
    if (!goesOn) await downstream.drained();
  };
  try {
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      held.push(chunk);
      bytes += chunk.length;
      if (!buffered || bytes >= bufferBytes) await flush();
    }
  } catch {
    // The upstream or the client broke off in the middle: what came so far is sent, the end is not.
    await flush();
    downstream.abort();
    return;
  }
  await flush();
  downstream.end();
}
