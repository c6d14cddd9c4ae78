// A request for tests of what needs no network: the router, Lua, the plugin server's client.

import { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import { KongRequest } from "./kong-request";

interface Given {
  method?: string;
  url?: string;
  headers?: Record<string, string>;
  body?: string;
  /** Kong's client_body_buffer_size. */
  bufferBytes?: number;
}

export function requestWith(given: Given = {}): KongRequest {
  const { method = "GET", url = "/", headers = {}, body = "", bufferBytes = 8192 } = given;
  const incoming = new IncomingMessage(new Socket());
  incoming.method = method;
  incoming.url = url;
  incoming.httpVersion = "1.1";
  incoming.rawHeaders = Object.entries({ Host: "gateway:8000", ...headers }).flat();
  incoming.complete = true;
  incoming.push(body);
  incoming.push(null);
  const nextUpstream = new Set(["error", "timeout"]);
  return new KongRequest(incoming, "http", { clientBodyBufferBytes: bufferBytes, nextUpstream });
}
