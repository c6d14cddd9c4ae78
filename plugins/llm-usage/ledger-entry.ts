// What an ended request adds to the ledger: the numbers of its account, under the names that the options
// tell apart.

import { nanoUsd } from "../../models/money";
import type { Price } from "../../models/price";
import { noUsage } from "../../models/usage";
import { decisiveChoice } from "../../stages/choice";
import type { Outcome } from "../../stages/outcome";
import { type Account, type Books, costBy } from "./account";
import type { Attribution } from "./attribution";
import type { Amounts, Entry, RowName } from "./ledger";
import type { DayOf } from "./ledger-day";
import type { LedgerOptions } from "./ledger-options";

/** What entries are made by. */
interface EntryBooks extends Pick<Books, "priceOf"> {
  listPriceOf(model: string): Price | undefined;
  dayOf: DayOf;
  by: LedgerOptions["by"];
}

// As of a model in a note; the ticket comes from a socket.
const mostModelChars = 200;

/** Stands for all that is no longer told apart. */
const other = "other";

export function entryOf(
  outcome: Outcome,
  account: Account,
  attributed: Attribution,
  books: EntryBooks,
): Entry {
  const { by, dayOf } = books;
  const { ticket, ended_at } = outcome;
  const row: RowName = {
    team: by.includes("team") ? (attributed.team ?? "") : null,
    end_user: by.includes("end_user") ? (attributed.end_user ?? "") : null,
    model: by.includes("model") ? (account.model ?? "").slice(0, mostModelChars) : null,
    provider: by.includes("provider") ? (ticket.provider ?? attributed.provider ?? "") : null,
    endpoint: by.includes("endpoint") ? ticket.endpoint : null,
    tags: by.includes("tags") ? (attributed.tags ?? {}) : {},
  };
  const coarse: RowName = {
    ...row,
    end_user: row.end_user && other,
    model: row.model && account.label,
    tags: {},
  };
  return {
    id: ticket.id,
    day: dayOf(ended_at),
    started_at: ticket.started_at,
    consumer: ticket.consumer ?? "",
    ...{ row, coarse },
    amounts: amountsOf(outcome, account, books),
  };
}

function amountsOf(outcome: Outcome, account: Account, books: EntryBooks): Partial<Amounts> {
  const { status, source } = outcome;
  const { usage, model, cost_usd, saved_usd } = account;
  const list = costBy(usage, { model }, outcome, { priceOf: books.listPriceOf });
  const baseline = baselineOf(outcome);
  const without = baseline && costBy(usage, { model: baseline }, outcome, books);
  const { estimated, ...used } = usage ?? noUsage;
  const cost = nanoUsd(cost_usd ?? 0);
  return {
    requests: 1,
    cost,
    ...(status >= 400 && { failed: 1 }),
    ...(source === "cache" && { hits: 1 }),
    ...(estimated && { estimated: 1 }),
    ...(cost_usd === undefined && { unpriced: 1 }),
    input_tokens: used.input_tokens,
    cached_input_tokens: used.cached_input_tokens,
    cache_write_tokens: used.cache_write_tokens,
    cache_write_1h_tokens: used.cache_write_1h_tokens,
    audio_input_tokens: used.audio_input_tokens,
    output_tokens: used.output_tokens,
    reasoning_tokens: used.reasoning_tokens,
    audio_output_tokens: used.audio_output_tokens,
    // Where nobody knows one of two costs, nothing is said to be saved against the other.
    list_cost: list === undefined || cost_usd === undefined ? cost : nanoUsd(list),
    saved_by_cache: nanoUsd(saved_usd ?? 0),
    saved_by_routing:
      typeof without === "number" && cost_usd !== undefined ? nanoUsd(without) - cost : 0,
  };
}

/** The model that would have served, where another one was chosen for it, or a budget moved it. */
function baselineOf({ ticket }: Outcome): string | undefined {
  return decisiveChoice(ticket)?.baseline ?? ticket.model?.moved_from;
}
