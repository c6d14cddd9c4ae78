// Hands an ended request to the stages that let it through, each ticket once.

import { Counter } from "prom-client";
import { log } from "./log";
import type { Outcome } from "./outcome";
import { Seen } from "./seen";
import { onPrepared, type PreparedStage, preparedStage } from "./stage";
import type { StageName } from "./stage-name";
import { heardOf } from "./unheard";

// report.lua sends a batch again when its acknowledgement was lost, so a ticket may come twice
// within seconds. A stage whose count lives in Redis has its own guard across restarts.
const learned = new Seen(100_000);

// After a restart outcomes come before Kong has started the instance whose options they need.
const mostParked = 10_000;
const parkedSeconds = 60;
let parked = 0;

const lost = new Counter({
  name: "llm_outcomes_lost_total",
  help: "Outcomes of which a stage could not learn, by reason",
  labelNames: ["reason"] as const,
});
// A series that begins with its first loss has not increased, as Prometheus sees it.
const reasons = "queue_full unreadable stage_failed too_many_parked options_unknown".split(" ");
for (const reason of reasons) lost.inc({ reason }, 0);

/** Counts outcomes that were lost before they came here. */
export function countLost(reason: "queue_full" | "unreadable", count: number): void {
  lost.inc({ reason }, count);
}

/** Settles when every stage that is prepared here has learned; never rejects. */
export async function learnFrom(outcome: Outcome): Promise<void> {
  const { ticket } = outcome;
  heardOf(ticket.id);
  if (learned.isSeen(ticket.id)) return;
  await Promise.all(
    Object.entries(ticket.stages).map(([name, entry]) => {
      const stage = preparedStage(name as StageName, entry.options);
      if (stage) return learnWith(stage, outcome);
      park(name as StageName, entry.options, outcome);
      return undefined;
    }),
  );
}

async function learnWith(stage: PreparedStage, outcome: Outcome): Promise<void> {
  try {
    await stage.learn(outcome, outcome.ticket.stages[stage.name]?.note);
  } catch (error) {
    lost.inc({ reason: "stage_failed" });
    log.error(
      { stage: stage.name, request_id: outcome.ticket.id, err: error },
      "stage cannot learn",
    );
  }
}

function park(name: StageName, options: string, outcome: Outcome): void {
  if (parked >= mostParked) {
    lost.inc({ reason: "too_many_parked" });
    return;
  }
  parked++;
  const forget = onPrepared(name, options, (stage) => {
    clearTimeout(timer);
    parked--;
    void learnWith(stage, outcome);
  });
  const timer = setTimeout(() => {
    forget();
    parked--;
    lost.inc({ reason: "options_unknown" });
  }, parkedSeconds * 1000);
  timer.unref();
}
