// One try of a request at one address, with the timeouts of the service and the failures that nginx
// tells apart.

import { type ClientRequest, request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { isIP } from "node:net";
import { Readable } from "node:stream";
import { checkServerIdentity } from "node:tls";
import type { BalancerData } from "./balancer-data";
import type { CreatedRequest } from "./upstream-head";

/** The upstream gave no answer: 502, or 504 when it took too long. */
export class UpstreamFailure extends Error {
  constructor(
    readonly status: 502 | 503 | 504,
    /** As proxy_next_upstream names it. */
    readonly condition: "error" | "timeout" | "invalid_header" | "no_target",
    /** Nothing was sent: the request may go out again, whatever its method. */
    readonly unsent: boolean,
    reason: string,
  ) {
    super(reason);
  }
}

export interface Address {
  ip: string;
  port: number;
  /** The name that a certificate must have: Host without its port. */
  name: string;
  verifiesTls: boolean;
  /** Authorities in place of the well-known ones, as PEM. */
  trusted?: string;
}

/** @throws UpstreamFailure */
export function ask(
  { method, path, headers, body, isTls }: CreatedRequest,
  { ip, port, name, verifiesTls, trusted }: Address,
  timeouts: BalancerData,
  gone: AbortSignal,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const outgoing = (isTls ? httpsRequest : httpRequest)({
      ...{ host: ip, port, method, path, headers: headers as never },
      agent: false,
      setHost: false,
      signal: gone,
      ...(isTls && {
        ...{ servername: isIP(name) ? "" : name, rejectUnauthorized: verifiesTls, ca: trusted },
        // A server without a name of its own is known by the address that it was asked at.
        ...(!isIP(name) && { checkServerIdentity: (_, cert) => checkServerIdentity(name, cert) }),
      }),
    });
    watch(outgoing, timeouts, isTls, reject);
    outgoing.on("response", resolve);
    if (body instanceof Readable) body.pipe(outgoing);
    else outgoing.end(body);
  });
}

function watch(
  outgoing: ClientRequest,
  { connect_timeout, read_timeout }: BalancerData,
  isTls: boolean,
  fail: (error: UpstreamFailure) => void,
): void {
  let connected = false;
  const connecting = setTimeout(() => {
    outgoing.destroy();
    fail(new UpstreamFailure(504, "timeout", true, "the connection took too long"));
  }, connect_timeout);
  outgoing.on("socket", (socket) => {
    socket.once(isTls ? "secureConnect" : "connect", () => {
      connected = true;
      clearTimeout(connecting);
      socket.setTimeout(read_timeout);
    });
    socket.once("timeout", () => {
      const failure = new UpstreamFailure(504, "timeout", false, "the answer took too long");
      outgoing.destroy(failure);
      fail(failure);
    });
  });
  outgoing.on("error", (error: NodeJS.ErrnoException) => {
    clearTimeout(connecting);
    const condition = error.code?.startsWith("HPE_") ? "invalid_header" : "error";
    fail(new UpstreamFailure(502, condition, !connected, error.message));
  });
}
