// The operators' page as the health server asks it: which addresses there are below /page, who may see
// them, and what a browser may do with them. It reads, and changes nothing.

import { createHash } from "node:crypto";
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import { watchRequests } from "../plugins/llm-usage/recent";
import { log } from "../stages/log";
import { isLanguage, type Language, preferredLanguage } from "./language";
import { renderLogin, renderPage, script, style } from "./render";
import { type Snapshot, snapshots } from "./snapshot";
import { Admission, cookieName, sessionSeconds, type TokenSource } from "./token";
import { members } from "./use";

type OperatorsPage = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

const languageCookie = "kong_llm_page_language";
const mostFormBytes = 4096;

const digest = (text: string) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
const policy = [
  "default-src 'none'",
  `script-src ${digest(script)}`,
  `style-src ${digest(style)}`,
  "img-src data:",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join("; ");

const always = {
  "Content-Security-Policy": policy,
  "Cache-Control": "no-store",
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
};

/**
 * Opens the page, and keeps from now on what it shows of requests.
 * @throws Error where there is no token, or one that could be guessed
 */
export function operatorsPage(token: TokenSource): OperatorsPage {
  const admission = new Admission(token);
  const snapshot = snapshots();
  watchRequests();
  return async (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "", "http://page");
    const visit: Visit = {
      ...{ request, response, admission, snapshot, query: searchParams },
      cookies: cookiesOf(request.headers),
      address: request.socket.remoteAddress ?? "",
    };
    const isRead = request.method === "GET" || request.method === "HEAD";
    if (pathname === "/page" && isRead) return show(visit);
    if (pathname === "/page/login" && request.method === "POST") return logIn(visit);
    if (pathname === "/page/logout" && request.method === "POST") return logOut(visit);
    if (["/page", "/page/login", "/page/logout"].includes(pathname)) {
      return sendText(visit, 405, { Allow: pathname === "/page" ? "GET, HEAD" : "POST" });
    }
    return sendText(visit, 404);
  };
}

interface Visit {
  request: IncomingMessage;
  response: ServerResponse;
  query: URLSearchParams;
  cookies: Map<string, string>;
  address: string;
  admission: Admission;
  snapshot(): Promise<Snapshot>;
}

async function show(visit: Visit): Promise<void> {
  const { request, query, cookies, address, admission } = visit;
  const isJson = query.get("format") === "json";
  const wanted = query.get("lang");
  if (isLanguage(wanted) && !isJson) {
    const cookie = `${languageCookie}=${wanted}; ${cookieEnd(request)}; Max-Age=31536000`;
    return send(visit, 303, "", { "Set-Cookie": cookie, Location: "/page" });
  }
  const { authorization } = request.headers;
  const admitted = admission.admits({ cookie: cookies.get(cookieName), authorization, address });
  if (admitted !== "yes") return turnAway(visit, admitted, isJson);
  const snapshot = await visit.snapshot();
  if (isJson) return sendJson(visit, 200, snapshot);
  const whole = new Set(members.filter((member) => query.getAll("all").includes(member)));
  return sendHtml(visit, 200, renderPage(snapshot, languageOf(visit), whole));
}

function turnAway(
  visit: Visit,
  admitted: "no" | "wrong" | "too many",
  isJson: boolean,
): Promise<void> {
  if (admitted !== "no") noteWrong(visit.address, admitted);
  const status = admitted === "too many" ? 429 : 401;
  const headers: Record<string, string> =
    status === 429 ? { "Retry-After": "60" } : { "WWW-Authenticate": 'Bearer realm="kong-llm"' };
  if (isJson) {
    const message = {
      no: "Send the token of the page: Authorization: Bearer TOKEN.",
      wrong: "That is not the token of the page.",
      "too many": "Too many wrong tokens: try again in a minute.",
    }[admitted];
    return sendJson(visit, status, { error: { message } }, headers);
  }
  const problem = { no: undefined, wrong: "wrong", "too many": "tooMany" } as const;
  return sendHtml(visit, status, renderLogin(languageOf(visit), problem[admitted]), headers);
}

async function logIn(visit: Visit): Promise<void> {
  const { request, address, admission } = visit;
  // Another site may not sign anybody in.
  const site = request.headers["sec-fetch-site"];
  if (site !== undefined && site !== "same-origin" && site !== "none") return sendText(visit, 403);
  const form = await formOf(request);
  if (!form) return sendText(visit, 413);
  const tried = admission.tries(form.get("token")?.trim() ?? "", address);
  if (tried !== "yes") return turnAway(visit, tried, false);
  const cookie = `${cookieName}=${admission.session()}; ${cookieEnd(request)}; Max-Age=${sessionSeconds}`;
  return send(visit, 303, "", { "Set-Cookie": cookie, Location: "/page" });
}

function logOut(visit: Visit): Promise<void> {
  const cookie = `${cookieName}=; ${cookieEnd(visit.request)}; Max-Age=0`;
  return send(visit, 303, "", { "Set-Cookie": cookie, Location: "/page" });
}

function cookieEnd({ headers }: IncomingMessage): string {
  // The health port speaks plain HTTP: who comes by TLS comes through a proxy that says so.
  const isSecure = headers["x-forwarded-proto"] === "https";
  return `Path=/page; HttpOnly; SameSite=Strict${isSecure ? "; Secure" : ""}`;
}

function languageOf({ request, cookies }: Visit): Language {
  const chosen = cookies.get(languageCookie);
  return isLanguage(chosen) ? chosen : preferredLanguage(request.headers["accept-language"]);
}

function cookiesOf({ cookie = "" }: IncomingHttpHeaders): Map<string, string> {
  const pairs = cookie.split(";").map((pair) => pair.trim().split("="));
  return new Map(pairs.map(([name = "", ...value]) => [name, value.join("=")]));
}

/** Undefined where it is longer than a token can be. */
async function formOf(request: IncomingMessage): Promise<URLSearchParams | undefined> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of request as AsyncIterable<Buffer>) {
    bytes += piece.length;
    if (bytes <= mostFormBytes) pieces.push(piece);
  }
  if (bytes > mostFormBytes) return undefined;
  return new URLSearchParams(Buffer.concat(pieces).toString("utf8"));
}

let notedAt = 0;

/** Once a minute: who guesses would fill the log. */
function noteWrong(address: string, admitted: "wrong" | "too many"): void {
  if (Date.now() - notedAt < 60_000) return;
  notedAt = Date.now();
  log.warn({ address, admitted }, "a wrong token for the operators' page");
}

function sendHtml(visit: Visit, status: number, body: string, headers = {}): Promise<void> {
  const varied = { Vary: "Accept-Language, Cookie", "Content-Type": "text/html; charset=utf-8" };
  return send(visit, status, body, { ...varied, ...headers });
}

function sendJson(visit: Visit, status: number, value: object, headers = {}): Promise<void> {
  const body = `${JSON.stringify(value, undefined, 2)}\n`;
  return send(visit, status, body, { "Content-Type": "application/json", ...headers });
}

function sendText(visit: Visit, status: number, headers = {}): Promise<void> {
  return send(visit, status, "", headers);
}

async function send(
  { request, response }: Visit,
  status: number,
  body: string,
  headers: Record<string, string>,
): Promise<void> {
  const bytes = Buffer.byteLength(body);
  response.writeHead(status, { ...always, ...headers, "Content-Length": bytes });
  response.end(request.method === "HEAD" ? undefined : body);
}
