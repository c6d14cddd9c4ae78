// ngx.var: nginx's variables, as far as plugins use them.

import type { KongRequest } from "../kong-request";
import { LuaError, type LuaValue } from "../lua-value";

/** @throws LuaError for a name that is no string */
export function nginxVariable(request: KongRequest, name: LuaValue): LuaValue {
  if (typeof name !== "string") throw new LuaError("bad variable name");
  const header = /^http_(.+)$/.exec(name)?.[1];
  if (header) return request.headers.joined(header.replaceAll("_", "-"));
  const sent = /^sent_http_(.+)$/.exec(name)?.[1];
  if (sent) return request.responseHeaders.joined(sent.replaceAll("_", "-"));
  const answered = /^upstream_http_(.+)$/.exec(name)?.[1];
  if (answered) return request.upstreamHeaders?.joined(answered.replaceAll("_", "-"));
  return readable[name]?.(request);
}

/** @throws LuaError for a variable that nginx cannot change */
export function setNginxVariable(request: KongRequest, name: LuaValue, value: LuaValue): undefined {
  const set = typeof name === "string" ? writable[name] : undefined;
  if (!set) throw new LuaError(`variable "${String(name)}" not changeable`);
  set(request, value === undefined || value === null ? "" : String(value));
  return undefined;
}

const readable: Record<string, (request: KongRequest) => LuaValue> = {
  kong_request_id: ({ id }) => id,
  request_id: ({ nginxId }) => nginxId,
  request_method: ({ method }) => method,
  request_uri: ({ uri }) => uri,
  uri: ({ rawPath }) => rawPath,
  args: ({ args }) => args,
  query_string: ({ args }) => args,
  is_args: ({ args }) => (args ? "?" : ""),
  scheme: ({ scheme }) => scheme,
  host: ({ host }) => host,
  content_type: ({ headers }) => headers.get("content-type"),
  content_length: ({ headers }) => headers.get("content-length"),
  remote_addr: ({ clientIp }) => clientIp,
  realip_remote_addr: ({ clientIp }) => clientIp,
  remote_port: ({ clientPort }) => String(clientPort),
  server_port: ({ serverPort }) => String(serverPort),
  server_protocol: ({ httpVersion }) => `HTTP/${httpVersion}`,
  status: ({ status }) => String(status),
  request_completion: ({ clientLeft }) => (clientLeft ? "" : "OK"),
  upstream_uri: ({ upstreamUri }) => upstreamUri,
  upstream_scheme: ({ upstreamScheme }) => upstreamScheme,
  upstream_host: ({ upstreamHost }) => upstreamHost ?? "",
  upstream_status: ({ upstreamStatuses: all }) => (all.length > 0 ? all.join(", ") : undefined),
  // One for each try, as far as it came: plugins read whether there is a time, not which.
  upstream_connect_time: (request) => timesOf(request, ["connected", "answered"]),
  upstream_header_time: (request) => timesOf(request, ["answered"]),
  upstream_addr: ({ balancer }) =>
    balancer?.tries.map(({ ip, port }) => `${ip}:${port}`).join(", ") || undefined,
  request_length: ({ received }) => String(received),
};

const writable: Record<string, (request: KongRequest, value: string) => void> = {
  args(request, value) {
    request.args = value;
  },
  upstream_uri(request, value) {
    request.upstreamUri = value;
  },
  upstream_scheme(request, value) {
    request.upstreamScheme = value;
  },
  upstream_host(request, value) {
    request.upstreamHost = value;
  },
};

function timesOf(
  { upstreamReached: reached, phase }: KongRequest,
  enough: readonly string[],
): string | undefined {
  if (reached.length === 0) return undefined;
  const times = reached.map((one) => (enough.includes(one) ? "0.001" : "-")).join(", ");
  // The try that is to be made has no peer yet.
  return phase === "balancer" ? `${times} : ` : times;
}
