// How the stand-in model server can misbehave: on a test's order (behave) or, for trying things by
// hand, because of the model's name (stand-in-429, stand-in-slow, ...).

import { modelGlob } from "../../models/glob";
import type { RecordedRequest } from "./recorded-request";

export interface Behaviour {
  /** Which requests: a glob over the model's name, or a test of the request. All without it. */
  match?: string | ((request: RecordedRequest) => boolean);
  /** Only for this many requests; then it is over. */
  times?: number;
  /** Answer an error with this status instead, in the shape of the API that was asked. */
  status?: number;
  /** Value of Retry-After for an error; a 429 says 1 without it. */
  retryAfter?: string;
  /** More headers of the answer, also of an error. */
  headers?: Record<string, string>;
  /** Milliseconds before anything is sent. */
  delayMs?: number;
  /** Nothing is sent before this gate is open. */
  holdHeaders?: Gate;
  /** Milliseconds before each chunk of a stream but the first. */
  chunkDelayMs?: number;
  /** The last chunk of an answer is not sent before this gate is open. */
  holdLastChunk?: Gate;
  /** All chunks have been sent, and the answer does not end before this gate is open. */
  holdEnd?: Gate;
  /** Milliseconds between the last chunk and the end of the answer. */
  endDelayMs?: number;
  /** Destroys the connection after that many chunks; 0: before the headers. */
  cutAfterChunks?: number;
  /** A stream says after that many chunks that it failed, and ends as if all were well. */
  errorAfterChunks?: number;
  /** Says nothing of usage. */
  noUsage?: boolean;
  /** The answer's text has this many bytes. */
  answerBytes?: number;
  /** Every chunk is written in two, the first ending inside a character where there is a long one. */
  splitUtf8?: boolean;
}

/** Holds back what waits for it until it is opened, once and for all. */
export class Gate {
  readonly opened: Promise<void>;
  private resolve: () => void = () => {};

  constructor() {
    this.opened = new Promise((resolve) => {
      this.resolve = resolve;
    });
  }

  open(): void {
    this.resolve();
  }
}

/** The behaviours that a test has ordered. The latest that matches a request is used. */
export class Behaviours {
  private ordered: { behaviour: Behaviour; left: number }[] = [];

  add(behaviour: Behaviour): void {
    this.ordered.unshift({ behaviour, left: behaviour.times ?? Number.POSITIVE_INFINITY });
  }

  clear(): void {
    this.ordered = [];
  }

  /** Counts as one use. */
  takeFor(request: RecordedRequest): Behaviour {
    const order = this.ordered.find(
      ({ behaviour, left }) => left > 0 && matches(behaviour.match, request),
    );
    if (!order) return byModelName(request.model ?? "");
    order.left--;
    return order.behaviour;
  }
}

function matches(match: Behaviour["match"], request: RecordedRequest): boolean {
  if (match === undefined) return true;
  return typeof match === "string" ? modelGlob(match)(request.model ?? "") : match(request);
}

/** Names that GET /v1/models shows; stand-in-NNN works with every status from 400 to 599. */
export const behavingModels = [
  "stand-in-429",
  "stand-in-500",
  "stand-in-503",
  "stand-in-529",
  "stand-in-slow",
  "stand-in-trickle",
  "stand-in-cut",
  "stand-in-late-end",
  "stand-in-fail",
  "stand-in-big",
  "stand-in-no-usage",
];

function byModelName(model: string): Behaviour {
  const status = /^stand-in-([45]\d\d)$/.exec(model)?.[1];
  if (status) return { status: Number(status) };
  switch (model) {
    case "stand-in-slow":
      return { delayMs: 3000 };
    case "stand-in-trickle":
      return { chunkDelayMs: 300 };
    case "stand-in-cut":
      return { cutAfterChunks: 2 };
    case "stand-in-late-end":
      return { endDelayMs: 300 };
    case "stand-in-fail":
      return { errorAfterChunks: 2 };
    case "stand-in-big":
      return { answerBytes: 1024 * 1024 };
    case "stand-in-no-usage":
      return { noUsage: true };
    default:
      return {};
  }
}
