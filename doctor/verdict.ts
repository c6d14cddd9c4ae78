// What doctor can conclude about one question, and what a question may look at.

import type { GatewayClient } from "./gateway-client";

export interface Verdict {
  /** `unknown`: it cannot be told from here. */
  result: "ok" | "wrong" | "unknown";
  /** What was seen. */
  found: string;
  /** What to do about it, or how it could be told. */
  todo?: string;
}

export interface Diagnosis extends Verdict {
  question: string;
}

export interface Examination {
  client: GatewayClient;
  /** A model that the gateway serves. */
  model: string;
  /** Verdicts so far: some questions have no answer while another is wrong. */
  given: ReadonlyMap<string, Verdict>;
}

/** The verdict for a question that the plugin server's /readyz answers, while nobody knows its address. */
export const seenInReadyz: Verdict = {
  result: "unknown",
  found: "Cannot tell from here: it shows in /readyz of the plugin server.",
  todo: "Give its address as --health-url.",
};

/** The verdict for a question that makes no sense while another one is wrong. */
export function waitsFor({ given }: Examination, ...questions: string[]): Verdict | undefined {
  const first = questions.find((question) => given.get(question)?.result === "wrong");
  return first === undefined
    ? undefined
    : { result: "unknown", found: `Cannot tell while it is wrong that ${first}.` };
}
