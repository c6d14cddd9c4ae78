// Writes usage lines to standard output: those of one turn of the event loop together, as a write costs
// more than a line. Who waits for a line is told when it has been handed to the system, so an outcome is
// acknowledged only when its line can no longer be lost with this process. Lines for which nobody waits, of
// answers that the gateway gave itself, leave together a little later.

import pino from "pino";
import { Counter } from "prom-client";
import { log } from "../../stages/log";
import type { UsageLine } from "./usage-line";

// Lines wait here while whoever reads standard output is slow; beyond this they are dropped.
const mostWaitingBytes = 16 * 1024 * 1024;

const dropped = new Counter({
  name: "llm_usage_lines_dropped_total",
  help: "Usage lines that were not written because standard output was not read fast enough",
});

interface Waiting {
  /** Bytes that must have left before this was written. */
  end: number;
  written(): void;
}

let output: ReturnType<typeof pino.destination> | undefined;
let lines: string[] = [];
let written: Promise<void> | undefined;
let isDue = false;
const laterMs = 5;
let givenBytes = 0;
let goneBytes = 0;
const waiting: Waiting[] = [];
/** Why the last write failed. After EPIPE, when nobody reads any more, pino makes none. */
let failure: string | undefined;

/** Settles when the line was written, cannot be now, or was dropped, which is counted. */
export function writeLine(line: UsageLine): Promise<void> {
  add(line);
  written ??= new Promise((resolve) => setImmediate(() => writeLines(resolve)));
  return written;
}

/** The same of a line for which nobody waits: only a process that is killed loses it, within milliseconds. */
export function writeLineLater(line: UsageLine): void {
  add(line);
  if (isDue) return;
  isDue = true;
  const timer = setTimeout(() => {
    isDue = false;
    if (lines.length > 0) writeLines(() => {});
  }, laterMs);
  timer.unref();
}

function add(line: UsageLine): void {
  output ??= openOutput();
  lines.push(JSON.stringify(line));
}

function writeLines(done: () => void): void {
  const text = lines.map((line) => `${line}\n`).join("");
  if (failure === "EPIPE") dropped.inc(lines.length);
  written = undefined;
  lines = [];
  givenBytes += Buffer.byteLength(text);
  if (failure) done();
  else waiting.push({ end: givenBytes, written: done });
  output?.write(text);
}

function openOutput() {
  // What still waits for its turn when the process exits goes line by line: the first is on its way at
  // once and must be short, pino writes the rest of a destination that is not sync. It would try for ever
  // where the disk is full.
  process.prependOnceListener("exit", () => {
    if (failure) destination.destroy();
    else for (const line of lines) destination.write(`${line}\n`);
  });
  const destination = pino.destination({ dest: 1, sync: false, maxLength: mostWaitingBytes });
  destination.on("write", (bytes: number) => {
    failure = undefined;
    leave(bytes);
  });
  destination.on("drop", (text: string) => {
    dropped.inc(text.split("\n").length - 1);
    leave(Buffer.byteLength(text));
  });
  // A full disk behind standard output must not end the process; it is tried again at each line. Whoever
  // waited for that would keep Kong's workers from telling how other requests ended.
  destination.on("error", ({ code, message }: NodeJS.ErrnoException) => {
    failure = code ?? message;
    for (const one of waiting.splice(0)) one.written();
  });
  destination.once("error", (error: Error) =>
    log.error({ err: error }, "usage lines cannot be written to standard output"),
  );
  return destination;
}

function leave(bytes: number): void {
  goneBytes += bytes;
  while (waiting[0] && waiting[0].end <= goneBytes) waiting.shift()!.written();
}
