import { describe, expect, it } from "vitest";
import { targetName } from "../../stages/allowances";
import type { Outcome } from "../../stages/outcome";
import { learn } from "./learned";
import { openCooldowns } from "./open-cooldowns";
import { modelsOptions } from "./schema";

const options = modelsOptions.parse({});
let serial = 0;

/** How well a model is after its requests to an endpoint were refused with a Retry-After. */
async function healthAfter(endpoint: string, failed: Partial<Outcome>): Promise<string> {
  const model = `learned-${++serial}`;
  const cooldowns = openCooldowns(options);
  const watch = { options, cooldowns, watched: new Set([model]), timed: new Set<string>() };
  const now = Date.now();
  const ticket = { endpoint, model: { requested: model, served: model, label: model } };
  const outcome = {
    ...{ ticket, source: "service", content_type: "application/json", body: Buffer.from("{}") },
    ...{ complete: true, truncated: false, first_byte_at: now, ended_at: now, ...failed },
  } as unknown as Outcome;
  await learn(outcome, { service: "s", model, sent_at: now, probing: false }, watch);
  return cooldowns.healthOf(targetName("s", model));
}

describe("llm-models", () => {
  it.each([
    ["an upstream that refuses it", { status: 429, retry_after: "60" }],
    ["an upstream that cannot do it", { status: 503, retry_after: "60" }],
    [
      "a try of it that failed",
      { status: 200, failed_tries: [{ try: 0, status: 503, retry_after: "60" }] },
    ],
  ] as const)("cools no model for a count of tokens, for %s", async (_, failed) => {
    const outcome = failed as unknown as Partial<Outcome>;
    expect(await healthAfter("messages/count_tokens", outcome)).toBe("healthy");
    if (failed.status !== 200) expect(await healthAfter("messages", outcome)).toBe("cooling");
  });
});
