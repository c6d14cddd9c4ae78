// An OTLP receiver of the suite's own, over HTTP with JSON: keeps what is sent to it as it came over the
// wire, and can be slow, refuse, or be gone.

import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A value as OTLP's JSON has it. */
interface AnyValue {
  stringValue?: string;
  boolValue?: boolean;
  intValue?: number | string;
  doubleValue?: number;
}

interface KeyValue {
  key: string;
  value: AnyValue;
}

export interface WireSpan {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  traceState?: string;
  name: string;
  kind: number;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  attributes: KeyValue[];
  status: { code: number };
}

export interface WirePoint {
  attributes: KeyValue[];
  count?: number | string;
  sum?: number;
  asDouble?: number;
  explicitBounds?: number[];
}

export interface WireMetric {
  name: string;
  unit: string;
  histogram?: { aggregationTemporality: number; dataPoints: WirePoint[] };
  sum?: { aggregationTemporality: number; isMonotonic: boolean; dataPoints: WirePoint[] };
}

export interface Received {
  path: string;
  headers: IncomingMessage["headers"];
  bytes: Buffer;
}

export interface OtlpReceiver {
  /** For OTEL_EXPORTER_OTLP_ENDPOINT. */
  url: string;
  received: Received[];
  /** Answers with this status, and these headers, from now on. */
  answerWith(status: number, headers?: Record<string, string>): void;
  /** Takes what comes and says nothing until `answerWith`. */
  fallSilent(): void;
  /** All spans of what was taken, in the order of their arrival. */
  spans(): WireSpan[];
  /** The newest state of each metric. */
  metrics(): Map<string, WireMetric>;
  close(): Promise<void>;
}

interface Signals {
  resourceSpans?: {
    resource: { attributes: KeyValue[] };
    scopeSpans: { scope: object; spans: WireSpan[] }[];
  }[];
  resourceMetrics?: {
    resource: { attributes: KeyValue[] };
    scopeMetrics: { scope: object; metrics: WireMetric[] }[];
  }[];
}

export const jsonOf = ({ bytes }: Received) => JSON.parse(bytes.toString()) as Signals;

/** Attributes as plain values. */
export function attributesOf(of: { attributes: KeyValue[] }): Record<string, unknown> {
  return Object.fromEntries(of.attributes.map(({ key, value }) => [key, plain(value)]));
}

function plain({ stringValue, boolValue, intValue, doubleValue }: AnyValue): unknown {
  return (
    stringValue ??
    boolValue ??
    doubleValue ??
    (intValue === undefined ? undefined : Number(intValue))
  );
}

export async function startOtlpReceiver(): Promise<OtlpReceiver> {
  const received: Received[] = [];
  const held: ServerResponse[] = [];
  let answer: { status: number; headers: Record<string, string> } | undefined = {
    status: 200,
    headers: {},
  };
  const taken: Received[] = [];
  const send = (response: ServerResponse) =>
    response
      .writeHead(answer!.status, { "content-type": "application/json", ...answer!.headers })
      .end("{}");

  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const one = { path: request.url!, headers: request.headers, bytes: Buffer.concat(chunks) };
    received.push(one);
    if (!answer) return held.push(response);
    if (answer.status < 300) taken.push(one);
    return send(response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    answerWith(status, headers = {}) {
      answer = { status, headers };
      for (const response of held.splice(0)) send(response);
    },
    fallSilent() {
      answer = undefined;
    },
    spans: () =>
      taken
        .filter(({ path }) => path === "/v1/traces")
        .flatMap((one) => jsonOf(one).resourceSpans ?? [])
        .flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)),
    metrics: () =>
      new Map(
        taken
          .filter(({ path }) => path === "/v1/metrics")
          .flatMap((one) => jsonOf(one).resourceMetrics ?? [])
          .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics))
          .map((metric) => [metric.name, metric]),
      ),
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
