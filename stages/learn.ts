// Hands an ended request to the stages that let it through, each ticket once.

import { log } from "./log";
import { countLost } from "./lost-outcomes";
import type { Outcome } from "./outcome";
import { OwnEntry } from "./own-entry";
import { Seen } from "./seen";
import { onPrepared, type PreparedStage, preparedStage } from "./stage";
import type { StageName } from "./stage-name";
import { heardOf } from "./unheard";

// report.lua sends a batch again when its acknowledgement was lost, so a ticket may come twice
// within seconds. A stage whose count lives in Redis has its own guard across restarts.
const learned = new Seen(100_000);

// After a restart outcomes come before a request has brought the options that they need: at night that
// may take a while.
const mostParked = 10_000;
const mostParkedBytes = 64 * 1024 * 1024;
const parkedSeconds = 900;
let parked = 0;
let parkedBytes = 0;

/**
 * Settles when every stage has learned, also those whose options are not known here yet, or when what they
 * should learn is lost, which is counted. Never rejects.
 */
export async function learnFrom(outcome: Outcome): Promise<void> {
  const { ticket } = outcome;
  heardOf(ticket.id);
  if (learned.isSeen(ticket.id)) return;
  const learning: Promise<void>[] = [];
  for (const [name, entry] of Object.entries(ticket.stages)) {
    const isOwn = entry instanceof OwnEntry;
    const stage = isOwn ? entry.stage : preparedStage(name as StageName, entry.options);
    const soon = stage
      ? learnWith(stage, outcome)
      : park(name as StageName, entry.options, outcome);
    if (soon) learning.push(soon);
  }
  if (learning.length > 0) await Promise.all(learning);
}

/** Most stages learn at once: to wait for those would cost each request turns of the queue. */
function learnWith(stage: PreparedStage, outcome: Outcome): Promise<void> | undefined {
  const failed = (error: unknown) => {
    countLost("stage_failed", 1);
    log.error(
      { stage: stage.name, request_id: outcome.ticket.id, err: error },
      "stage cannot learn",
    );
  };
  try {
    const entry = outcome.ticket.stages[stage.name];
    const soon = stage.learn(outcome, entry?.note, entry instanceof OwnEntry);
    return soon instanceof Promise ? soon.catch(failed) : undefined;
  } catch (error) {
    failed(error);
    return undefined;
  }
}

function park(name: StageName, options: string, outcome: Outcome): Promise<void> {
  const bytes = outcome.body.length;
  if (parked >= mostParked || parkedBytes + bytes > mostParkedBytes) {
    countLost("too_many_parked", 1);
    return Promise.resolve();
  }
  parked++;
  parkedBytes += bytes;
  return new Promise((learned) => {
    const leave = () => {
      parked--;
      parkedBytes -= bytes;
    };
    const forget = onPrepared(name, options, (stage) => {
      clearTimeout(timer);
      leave();
      learned(learnWith(stage, outcome));
    });
    const timer = setTimeout(() => {
      forget();
      leave();
      countLost("options_unknown", 1);
      learned();
    }, parkedSeconds * 1000);
    timer.unref();
  });
}
