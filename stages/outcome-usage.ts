// How many tokens an ended request took, read from its answer once for all stages that ask: bills
// and limits count the same.

import { familyOf, rowOf } from "../families/endpoint";
import type { EndpointRow, UsageReading } from "../families/family";
import { reasons } from "../models/reasoning";
import { noUsage, type Usage } from "../models/usage";
import type { AskedUnits } from "../openai/asked-units";
import { clientHasLeft, type Outcome } from "./outcome";
import { answerOfOutcome, keptAnswer } from "./outcome-answer";

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
  return withUnits(reading.usage.with(inputTokens, reading.seen), row, units);
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
export function usageOfHit(outcome: Outcome): Usage | undefined {
  const { ticket, source, status, content_type, body } = outcome;
  if (source !== "cache" || status !== 200) return undefined;
  const truncated = body.length > readBytes;
  const usage = familyOf(ticket.endpoint).usageOf({
    endpoint: ticket.endpoint,
    contentType: content_type,
    body: truncated ? body.subarray(-readBytes) : body,
    truncated,
  });
  return usage.isSilent ? undefined : usage.with(0, 0);
}

/** What an answer states, and how much of its output can be seen where it does not say it. */
interface Reading {
  usage: UsageReading;
  seen: number;
}

function readUsage(outcome: Outcome): Reading | "nothing" | "later" {
  const answer = keptAnswer(outcome);
  const family = familyOf(answer.endpoint);
  const usage = family.usageOf(answer);
  if (usage.isComplete) return { usage, seen: 0 };
  const state = answerOfOutcome(outcome)?.state;
  if (state === "later") return "later";
  const seen = rowOf(answer.endpoint)?.bounded ? family.seenTokens(answer) : 0;
  // An error, or nothing at all, is not billed; what was said before a failure is, and the prompt of
  // an answer that was cut before its first word.
  const isNothing = outcome.complete && (state === "error" || state === "empty");
  if (isNothing && seen === 0 && usage.isSilent) return "nothing";
  return { usage, seen: ofWhole(outcome, seen) };
}

function withUnits(usage: Usage, { counts }: EndpointRow, units: AskedUnits): Usage {
  if (counts === "images" && usage.images === 0) return { ...usage, images: units.images ?? 1 };
  if (counts === "seconds" && usage.estimated && usage.audio_seconds === 0) {
    return { ...usage, audio_seconds: units.seconds ?? 0 };
  }
  // Sound that states its tokens is billed by them.
  if (counts === "characters" && usage.output_tokens === 0) {
    return { ...usage, characters: units.characters ?? 0 };
  }
  return usage;
}

/** What was not kept of an answer is taken to be like what was. */
function ofWhole({ body, truncated, bytes = 0 }: Outcome, seen: number): number {
  if (!truncated || body.length === 0 || bytes <= body.length) return seen;
  return Math.ceil((seen * bytes) / body.length);
}
