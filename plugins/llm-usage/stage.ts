// What llm-usage notes of a request and how it accounts for its end. It does not guard: a request
// whose usage cannot be told is still a request. It decides first, so it sees what others refuse.

import { z } from "zod";
import { familyOf } from "../../families/endpoint";
import { askedUnits } from "../../openai/asked-units";
import type { Exchange } from "../../stages/exchange";
import type { Outcome } from "../../stages/outcome";
import { openPrices, type Prices } from "../../stages/prices";
import type { Stage } from "../../stages/stage";
import { isTelling, tellOfEnd } from "../../telemetry/ended";
import { type Account, accountOf, type Books } from "./account";
import {
  type Attribute,
  type Attribution,
  attributeBy,
  attribution,
  traced,
  traceOf,
} from "./attribution";
import { entryOf } from "./ledger-entry";
import { count } from "./metrics";
import { type OpenLedger, openLedger } from "./open-ledger";
import { ownUsage } from "./own-usage";
import { isWatched, remember } from "./recent";
import type { UsageOptions } from "./schema";
import { usageLine } from "./usage-line";
import { writeLine, writeLineLater } from "./write-line";

interface Prepared extends Books {
  attribute: Attribute | undefined;
  ledger: OpenLedger | undefined;
  /** All that an ended request is told to; settles when none of it can be lost with this process. */
  account(outcome: Outcome, account: Account, attributed: Attribution): void | Promise<void>;
}

// Usage stands in the last event or the last members of an answer, and is far shorter than this.
const keptBytes = 16 * 1024;
// A client may send a novel as its model's name; it goes into the ticket and the usage line.
const mostModelChars = 200;

/** What was asked for, and in whose name: the model, the estimated input tokens, what else is counted. */
const asked = attribution.extend({
  model: z.string().optional(),
  tokens: z.number().optional(),
  units: askedUnits.optional(),
  trace: traced.optional(),
});

type Asked = z.output<typeof asked>;

export const stage: Stage<UsageOptions, Prepared, typeof asked> = {
  name: "usage",
  note: asked,
  guards: false,
  prepare(options) {
    const prices = openPrices(options);
    const ledger = openLedger(options.ledger);
    return {
      ...{ ledger, priceOf: prices.priceOf },
      labels: labelsOf(options, prices.names),
      attribute: attributeBy(options),
      account: accountBy(options, prices, ledger),
    };
  },
  decide(exchange, prepared) {
    exchange.keep = Math.max(exchange.keep, keptBytes);
    const { attribute } = prepared;
    const asked = noteOf(exchange);
    if (isTelling()) {
      exchange.traced = true;
      asked.trace = traceOf(exchange);
    }
    const note = attribute ? Object.assign(asked, attribute(exchange)) : asked;
    if (exchange.ticket.endpoint !== "usage") return { note };
    return ownUsage(exchange, prepared).then((answer) => ({ answer, note }));
  },
  learn(outcome, note = {}, prepared) {
    const account = accountOf(outcome, note, prepared);
    if (isTelling()) tellOf(outcome, account, note);
    return prepared.account(outcome, account, note);
  },
};

function tellOf(outcome: Outcome, account: Account, { tags = {}, trace = {} }: Asked): void {
  const { service, ...sent } = trace;
  tellOfEnd({ outcome, account, tags, service, trace: sent });
}

function accountBy(
  { log, ledger: { by } }: UsageOptions,
  prices: Prices,
  ledger: OpenLedger | undefined,
): Prepared["account"] {
  const tell = log ? countAndWrite : countAlone;
  if (!ledger) return tell;
  const books = { ...prices, dayOf: ledger.dayOf, by };
  return (outcome, account, attributed) => {
    const entered = ledger.enter(entryOf(outcome, account, attributed, books));
    const written = tell(outcome, account, attributed);
    return Promise.all([entered, written]).then(() => {});
  };
}

function labelsOf({ metrics_models, prices }: UsageOptions, catalogued: string[]): Set<string> {
  const priced = prices.map(({ model }) => model).filter((model) => !model.includes("*"));
  return new Set([...metrics_models, ...priced, ...catalogued]);
}

function countAndWrite(
  outcome: Outcome,
  account: Account,
  { tags }: Attribution,
): void | Promise<void> {
  count(outcome, account);
  const line = usageLine(outcome, account, tags);
  remember(line);
  // Of what the gateway answered itself no batch waits to be acknowledged.
  const isOurs = outcome.source === "cache" || outcome.source === "gateway";
  return isOurs ? writeLineLater(line) : writeLine(line);
}

function countAlone(outcome: Outcome, account: Account): void {
  count(outcome, account);
  if (isWatched()) remember(usageLine(outcome, account));
}

function noteOf({ body, request, ticket }: Exchange): Asked {
  if (!body) return {};
  const model = body.get("model");
  const family = familyOf(ticket.endpoint);
  const units = family.unitsAsked(ticket.endpoint, body.value, request.bytes ?? 0);
  return {
    tokens: family.estimateInputTokens(body.value),
    ...(typeof model === "string" && { model: model.slice(0, mostModelChars) }),
    ...(Object.keys(units).length > 0 && { units }),
  };
}
