// The queue of spans before their receiver: OpenTelemetry's own, which sends batches in its own time, with
// its bound kept here, so that what is dropped is counted.

import { TraceFlags } from "@opentelemetry/api";
import { type ExportResult, ExportResultCode } from "@opentelemetry/core";
import {
  BatchSpanProcessor,
  type ReadableSpan,
  type SpanExporter,
  type SpanProcessor,
} from "@opentelemetry/sdk-trace";
import { type Delivery, spans } from "./delivery";

interface QueueBounds {
  /** Spans that wait at most; what comes beyond is dropped. */
  maxQueueSize: number;
  maxExportBatchSize: number;
  scheduledDelayMillis: number;
  exportTimeoutMillis: number;
}

export class SpanQueue implements SpanProcessor {
  readonly #batches: BatchSpanProcessor;
  #waiting = 0;

  constructor(
    exporter: SpanExporter,
    readonly delivery: Delivery,
    readonly bounds: QueueBounds,
  ) {
    const counted: SpanExporter = {
      export: (batch, done) => this.#send(exporter, batch, done),
      forceFlush: () => exporter.forceFlush?.() ?? Promise.resolve(),
      shutdown: () => exporter.shutdown(),
    };
    this.#batches = new BatchSpanProcessor({ ...bounds, exporter: counted });
  }

  onStart(): void {}

  onEnd(span: ReadableSpan): void {
    if ((span.spanContext().traceFlags & TraceFlags.SAMPLED) === 0) return;
    if (this.#waiting >= this.bounds.maxQueueSize) {
      spans.inc({ result: "dropped" });
      return;
    }
    this.#waiting++;
    this.#batches.onEnd(span);
  }

  forceFlush(): Promise<void> {
    return this.#batches.forceFlush();
  }

  shutdown(): Promise<void> {
    return this.#batches.shutdown();
  }

  #send(exporter: SpanExporter, batch: ReadableSpan[], done: (result: ExportResult) => void): void {
    this.#waiting -= batch.length;
    exporter.export(batch, (result) => {
      const isSent = result.code === ExportResultCode.SUCCESS;
      spans.inc({ result: isSent ? "sent" : "failed" }, batch.length);
      this.delivery.ended(isSent ? undefined : (result.error ?? new Error("not sent")));
      done(result);
    });
  }
}
