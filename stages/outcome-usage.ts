// How many tokens an ended request took, read from its answer once for all stages that ask: bills
// and limits count the same.

import { noUsage, type Usage } from "../models/usage";
import { type Endpoint, namesModel } from "../openai/endpoint";
import { estimateUsage } from "../openai/estimate";
import { usageOf } from "../openai/usage";
import { clientHasLeft, type Outcome } from "./outcome";

const read = new WeakMap<Outcome, Usage>();

/**
 * What the answer states, else an estimate, marked; `noUsage` for what the upstream has not answered
 * well; undefined where it is not known, because this endpoint's answers are not read. Of a request
 * whose client left before the answer the prompt is counted: the upstream may have read it, and bills it.
 * @param inputTokens what estimateInputTokens said of the request, for an answer that states nothing
 */
export function usageOfOutcome(outcome: Outcome, inputTokens: number): Usage | undefined {
  const { ticket, source, status } = outcome;
  const endpoint = ticket.endpoint as Endpoint;
  if (source === "service" && status === clientHasLeft && namesModel(endpoint)) {
    return { ...noUsage, input_tokens: inputTokens, estimated: true };
  }
  if (source !== "service" || status < 200 || status > 299) return noUsage;
  if (!namesModel(endpoint)) return endpoint === "models" ? noUsage : undefined;
  const usage = read.get(outcome) ?? readUsage(outcome, endpoint);
  read.set(outcome, usage);
  return usage.estimated ? { ...usage, input_tokens: inputTokens } : usage;
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

function readUsage(outcome: Outcome, endpoint: Endpoint): Usage {
  const { content_type, body, truncated } = outcome;
  return (
    usageOf(endpoint, content_type, body, truncated) ??
    ofWhole(outcome, estimateUsage(endpoint, content_type, body, 0))
  );
}

/** What was not kept of an answer is taken to be like what was. */
function ofWhole({ body, truncated, bytes = 0 }: Outcome, estimate: Usage): Usage {
  if (!truncated || body.length === 0 || bytes <= body.length) return estimate;
  const output_tokens = Math.ceil((estimate.output_tokens * bytes) / body.length);
  return { ...estimate, output_tokens };
}
