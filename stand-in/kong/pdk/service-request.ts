// kong.service.request.*: changes what goes upstream. kong/pdk/service/request.lua 3.9.

import type { KongRequest } from "../kong-request";
import { bytesOf, isTable, LuaError, type LuaTable, type LuaValue, textOf } from "../lua-value";
import { escapePath } from "../uri";
import {
  accessAndBalancer,
  accessPhase,
  headerValue,
  headerValues,
  type PdkFunction,
  text,
  within,
} from "./pdk-function";

const retrying = within(accessAndBalancer, {
  set_header(request, name, value) {
    setHeader(request, ...headerValue(name, value));
    return undefined;
  },
  set_raw_body(request, body) {
    const bytes = Buffer.from(text(body, "body must be a string"), "latin1");
    request.body.replace(bytes);
    request.headers.remove("transfer-encoding");
    request.headers.set("Content-Length", String(bytes.length));
    return undefined;
  },
  set_path(request, path) {
    const checked = text(path, "path must be a string");
    if (!checked.startsWith("/")) throw new LuaError("path must start with /");
    request.upstreamUri = escapePath(checked);
    return undefined;
  },
  set_scheme(request, scheme) {
    if (scheme !== "http" && scheme !== "https") {
      throw new LuaError(`invalid scheme: ${String(scheme)}`);
    }
    request.upstreamScheme = scheme;
    return undefined;
  },
});

const once = within(accessPhase, {
  set_headers(request, headers) {
    for (const [name, value] of headerValues(headers)) setHeader(request, name, value);
    return undefined;
  },
  add_header(request, name, value) {
    const [known, checked] = headerValue(name, value);
    for (const one of [checked].flat()) request.headers.add(known, one);
    return undefined;
  },
  clear_header(request, name) {
    request.headers.remove(text(name, "header must be a string"));
    return undefined;
  },
  set_method(request, method) {
    request.upstreamMethod = text(method, "method must be a string");
    return undefined;
  },
  set_raw_query(request, query) {
    request.args = text(query, "query must be a string");
    return undefined;
  },
  set_query(request, args) {
    if (!isTable(args)) throw new LuaError("args must be a table");
    request.args = orderedQuery(args);
    return undefined;
  },
  // Kong parses the query and writes it anew, so %41 arrives as A (kong.md).
  clear_query_arg(request, name) {
    const cleared = text(name, "query argument name must be a string");
    if (!request.args) return undefined;
    const query = new URLSearchParams(textOf(request.args));
    query.delete(textOf(cleared));
    request.args = bytesOf(query.toString());
    return undefined;
  },
});

export const serviceRequest: Record<string, PdkFunction> = { ...retrying, ...once };

function setHeader(request: KongRequest, name: string, value: string | string[]): void {
  if (name.toLowerCase() === "host") request.upstreamHost = [value].flat()[0];
  request.headers.set(name, value);
}

function orderedQuery(args: LuaTable): string {
  return Object.entries(args)
    .map(([name, value]) => argument(name, value))
    .sort()
    .join("&");
}

function argument(name: string, value: LuaValue): string {
  if (Array.isArray(value)) return value.map((one) => argument(name, one)).join("&");
  const escaped = encodeURIComponent(textOf(name));
  return value === true ? escaped : `${escaped}=${encodeURIComponent(textOf(String(value)))}`;
}
