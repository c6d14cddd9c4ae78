// What doctor asks, in which order, and what it can conclude: each question has an answer, or says
// why it cannot be told from outside.

import { askedForKey, keyForms, refusalShape } from "./access";
import { type DoctorOptions, GatewayClient } from "./gateway-client";
import { secondTries } from "./second-tries";
import { cacheHits, learns, limiterCounts, streams } from "./stages";
import { telemetryArrives } from "./telemetry";
import { carriedOut, keyHidden, upstreamKey } from "./upstream";
import type { Diagnosis, Examination, Verdict } from "./verdict";

type Question = readonly [name: string, ask: (examination: Examination) => Promise<Verdict>];

const questions: Question[] = [
  ["a key is asked for", askedForKey],
  ["a key works as x-api-key and as Bearer", keyForms],
  ["refusals have OpenAI's shape", refusalShape],
  ["decisions are carried out", carriedOut],
  ["your key stays here", keyHidden],
  ["the upstream takes our key", upstreamKey],
  ["the limiter counts", limiterCounts],
  ["answers are learned from", learns],
  ["the cache hits", cacheHits],
  ["streams stream", streams],
  ["Kong makes second tries", secondTries],
  ["telemetry arrives", telemetryArrives],
];

/** @throws Error where the gateway cannot be reached, or serves no model */
export async function examine(options: DoctorOptions): Promise<Diagnosis[]> {
  const client = new GatewayClient(options);
  const model = options.model ?? (await firstModel(client));
  const given = new Map<string, Verdict>();
  for (const [question, ask] of questions) {
    given.set(question, await ask({ client, model, given }).catch(failed));
  }
  return [...given].map(([question, verdict]) => ({ question, ...verdict }));
}

async function firstModel(client: GatewayClient): Promise<string> {
  const { status, text } = await client.ask("/v1/models").catch((error: Error) => {
    throw new Error(`${client.options.url.origin} cannot be reached: ${reasonOf(error)}`);
  });
  const listed = status === 200 ? (JSON.parse(text) as { data?: { id?: string }[] }) : undefined;
  const name = listed?.data?.map(({ id }) => id).find((id) => id && !id.includes("*"));
  if (name) return name;
  throw new Error(`GET /v1/models answers ${status} and lists no model: give one with --model`);
}

function failed(error: Error): Verdict {
  return {
    result: "wrong",
    found: `No answer: ${reasonOf(error)}.`,
    todo: "See Kong's error log for the time of this request.",
  };
}

function reasonOf(error: Error): string {
  const { cause } = error as { cause?: { code?: string; message?: string } };
  return cause?.code ?? cause?.message ?? error.message;
}
