// Outcomes of which a stage could not learn: their requests are missing in what is counted, so an
// operator must see it in /readyz and in a metric.

import { Counter } from "prom-client";
import { showNeighbour } from "./neighbours";

const reasons = {
  queue_full: "Kong's workers could not deliver them: see the outcomes socket",
  unreadable: "Kong's Lua files are of another version: kong-llm install, restart Kong",
  stage_failed: "the log names the stage",
  too_many_parked: "too many came before Kong had told their config",
  options_unknown: "their config changed while the plugin server restarted",
};
type LossReason = keyof typeof reasons;

const lost = new Counter({
  name: "llm_outcomes_lost_total",
  help: "Outcomes of which a stage could not learn, by reason",
  labelNames: ["reason"] as const,
});
// A series that begins with its first loss has not increased, as Prometheus sees it.
for (const reason of Object.keys(reasons)) lost.inc({ reason }, 0);

const shownMs = 300_000;
let last: { reason: LossReason; at: number } | undefined;

export function countLost(reason: LossReason, count: number): void {
  lost.inc({ reason }, count);
  if (last === undefined) showNeighbour("lost outcomes", lossState);
  last = { reason, at: Date.now() };
}

function lossState() {
  if (last === undefined || Date.now() - last.at >= shownMs) {
    return { ok: true, detail: "No outcome was lost in the last five minutes." };
  }
  const detail = `Outcomes were lost, so requests are missing in what is counted: ${reasons[last.reason]} (${last.reason}).`;
  return { ok: false, detail };
}
