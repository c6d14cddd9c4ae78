// What becomes of telemetry on its way to the receiver, as the operator sees it: counted, in /readyz, and
// in the log once when it begins to fail and once when it goes on.

import { Counter } from "prom-client";
import { log } from "../stages/log";
import { showNeighbour } from "../stages/neighbours";

export type Signal = "traces" | "metrics";

export const spans = new Counter({
  name: "llm_telemetry_spans_total",
  help: "Spans that were sampled, by what became of them: sent, dropped (the queue was full) or failed (the receiver did not take them)",
  labelNames: ["result"] as const,
});

export const exports = new Counter({
  name: "llm_telemetry_exports_total",
  help: "Batches for the OTLP receiver, by what became of them: sent or failed",
  labelNames: ["signal", "result"] as const,
});

/** One signal's way to its receiver. */
export class Delivery {
  #reason: string | undefined;

  constructor(readonly signal: Signal) {
    // A series that begins with its first failure has not increased, as Prometheus sees it.
    for (const result of ["sent", "failed"]) exports.inc({ signal, result }, 0);
    if (signal === "traces") {
      for (const result of ["sent", "dropped", "failed"]) spans.inc({ result }, 0);
    }
    showNeighbour(`telemetry ${signal}`, () => ({
      ok: this.#reason === undefined,
      detail: this.#reason
        ? `The OTLP receiver does not take ${signal}: ${this.#reason}. They are lost; requests are not touched.`
        : `The OTLP receiver takes ${signal}.`,
    }));
  }

  /** A batch has ended on its way. @param error undefined: it was taken */
  ended(error: unknown): void {
    const { signal } = this;
    exports.inc({ signal, result: error === undefined ? "sent" : "failed" });
    const before = this.#reason;
    this.#reason = error === undefined ? undefined : reasonIn(error);
    if (before === undefined && this.#reason !== undefined) {
      log.warn({ signal, reason: this.#reason }, "telemetry is not delivered");
    } else if (before !== undefined && this.#reason === undefined) {
      log.info({ signal }, "telemetry is delivered again");
    }
  }
}

/** In words that repeat nothing of what was sent, nor of what came back. */
function reasonIn(error: unknown): string {
  const { code } = error as { code?: unknown };
  if (typeof code === "number") return `it answers ${code}`;
  if (typeof code === "string") return code;
  // OTLPExporterError of a status that asks for patience (OTLP, failures that may be repeated) has no code.
  const isPatient = error instanceof Error && error.message.includes("retryable");
  return isPatient ? "it answers 429, 502, 503 or 504" : "it does not answer in time";
}
