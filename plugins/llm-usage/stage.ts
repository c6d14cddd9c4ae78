// What llm-usage notes of a request and how it accounts for its end. It does not guard: a request
// whose usage cannot be told is still a request. It decides first, so it sees what others refuse.

import { z } from "zod";
import { familyOf } from "../../families/endpoint";
import type { Exchange } from "../../stages/exchange";
import type { Outcome } from "../../stages/outcome";
import { openPrices } from "../../stages/prices";
import type { Stage } from "../../stages/stage";
import { type Account, accountOf, type Books } from "./account";
import { count } from "./metrics";
import type { UsageOptions } from "./schema";
import { usageLine } from "./usage-line";
import { writeLine } from "./write-line";

interface Prepared extends Books {
  account(outcome: Outcome, account: Account): void | Promise<void>;
}

// Usage stands in the last event or the last members of an answer, and is far shorter than this.
const keptBytes = 16 * 1024;
// A client may send a novel as its model's name; it goes into the ticket and the usage line.
const mostModelChars = 200;

/** What was asked for: the model, the estimated input tokens, and what is counted beside tokens. */
const asked = z.object({
  model: z.string().optional(),
  tokens: z.number().optional(),
  units: z
    .object({
      images: z.number().optional(),
      characters: z.number().optional(),
      seconds: z.number().optional(),
    })
    .optional(),
});

export const stage: Stage<UsageOptions, Prepared, typeof asked> = {
  name: "usage",
  note: asked,
  guards: false,
  prepare(options) {
    const { priceOf, names } = openPrices(options);
    const labels = labelsOf(options, names);
    return { priceOf, labels, account: options.log ? countAndWrite : count };
  },
  decide(exchange) {
    exchange.keep = Math.max(exchange.keep, keptBytes);
    return { note: noteOf(exchange) };
  },
  learn(outcome, note = {}, prepared) {
    return prepared.account(outcome, accountOf(outcome, note, prepared));
  },
};

function labelsOf({ metrics_models, prices }: UsageOptions, catalogued: string[]): Set<string> {
  const priced = prices.map(({ model }) => model).filter((model) => !model.includes("*"));
  return new Set([...metrics_models, ...priced, ...catalogued]);
}

function countAndWrite(outcome: Outcome, account: Account): Promise<void> {
  count(outcome, account);
  return writeLine(usageLine(outcome, account));
}

function noteOf({ body, request, ticket }: Exchange): z.input<typeof asked> {
  if (!body) return {};
  const model = body.get("model");
  const family = familyOf(ticket.endpoint);
  const units = family.unitsAsked(ticket.endpoint, body.value, request.bytes ?? 0);
  return {
    ...(typeof model === "string" && { model: model.slice(0, mostModelChars) }),
    tokens: family.estimateInputTokens(body.value),
    ...(Object.keys(units).length > 0 && { units }),
  };
}
