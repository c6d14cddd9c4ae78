// What a plugin made of stages is asked about one request, and what it says to it: plain values, in and
// out. Whoever asks (a Lua driver, or Kong's own protocol) carries out what is said.

import type { Answer, Consumer, GatheredRequest } from "./exchange";
import type { Outcome } from "./outcome";
import type { Target } from "./upstream";

export interface Question {
  request: GatheredRequest;
  /** Undefined where no authentication plugin has found one. */
  consumer?: Consumer;
  /** What the plugins of ours before this one decided about the same request. */
  earlier?: Decision;
  /** Whoever asks can put values back into the answer. */
  restores?: boolean;
  /** Whoever asks can send the request again, as a decision's `tries` say. */
  repeats?: boolean;
}

/** What of a request a plugin asks for beside what is always told. */
export interface Needs {
  /** Names of headers, in lower case. */
  headers: string[];
  /** The id of the credential by which the consumer was authenticated. */
  credential: boolean;
}

/** `length` bytes of the body from `offset` on are replaced by `text`. */
export type Edit = [offset: number, length: number, text: string];

/** What lua/retry.lua makes of a request when the try before it has failed, with nothing but this. */
export interface NextTry {
  target?: Target;
  /** What is other than at the first try; false: taken away. */
  headers: Record<string, string | false>;
  /** To the body as Kong had it before the first try. */
  edits: Edit[];
  /** In place of the decision's. */
  response_headers: Record<string, string>;
  /** For a key that was refused. */
  for_key?: true;
}

/** What lua/carry-out.lua does to a request. Every field is what Lua needs and no more. */
export interface Decision {
  /** The plugins that have decided: without Lua files carry-out knows which it must find here. */
  plugins: string[];
  /** Of the upstream request, by names in lower case; false: it is taken away. */
  headers: Record<string, string | false>;
  /** Of the upstream request, where it is another one than the client's. */
  path?: string;
  /** A host in place of that of the service. */
  target?: Target;
  /** Further tries, in their order. Kong makes no others of its own where this is there, be it empty. */
  tries?: NextTry[];
  /** How many of them are made at most: one for a key stands beside those for a model. */
  most_tries?: number;
  /** Also what was sent and has got no answer is tried again, though it may be billed. */
  repeats_unanswered?: true;
  /** Lists of edits to the body that the client sent, one after the other: the body itself stays in Kong. */
  edits: Edit[][];
  response_headers: Record<string, string>;
  /** Opaque to Lua. */
  ticket: string;
  /** How many bytes of the answer the tap shall keep whole. */
  keep: number;
  /** The client has not asked for the chunk of usage that ends a stream: it is not to get it. */
  without_usage?: boolean;
  /** Which span went upstream is to be told with its end. */
  traced?: boolean;
  /**
   * Values that lua/restore.lua puts back in the answer, by the names that stand for them. They go to
   * the Kong that sent them, over the socket on which it did, and live there as long as the request.
   */
  restore?: Readonly<Record<string, string>>;
  /** Where outcomes go, for who has no other way to know it. */
  outcomes_socket?: string;
}

/** `outcome` is what the stages are to learn once the answer is on its way. */
export type Ruling =
  | { decision: Decision }
  | { answer: Answer; outcome: Outcome; restore?: Decision["restore"] };
