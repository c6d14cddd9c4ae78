// Hands an ended request to the stages that let it through, each ticket once.

import { log } from "./log";
import { countLost } from "./lost-outcomes";
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
    countLost("stage_failed", 1);
    log.error(
      { stage: stage.name, request_id: outcome.ticket.id, err: error },
      "stage cannot learn",
    );
  }
}

function park(name: StageName, options: string, outcome: Outcome): void {
  if (parked >= mostParked) {
    countLost("too_many_parked", 1);
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
    countLost("options_unknown", 1);
  }, parkedSeconds * 1000);
  timer.unref();
}
