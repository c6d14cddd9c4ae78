// kong.response.*: the answer to the client. kong/pdk/response.lua 3.9.

import { errorAnswer } from "../error-answer";
import { jsonBytes } from "../json";
import type { KongRequest } from "../kong-request";
import { Exit } from "../lua/run";
import { LuaError, type LuaValue } from "../lua-value";
import {
  headerPhases,
  headerValue,
  headerValues,
  type PdkFunction,
  responsePhases,
  text,
  within,
} from "./pdk-function";

const reading = within(responsePhases, {
  get_status: ({ status }) => status,
  get_source: ({ source }) => source,
  get_headers: ({ responseHeaders }) => responseHeaders.toTable(),
  get_header({ responseHeaders }, name) {
    return responseHeaders.get(text(name, "header name must be a string").replaceAll("_", "-"));
  },
});

const changing = within(headerPhases, {
  set_status(request, status) {
    request.status = checkedStatus(request, status, 100);
    return undefined;
  },
  set_header(request, name, value) {
    checkUnsent(request);
    setHeader(request, ...headerValue(name, value));
    return undefined;
  },
  set_headers(request, headers) {
    checkUnsent(request);
    for (const [name, value] of headerValues(headers)) setHeader(request, name, value);
    return undefined;
  },
  add_header(request, name, value) {
    checkUnsent(request);
    const [known, checked] = headerValue(name, value);
    for (const one of [checked].flat()) request.responseHeaders.add(known, one);
    return undefined;
  },
  clear_header(request, name) {
    checkUnsent(request);
    request.responseHeaders.remove(text(name, "header name must be a string"));
    return undefined;
  },
  exit(request, status, body, headers) {
    const checked = checkedStatus(request, status, 100);
    return exit(request, checked, bodyOf(body), Object.fromEntries(headerValues(headers)), body);
  },
  error(request, status, message, headers) {
    const checked = checkedStatus(request, status, 400);
    const said = typeof message === "object" ? jsonBytes(message) : message;
    if (said !== undefined && typeof said !== "string") {
      throw new LuaError("message must be a nil, a string or a table");
    }
    const answer = errorAnswer(request, checked, said);
    const given = Object.fromEntries(headerValues(headers));
    return exit(request, checked, answer.body, { ...answer.headers, ...given });
  },
});

export const response: Record<string, PdkFunction> = { ...reading, ...changing };

function exit(
  request: KongRequest,
  status: number,
  body: string | undefined,
  headers: Record<string, string | string[]>,
  given?: LuaValue,
): never {
  const isTyped = Object.keys(headers).some((name) => /^content[-_]type$/i.test(name));
  const typed: Record<string, string> =
    typeof given === "object" && !isTyped ? { "Content-Type": jsonType } : {};
  request.exited = true;
  request.answer = { status, body, headers: { ...typed, ...headers } };
  throw new Exit();
}

const jsonType = "application/json; charset=utf-8";

function bodyOf(body: LuaValue): string | undefined {
  if (body === undefined || typeof body === "string") return body;
  if (body === null || typeof body !== "object") {
    throw new LuaError("body must be a nil, string or table");
  }
  return jsonBytes(body);
}

function checkedStatus(request: KongRequest, status: LuaValue, least: number): number {
  checkUnsent(request);
  if (typeof status !== "number") throw new LuaError("code must be a number");
  if (status < least || status > 599) {
    throw new LuaError(`code must be a number between ${least} and 599`);
  }
  return status;
}

function checkUnsent(request: KongRequest): void {
  if (request.headersSent) throw new LuaError("headers have already been sent");
}

function setHeader(request: KongRequest, name: string, value: string | string[]): void {
  if (/^transfer[-_]encoding$/i.test(name)) return;
  request.responseHeaders.set(name.replaceAll("_", "-"), value);
}
