// The answer to GET /v1/usage: what the caller itself has used today and in this month, what it may still
// use, and which models at which prices. Never what others use.

import { LRUCache } from "lru-cache";
import { usdOfNano } from "../../models/money";
import type { PriceOf } from "../../models/price";
import { RedisUnavailable } from "../../redis/connection";
import type { Answer, Exchange } from "../../stages/exchange";
import { unauthenticated, unavailable } from "../../stages/refusals";
import type { OwnModel } from "../../stages/told";
import { monthOf, type Row } from "./ledger";
import { daysOfMonth } from "./ledger-day";
import type { OpenLedger } from "./open-ledger";
import { report, type Sums, total } from "./usage-report";

interface Telling {
  /** Undefined: nobody keeps what is used. */
  ledger: OpenLedger | undefined;
  priceOf: PriceOf;
}

/** Without a ledger `use` is null; limits and models are told by llm-gateway, which has them. */
export async function ownUsage(exchange: Exchange, { ledger, priceOf }: Telling): Promise<Answer> {
  const consumer = exchange.consumer?.username ?? exchange.consumer?.custom_id;
  if (consumer === undefined) return unauthenticated;
  try {
    const [use, told] = await Promise.all([
      ledger ? useOf(consumer, ledger) : null,
      exchange.told?.(),
    ]);
    const models = told?.models?.map((model) => priced(model, priceOf)) ?? null;
    return json({ object: "usage", consumer, use, limits: told?.limits ?? null, models });
  } catch (error) {
    if (error instanceof RedisUnavailable) return unavailable;
    throw error;
  }
}

// Who asks again at once gets what was read a second ago: a month has many rows.
const read = new WeakMap<OpenLedger, LRUCache<string, Promise<object>>>();

function useOf(consumer: string, ledger: OpenLedger): Promise<object> {
  const known = read.get(ledger) ?? new LRUCache<string, Promise<object>>({ max: 1000, ttl: 1000 });
  read.set(ledger, known);
  const before = known.get(consumer);
  if (before) return before;
  const use = readUse(consumer, ledger);
  known.set(consumer, use);
  use.catch(() => known.delete(consumer));
  return use;
}

async function readUse(consumer: string, ledger: OpenLedger): Promise<object> {
  const day = ledger.dayOf(Date.now());
  const month = monthOf(day);
  const rows = await ledger.read({ ...daysOfMonth(month), consumer });
  const today = rows.filter((row) => row.day === day);
  return {
    today: { day, ...shown(total(today)) },
    month: { month, ...shown(total(rows)), models: byModel(rows) },
  };
}

function byModel(rows: Row[]): object[] {
  return report(rows, ["model"]).map(({ names: [model], sums }) => ({ model, ...shown(sums) }));
}

/** Tokens, and dollars as numbers with all their digits. */
function shown(sums: Sums): object {
  const usd = (nano: bigint) => usdOfNano(Number(nano));
  return {
    requests: Number(sums.requests),
    input_tokens: Number(sums.input_tokens),
    cached_input_tokens: Number(sums.cached_input_tokens),
    output_tokens: Number(sums.output_tokens),
    reasoning_tokens: Number(sums.reasoning_tokens),
    cost_usd: usd(sums.cost),
    saved_by_cache_usd: usd(sums.saved_by_cache),
    saved_by_routing_usd: usd(sums.saved_by_routing),
    /** Of which the price is not known, and the cost above nothing. */
    unpriced_requests: Number(sums.unpriced),
  };
}

function priced({ id, served_by }: OwnModel, priceOf: Telling["priceOf"]): object {
  const withPrice = served_by.map(({ model, provider }) => {
    return { model, provider, price: priceOf(model, provider) ?? null };
  });
  return { id, served_by: withPrice };
}

function json(value: object): Answer {
  return {
    status: 200,
    headers: { "Content-Type": "application/json", "Cache-Control": "no-store" },
    body: JSON.stringify(value),
    source: "gateway",
  };
}
