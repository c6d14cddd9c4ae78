// The span of an ended request, made when its end is known: its name, kind, parent and attributes, and a
// child for each try where there were several. It covers what the conventions call one operation, its
// repetitions included.

import {
  type Attributes,
  type Context,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import { parseTraceParent, TraceState } from "@opentelemetry/core";
import { answeredModel } from "./answered-model";
import type { Ended } from "./ended";
import { type Facts, factsOf } from "./facts";
import { attributes, own } from "./semantics";

/** @returns what makes the span of one ended request */
export function traceBy(tracer: Tracer): (ended: Ended) => void {
  return (ended) => {
    const facts = factsOf(ended);
    const { started_at, ended_at } = ended.outcome;
    const context = parentOf(ended);
    const span = tracer.startSpan(
      nameOf(ended, facts),
      {
        // What the gateway answers by itself calls nobody.
        kind: facts.wentUpstream ? SpanKind.CLIENT : SpanKind.INTERNAL,
        startTime: started_at,
        // Samplers may decide by these.
        attributes: identity(ended, facts),
      },
      context,
    );
    // Nothing more is made of what is not sampled.
    if (!span.isRecording()) return;
    span.setAttributes({ ...usageOf(ended, facts), ...circumstances(ended, facts) });
    fail(span, facts.error);
    traceTries(tracer, trace.setSpan(context, span), ended);
    span.end(Math.max(started_at, ended_at));
  };
}

/** Kong's span where Kong has sent one on, else the client's; what cannot be read is as if it were not sent. */
function parentOf({ outcome: { trace_parent }, trace: sent }: Ended): Context {
  const parent = parseTraceParent(trace_parent ?? sent.parent ?? "");
  if (!parent) return ROOT_CONTEXT;
  const state = sent.state ? { traceState: new TraceState(sent.state) } : {};
  return trace.setSpanContext(ROOT_CONTEXT, { ...parent, ...state, isRemote: true });
}

// Clients write what they like where a model is named: one that was refused is in no name.
function nameOf({ outcome: { ticket, source }, account }: Ended, { operation }: Facts): string {
  if (operation === undefined) return `${ticket.method} ${ticket.endpoint}`;
  const model = source === "gateway" ? undefined : account.model;
  return model === undefined ? operation : `${operation} ${model}`;
}

function identity({ account: { model } }: Ended, { operation, provider }: Facts): Attributes {
  if (operation === undefined) return {};
  return {
    [attributes.operation]: operation,
    [attributes.provider]: provider,
    ...(model !== undefined && { [attributes.requestModel]: model }),
  };
}

/** What the provider did for it. */
function usageOf({ outcome, account: { usage } }: Ended, facts: Facts): Attributes {
  if (!facts.wentUpstream || facts.operation === undefined) return {};
  const { ticket, source, status, body } = outcome;
  const answered = source === "service" && status < 300 ? answeredModel(body) : undefined;
  return {
    ...(ticket.stream && { [attributes.requestStream]: true }),
    ...(answered !== undefined && { [attributes.responseModel]: answered }),
    ...(facts.timeToFirstChunk !== undefined && {
      [attributes.timeToFirstChunk]: facts.timeToFirstChunk,
    }),
    ...(usage && {
      [attributes.inputTokens]: usage.input_tokens,
      [attributes.outputTokens]: usage.output_tokens,
      ...above0(attributes.cacheReadTokens, usage.cached_input_tokens),
      ...above0(
        attributes.cacheCreationTokens,
        usage.cache_write_tokens + usage.cache_write_1h_tokens,
      ),
      ...above0(attributes.reasoningTokens, usage.reasoning_tokens),
      ...(usage.estimated && { [own.estimated]: true }),
    }),
  };
}

function above0(name: string, count: number): Attributes {
  return count > 0 ? { [name]: count } : {};
}

/** What the gateway knows and did. What is undefined is no attribute. */
function circumstances({ outcome, account, tags, service }: Ended, facts: Facts): Attributes {
  const { ticket, status, source, cut_by, tries } = outcome;
  const named = Object.entries(tags).map(([name, value]) => [`${own.tag}${name}`, value]);
  return {
    [attributes.status]: status,
    ...(facts.error !== undefined && { [attributes.errorType]: facts.error }),
    [own.requestId]: ticket.id,
    [own.endpoint]: ticket.endpoint,
    [own.route]: ticket.route,
    [own.consumer]: ticket.consumer,
    [own.provider]: ticket.provider ?? service,
    [own.requestedModel]: account.requested_model,
    [own.fallbackFrom]: ticket.model?.fallback_from,
    [own.source]: source,
    [own.cache]: ticket.cache?.toLowerCase(),
    [own.limit]: ticket.limit?.decision,
    [own.limitedBy]: ticket.limit?.by,
    [own.cutBy]: cut_by,
    [own.tries]: tries?.length,
    [own.cost]: account.cost_usd,
    [own.saved]: account.saved_usd,
    ...Object.fromEntries(named),
  };
}

/** Each try at an upstream as an HTTP call of its own, from its start to that of the next. */
function traceTries(tracer: Tracer, context: Context, { outcome }: Ended): void {
  const { tries = [], ticket, started_at, ended_at, status } = outcome;
  for (const [at, { address, state, status: code, started_at: from }] of tries.entries()) {
    const isLast = at === tries.length - 1;
    const startTime = from ?? started_at;
    const colon = address.lastIndexOf(":");
    const span = tracer.startSpan(
      ticket.method,
      {
        kind: SpanKind.CLIENT,
        startTime,
        attributes: {
          [attributes.method]: ticket.method,
          [attributes.serverAddress]: address.slice(0, colon),
          [attributes.serverPort]: Number(address.slice(colon + 1)),
          ...above0(attributes.resendCount, at),
          ...(isLast && { [attributes.status]: status }),
        },
      },
      context,
    );
    // nginx has 502 or 504 for a try that brought no status: no status of an answer, but a class of error.
    const failed = state === undefined ? undefined : `${code ?? "_OTHER"}`;
    const error = failed ?? (isLast && status >= 400 ? `${status}` : undefined);
    if (error !== undefined) span.setAttribute(attributes.errorType, error);
    fail(span, error);
    span.end(Math.max(startTime, tries[at + 1]?.started_at ?? ended_at));
  }
}

function fail(span: Span, error: string | undefined): void {
  if (error !== undefined) span.setStatus({ code: SpanStatusCode.ERROR });
}
