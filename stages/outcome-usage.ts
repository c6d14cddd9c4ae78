// How many tokens an ended request took, read from its answer once for all stages that ask: bills
// and limits count the same.

import { reasons } from "../models/reasoning";
import { noUsage, type Usage } from "../models/usage";
import type { AskedUnits } from "../openai/asked-units";
import { type Endpoint, type EndpointRow, rowOf } from "../openai/endpoint";
import { outputTokens } from "../openai/estimate";
import { statementIn, usageOf } from "../openai/usage";
import { type Statement, usageBy } from "../openai/usage-statement";
import { clientHasLeft, type Outcome } from "./outcome";
import { answerOfOutcome } from "./outcome-answer";

const read = new WeakMap<Outcome, Reading | "nothing" | "later">();

/**
 * What the answer states, else an estimate, marked; `noUsage` for what the upstream has not answered
 * well; undefined where it is not known, because this endpoint's answers are not read, or the work
 * is not done. Of a request whose client left before the answer the prompt is counted: the upstream
 * may have read it, and bills it.
 * @param inputTokens what estimateInputTokens said of the request, for an answer that states nothing
 * @param units what unitsAsked said of it
 */
export function usageOfOutcome(
  outcome: Outcome,
  inputTokens: number,
  units: AskedUnits = {},
): Usage | undefined {
  const { ticket, source, status } = outcome;
  const row = rowOf(ticket.endpoint);
  const isRead = row !== undefined && row.counts !== "nothing";
  if (source === "service" && status === clientHasLeft && isRead) {
    return { ...noUsage, input_tokens: inputTokens, estimated: true };
  }
  if (source !== "service" || status < 200 || status > 299) return noUsage;
  if (!isRead) return row ? noUsage : undefined;
  const reading = read.get(outcome) ?? readUsage(outcome);
  read.set(outcome, reading);
  if (reading === "nothing") return noUsage;
  if (reading === "later") return undefined;
  return withUnits(usageFrom(reading, row, inputTokens), row, units);
}

/**
 * True where the usage of an outcome may be less than what the upstream bills: its client left
 * before the answer said what it took, and the model may have thought beside what it wrote.
 */
export function mayBeMore(outcome: Outcome): boolean {
  const { ticket, cut_by } = outcome;
  const model = ticket.model?.served ?? ticket.model?.requested;
  return cut_by === "client" && model !== undefined && reasons(model);
}

// Usage stands in the last event or the last members of an answer, and is far shorter than this.
const readBytes = 16 * 1024;

/** What an answer from the cache would have cost upstream; undefined where it states no usage. */
export function usageOfHit({ ticket, source, status, ...answer }: Outcome): Usage | undefined {
  if (source !== "cache" || status !== 200) return undefined;
  const { content_type, body } = answer;
  const isLong = body.length > readBytes;
  return usageOf(
    ticket.endpoint as Endpoint,
    content_type,
    isLong ? body.subarray(-readBytes) : body,
    isLong,
  );
}

/** What an answer states, and how much of its output can be seen where it does not say it. */
interface Reading {
  statement: Statement | undefined;
  seen: number;
}

function readUsage(outcome: Outcome): Reading | "nothing" | "later" {
  const { ticket, content_type, body, truncated } = outcome;
  const statement = statementIn(ticket.endpoint, content_type, body, truncated);
  const isBounded = rowOf(ticket.endpoint)?.bounded ?? false;
  if (isComplete(statement, isBounded)) return { statement, seen: 0 };
  const state = answerOfOutcome(outcome)?.state;
  if (state === "later") return "later";
  const seen = isBounded ? outputTokens(content_type, body) : 0;
  // An error, or nothing at all, is not billed; what was said before a failure is, and the prompt of
  // an answer that was cut before its first word.
  const isNothing = outcome.complete && (state === "error" || state === "empty");
  if (isNothing && seen === 0 && !statement) return "nothing";
  return { statement, seen: ofWhole(outcome, seen) };
}

function isComplete(statement: Statement | undefined, isBounded: boolean): boolean {
  return statement?.input !== undefined && (!isBounded || (statement.output ?? 0) > 0);
}

function usageFrom({ statement, seen }: Reading, row: EndpointRow, inputTokens: number): Usage {
  if (statement) return usageBy(statement, inputTokens, seen);
  const { counts } = row;
  // What is counted by other things than tokens states tokens where it has some.
  if (counts !== "tokens" && counts !== "seconds") return noTokens;
  return { ...noUsage, input_tokens: inputTokens, output_tokens: seen, estimated: true };
}

/** As noUsage, but of a request that was served: its price is not nothing by that. */
const noTokens: Usage = { ...noUsage };

function withUnits(usage: Usage, { counts }: EndpointRow, units: AskedUnits): Usage {
  if (counts === "images" && usage.images === 0) return { ...usage, images: units.images ?? 1 };
  if (counts === "seconds" && usage.estimated && usage.audio_seconds === 0) {
    return { ...usage, audio_seconds: units.seconds ?? 0 };
  }
  if (counts === "characters") return { ...usage, characters: units.characters ?? 0 };
  return usage;
}

/** What was not kept of an answer is taken to be like what was. */
function ofWhole({ body, truncated, bytes = 0 }: Outcome, seen: number): number {
  if (!truncated || body.length === 0 || bytes <= body.length) return seen;
  return Math.ceil((seen * bytes) / body.length);
}
