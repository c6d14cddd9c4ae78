// kong.request.*: what the client sent. kong/pdk/request.lua 3.9.

import { Failure, type LuaTable, type LuaValue } from "../lua-value";
import { normalizePath } from "../uri";
import { accessPhase, type PdkFunction, requestPhases, text, within } from "./pdk-function";

const reading = within(requestPhases, {
  get_method: ({ method }) => method,
  get_scheme: ({ scheme }) => scheme,
  get_host: ({ host }) => host,
  get_port: ({ serverPort }) => serverPort,
  get_http_version: ({ httpVersion }) => Number(httpVersion),
  get_path: ({ rawPath }) => normalizePath(rawPath),
  get_raw_path: ({ rawPath }) => rawPath,
  get_path_with_query: ({ uri }) => uri,
  get_raw_query: ({ args }) => args ?? "",
  get_start_time: ({ startedAt }) => startedAt,

  // No proxy in front is trusted (Kong's trusted_ips is empty), so these tell what Kong itself saw.
  get_forwarded_scheme: ({ scheme }) => scheme,
  get_forwarded_host: ({ host }) => host,
  get_forwarded_port: ({ serverPort }) => serverPort,
  get_forwarded_path: ({ rawPath }) => normalizePath(rawPath),
  get_forwarded_prefix: ({ match }) => (match?.prefix === "/" ? undefined : match?.prefix),

  get_query: ({ args }) => queryOf(args),
  get_query_arg({ args }, name) {
    const value = queryOf(args)[text(name, "query argument name must be a string")];
    return Array.isArray(value) ? value[0] : value;
  },
  get_headers: ({ headers }) => headers.toTable(),
  get_header({ headers }, name) {
    return headers.get(text(name, "header name must be a string").replaceAll("_", "-"));
  },
});

const beforeContent = within([...accessPhase, "error"], {
  async get_raw_body({ body, settings }, most) {
    const bytes = await body.read();
    if (bytes.length <= settings.clientBodyBufferBytes || body.replaced) {
      return bytes.toString("latin1");
    }
    // nginx has spilled it to a file by now.
    if (typeof most !== "number" || most < 0) {
      return new Failure(
        "request body did not fit into client body buffer, consider raising " +
          "'client_body_buffer_size'",
      );
    }
    if (most > 0 && bytes.length > most) {
      return new Failure(`request body file too big: ${bytes.length} > ${most}`);
    }
    return bytes.toString("latin1");
  },
});

export const request: Record<string, PdkFunction> = { ...reading, ...beforeContent };

/** As ngx.req.get_uri_args: `true` for a name without a value, an array for several values. */
export function queryOf(args: string | undefined): LuaTable {
  const query = new Map<string, LuaValue>();
  for (const part of (args ?? "").split("&")) {
    if (part === "") continue;
    const equals = part.indexOf("=");
    const name = unescaped(equals < 0 ? part : part.slice(0, equals));
    const value = equals < 0 ? true : unescaped(part.slice(equals + 1));
    const known = query.get(name);
    query.set(name, known === undefined ? value : [known, value].flat());
  }
  return Object.fromEntries(query);
}

function unescaped(text: string): string {
  return text
    .replaceAll("+", " ")
    .replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
