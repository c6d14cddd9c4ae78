// The operators' page by itself, on a health server of its own, with made-up traffic behind it.

import { operatorsPage } from "../../page/page";
import { knownHere } from "../../plugins/llm-models/cooldowns-in-memory";
import type { LimitState } from "../../plugins/llm-rate-limit/counts";
import { consumerKey } from "../../plugins/llm-rate-limit/identity";
import { showUsed } from "../../plugins/llm-rate-limit/used-ratio";
import { closeLedgers, openLedger } from "../../plugins/llm-usage/open-ledger";
import { remember, stopWatching } from "../../plugins/llm-usage/recent";
import { usageOptions } from "../../plugins/llm-usage/schema";
import type { UsageLine } from "../../plugins/llm-usage/usage-line";
import { type HealthServer, serveHealth } from "../../server/health";
import { targetName } from "../../stages/allowances";

export const pageToken = "token-of-the-tests-0123";

export interface ServedPage {
  url: string;
  stop(): Promise<void>;
}

export async function servePage(): Promise<ServedPage> {
  const page = operatorsPage({ value: pageToken });
  const address = { host: "127.0.0.1", port: 0 };
  const server: HealthServer = await serveHealth(
    address,
    () => ({ ready: true, plugins: [] }),
    page,
  );
  return {
    url: `http://127.0.0.1:${server.port}`,
    async stop() {
      await server.close();
      stopWatching();
      closeLedgers();
    },
  };
}

const models = ["gpt-4.1", "claude-sonnet-4.5", "gemini-2.5-flash", "deepseek-v3.2"];
const endings: Partial<UsageLine>[] = [
  ...Array(5).fill({}),
  { source: "cache", cache: "Hit", cost_usd: 0 },
  { status: 429, source: "gateway", limit: "refused", limited_by: "tokens per minute" },
  { status: 502, source: "error", model: "claude-sonnet-4.5" },
  { status: 200, cut_by: "client", complete: false },
];

/** Enters what so many consumers of ten teams have used in this month so far. */
export async function fillPage(consumers: number): Promise<void> {
  const { ledger } = usageOptions.parse({ ledger: { policy: "local" } });
  const { enter, dayOf } = openLedger(ledger)!;
  const today = dayOf(Date.now());
  for (let n = 0; n < consumers; n++) {
    const consumer = n === 7 ? `<b onclick="x">${"long-name-".repeat(12)}` : `app-${n}`;
    for (let one = 0; one < Number(today.slice(8)); one += n < 40 ? 1 : 9) {
      const day = `${today.slice(0, 8)}${`${one + 1}`.padStart(2, "0")}`;
      const cost = Math.round(4e9 / (n + 1)) + one * 1000;
      const row = {
        ...{ team: n % 11 === 10 ? "" : `team-${n % 11}`, end_user: null },
        ...{ model: models[n % models.length]!, provider: "llm", endpoint: "chat", tags: {} },
      };
      await enter({
        ...{ id: `${n}-${one}`, day, started_at: Date.now(), consumer, row, coarse: row },
        amounts: {
          ...{ requests: 120, failed: n % 3, hits: 20, cost, list_cost: Math.round(cost * 1.4) },
          ...{ input_tokens: 90_000, output_tokens: 12_000 },
          ...{ saved_by_cache: Math.round(cost / 5), saved_by_routing: Math.round(cost / 20) },
        },
      });
    }
  }
  for (let n = 0; n < 140; n++) remember(lineOf(n, consumers));
  fillLimits(consumers);
  const cooling = { since: Date.now(), until: Date.now() + 45_000, probedUntil: 0 };
  knownHere.adopt(targetName("llm-upstream", "claude-sonnet-4.5"), cooling);
}

function lineOf(n: number, consumers: number): UsageLine {
  return {
    ...{ time: new Date(Date.now() - (140 - n) * 7000).toISOString(), request_id: `id-of-${n}` },
    ...{ consumer: `app-${n % consumers}`, route: "r", endpoint: "chat/completions" },
    ...{
      requested_model: "gpt-4",
      model: models[n % models.length]!,
      ...{ provider: null, tries: 1 },
      fallback_from: null,
      moved_by: null,
      tier: null,
      tier_reason: null,
    },
    ...{ status: 200, source: "service", tags: { secret: "of the client" }, cache: "Miss" },
    ...{ personal_data: {}, stream: true, limit: "allowed", limited_by: null },
    ...{ complete: true, cut_by: null },
    ...{ input_tokens: 812 + n, output_tokens: 145, cached_input_tokens: 0 },
    ...{ cache_write_tokens: 0, reasoning_tokens: 0, estimated: false },
    ...{ cost_usd: 0.0043 + n / 1e4, saved_usd: null, duration_ms: 830 + n * 13 },
    ...{ time_to_first_byte_ms: 210 },
    ...endings[n % endings.length],
  };
}

function fillLimits(consumers: number): void {
  const state = (measure: string, window: string, most: number, share: number) =>
    ({
      limit: { measure, window, most },
      ...{ remaining: most * (1 - share), resetMs: 3_600_000, waitMs: 0, start: 0 },
    }) as LimitState;
  for (let n = 0; n < Math.min(consumers, 30); n++) {
    const consumer = { id: `${n}`, username: `app-${n}` };
    const who = { kind: "consumer", key: consumerKey(consumer) } as const;
    const team = { kind: "team", key: "team:team-1" } as const;
    showUsed(who, `app-${n}`, [
      state("cost_usd", "month", 50e9, Math.max(0, 1 - n * 0.06)),
      state("tokens", "minute", 90_000, 0.1),
      { ...state("requests", "day", 10_000, 0.86), who: team },
    ]);
  }
}
