// The answer on its way to the client: head and chunks pass the plugins' filters, Kong's own headers
// are added last (kong/runloop/handler.lua 3.9, header_filter.after).

import type { ServerResponse } from "node:http";
import type { KongRequest } from "./kong-request";
import type { Runloop } from "./runloop";

/** How the stand-in calls itself where a Kong says kong/3.9.3. */
export const serverName = "kong-llm-stand-in";

export class Downstream {
  /** Nothing more is sent: the answer is whole, or was cut from here. */
  ended = false;

  constructor(
    private readonly request: KongRequest,
    private readonly outgoing: ServerResponse,
    private readonly runloop: Runloop,
  ) {}

  /** The client is gone, or was cut off. */
  get closed(): boolean {
    return this.outgoing.destroyed || this.outgoing.closed;
  }

  /** Sends status and headers as they stand in the request. @throws LuaError of a snippet */
  head(): void {
    const { request, outgoing } = this;
    request.headerAt = Date.now();
    const before = request.answer;
    this.runloop.headerFilter(request);
    // An exit within header_filter takes the place of the answer.
    const replacement = request.answer === before ? undefined : request.answer;
    if (replacement) this.replaceHead(replacement);
    this.addKongHeaders();
    request.headersSent = true;
    outgoing.writeHead(request.status, request.responseHeaders.toRaw());
    outgoing.flushHeaders();
    if (replacement) this.write(replacement.body ?? "", true);
  }

  /** @returns false when the client is slow: wait for `drained` */
  chunk(bytes: Buffer): boolean {
    return this.write(bytes.toString("latin1"), false);
  }

  end(): void {
    this.write("", true);
  }

  drained(): Promise<void> {
    const { outgoing } = this;
    return new Promise((resolve) => {
      if (!outgoing.writableNeedDrain || this.closed) return resolve();
      const done = () => {
        outgoing.off("drain", done).off("close", done);
        resolve();
      };
      outgoing.once("drain", done).once("close", done);
    });
  }

  /** Cuts the connection, so that the client sees that the answer is not whole. */
  abort(): void {
    this.ended = true;
    this.outgoing.destroy();
  }

  private write(chunk: string, last: boolean): boolean {
    if (this.ended || this.closed) return true;
    const { request, outgoing } = this;
    request.chunk = chunk;
    request.last = last;
    this.runloop.bodyFilter(request);
    const bytes = Buffer.from(request.chunk ?? "", "latin1");
    const goesOn = bytes.length === 0 || outgoing.write(bytes);
    if (request.last) {
      this.ended = true;
      outgoing.end();
    }
    return goesOn;
  }

  private replaceHead(answer: NonNullable<KongRequest["answer"]>): void {
    const { request } = this;
    request.status = answer.status;
    request.responseHeaders.set("Content-Length", String(answer.body?.length ?? 0));
    for (const [name, value] of Object.entries(answer.headers)) {
      request.responseHeaders.set(name, value);
    }
  }

  private addKongHeaders(): void {
    const { request } = this;
    const headers = request.responseHeaders;
    const now = request.headerAt ?? Date.now();
    const accessEnded = request.accessEndedAt ?? now;
    if (request.proxied) {
      headers.set("X-Kong-Upstream-Latency", String(now - accessEnded));
      headers.set("X-Kong-Proxy-Latency", String(accessEnded - request.startedAt));
      const via = headers.joined("via");
      headers.set("Via", `${via === undefined ? "" : `${via}, `}1.1 ${serverName}`);
      if (headers.get("server") === undefined) headers.set("Server", serverName);
    } else {
      headers.set("X-Kong-Response-Latency", String(accessEnded - request.startedAt));
      headers.set("Server", serverName);
    }
    headers.set("X-Kong-Request-Id", request.id);
  }
}
