// kong.log.serialize: one request in the shape of kong/pdk/log.lua 3.9. Credentials are redacted.

import type { KongRequest } from "../kong-request";
import type { LuaTable, LuaValue } from "../lua-value";
import { queryOf } from "./request";

export function serialize(request: KongRequest): LuaTable {
  const { service, route, consumer, id, method } = request;
  const now = Date.now();
  const headers: LuaTable = request.headers.toTable();
  for (const name of ["authorization", "proxy-authorization"]) {
    if (name in headers) headers[name] = "REDACTED";
  }
  return {
    workspace_name: "default",
    upstream_status: request.upstreamStatuses.join(", "),
    request: {
      id,
      method,
      headers,
      uri: request.uri,
      url: `${request.scheme}://${request.headers.get("host") ?? ""}${request.uri}`,
      querystring: queryOf(request.args),
      size: Number(request.headers.get("content-length") ?? 0),
    },
    response: { status: request.status, headers: request.responseHeaders.toTable() },
    latencies: {
      request: now - request.startedAt,
      kong: (request.accessEndedAt ?? now) - request.startedAt,
      proxy: request.proxied ? (request.headerAt ?? now) - (request.accessEndedAt ?? now) : -1,
    },
    tries: request.balancer?.get("tries") ?? [],
    client_ip: request.clientIp,
    started_at: request.startedAt,
    source: request.proxied ? "upstream" : "kong",
    service: service as unknown as LuaValue,
    route: route as unknown as LuaValue,
    consumer: consumer as unknown as LuaValue,
  };
}
