// What the stages get to read of a request's body, by its endpoint: JSON, the fields of a form, what came
// compressed; or why it goes no further. And how their changes become edits to the bytes that Kong has.

import { endpointAt } from "../families/endpoint-path";
import type { EndpointRow } from "../families/family";
import { readCompressed } from "../openai/compressed-request";
import { formBody } from "../openai/form";
import { type BodyProblem, RequestBody } from "../openai/request-body";
import type { Edit, Question } from "../stages/decision";
import type { Answer, GatheredRequest } from "../stages/exchange";
import {
  badBody,
  compressedForm,
  misspelt,
  notExpanded,
  noVersion,
  noWebSocket,
  tooLarge,
} from "../stages/refusals";
import { edited } from "./edits";

export interface ReadBody {
  /** Undefined where the endpoint has none, or is not read. */
  body?: RequestBody;
  refusal?: Answer;
  /** What the stages have changed, or made of a copy, for the bytes that Kong has. */
  edits(copy?: RequestBody): Edit[];
  /** Headers of the upstream request that follow from how it was read; false takes one away. */
  headers?: Record<string, string | false>;
}

const nothing: ReadBody = { edits: () => [] };

/**
 * @param mostBytes of a body, in bytes, also after it was expanded; forms may be longer
 * @param model in place of the body's: the path has named it
 */
export function readBody(question: Question, mostBytes: number, model?: string): ReadBody {
  const read = readAsSent(question, mostBytes);
  if (model === undefined || !read.body || read.body.get("model") === model) return read;
  const { form, form_places: places = {} } = question.request;
  // Nothing is added to a form, and an upstream would take a model of its own.
  if (form && !places.model) return unusable({ problem: "its form has no field model" });
  read.body.set("model", model);
  return read;
}

function readAsSent(question: Question, mostBytes: number): ReadBody {
  const { request } = question;
  const row = endpointAt(request.method, request.path);
  const closed = whyClosed(request, row);
  if (closed) return { ...nothing, refusal: closed };
  if (typeof row === "string" || row.body === "none") return nothing;
  if (isForm(request)) {
    if (row.body !== "form") return unusable({ problem: "it is a form: send a JSON object" });
    return isCompressed(request) ? { ...nothing, refusal: compressedForm } : readForm(request);
  }
  const bytes = request.bytes ?? 0;
  if (bytes > mostBytes) return { ...nothing, refusal: tooLarge(bytes, mostBytes) };
  if (isCompressed(request)) return readExpanded(request, mostBytes);
  if (row.body === "form" && !isObject(request)) return unusable(neither);
  return readJson(question);
}

const neither: BodyProblem = {
  problem: "it is neither a multipart form that says so in its type, nor a JSON object",
};

// Before anybody has decided: what is not read must not pass.
function whyClosed(request: GatheredRequest, row: EndpointRow | string): Answer | undefined {
  if (request.upgrade?.toLowerCase().includes("websocket")) return noWebSocket;
  if (row === "misspelt") return misspelt;
  const isRead = typeof row !== "string" && row.body !== "none";
  return isRead && request.upstream_path === `/${row.name}` ? noVersion : undefined;
}

function readJson({ request, earlier }: Question): ReadBody {
  const sent = textOf(request.body);
  const parsed = earlier?.edits.length
    ? RequestBody.parse(edited(sent, earlier.edits))
    : RequestBody.parse(sent, request.bytes);
  if ("problem" in parsed) return unusable(parsed);
  return { body: parsed, edits: (copy = parsed) => copy.edits(), ...withHeaders(asJson(request)) };
}

const plainJson = /^\s*application\/json\s*(?:;\s*charset\s*=\s*"?utf-8"?\s*)?;?\s*$/i;

// An upstream that goes by the type would read the same bytes as a form, or in another alphabet, and find
// another model in them.
function asJson({ content_type = "application/json" }: GatheredRequest): Record<string, string> {
  return plainJson.test(content_type) ? {} : { "content-type": "application/json" };
}

function withHeaders(headers: Record<string, string>): Pick<ReadBody, "headers"> {
  return Object.keys(headers).length > 0 ? { headers } : {};
}

// The body goes on as it was meant: expanded, and without the header that says otherwise.
function readExpanded(request: GatheredRequest, mostBytes: number): ReadBody {
  const { content_encoding, body } = request;
  // As text it has come broken: Kong's own protocol has no bytes for it.
  const bytes = Buffer.isBuffer(body) ? body : Buffer.alloc(0);
  const coding = Buffer.isBuffer(body) ? content_encoding : "unknown";
  const expanded = readCompressed(bytes, coding, mostBytes);
  if (!Buffer.isBuffer(expanded)) return { ...nothing, refusal: notExpanded(expanded) };
  const parsed = RequestBody.parse(expanded.toString(), expanded.length);
  if ("problem" in parsed) return unusable(parsed);
  return {
    body: parsed,
    edits: (copy = parsed) => [[0, bytes.length, copy.text]],
    headers: { "content-encoding": false, ...asJson(request) },
  };
}

// Of a form only the small fields are known here, and only they are ever changed.
function readForm({ form, form_places: places = {} }: GatheredRequest): ReadBody {
  if (!form) return unusable({ problem: "it is no multipart form that every server reads alike" });
  const model = form.model;
  if (model === false) return unusable({ problem: "its field model is too long, or there twice" });
  const known = Object.entries(form).filter(
    (field): field is [string, string] => field[1] !== false,
  );
  const parsed = formBody(Object.fromEntries(known));
  if ("problem" in parsed) return unusable(parsed);
  return {
    body: parsed,
    edits: () => formEdits(parsed, Object.fromEntries(known), places),
  };
}

function formEdits(
  body: RequestBody,
  sent: Readonly<Record<string, string>>,
  places: Readonly<Record<string, [offset: number, length: number]>>,
): Edit[] {
  const edits = Object.entries(places).flatMap(([name, [offset, length]]): Edit[] => {
    const value = body.get(name);
    const isChanged = name in sent && value !== undefined && String(value) !== sent[name];
    return isChanged ? [[offset, length, String(value)]] : [];
  });
  return edits.sort(([one], [other]) => one - other);
}

// As lua/gather.lua has it, which reads the one as a form and the other as bytes.
function isForm({ content_type = "" }: GatheredRequest): boolean {
  return content_type.toLowerCase().includes("multipart/form-data");
}

function isObject({ body = "" }: GatheredRequest): boolean {
  return /^\s*\{/.test(body.slice(0, 1000).toString());
}

function isCompressed({ content_encoding }: GatheredRequest): boolean {
  return !/^\s*(?:identity)?\s*$/i.test(content_encoding ?? "");
}

function textOf(body: string | Buffer | undefined): string {
  return body === undefined ? "" : body.toString();
}

function unusable({ problem }: BodyProblem): ReadBody {
  return { ...nothing, refusal: badBody(problem) };
}
