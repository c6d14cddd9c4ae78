// Lets the stages decide about a request, one after the other: what each notes goes into the ticket, an
// answer ends it, and one that fails closes the request where it guards.

import { Counter } from "prom-client";
import type { Answer, Exchange } from "./exchange";
import { log } from "./log";
import { OwnEntry } from "./own-entry";
import { stageFailed } from "./refusals";
import type { PreparedStage } from "./stage";
import { stageNames } from "./stage-name";
import type { Told } from "./told";

const failures = new Counter({
  name: "llm_stage_failures_total",
  help: "Stages that threw while they decided: a guard answered 500, any other was skipped",
  labelNames: ["stage"] as const,
});
// A series that begins with its first failure has not increased, as Prometheus sees it.
for (const stage of stageNames) failures.inc({ stage }, 0);

/**
 * Runs the stages; undefined when all let the request through.
 * @param refusal what whoever runs them refuses by itself. It is answered where the first guard stands,
 *   so that stages before it, which only watch, have seen the request.
 */
export async function runStages(
  stages: readonly PreparedStage[],
  exchange: Exchange,
  refusal: Answer | undefined,
): Promise<Answer | undefined> {
  if (exchange.ticket.endpoint === "usage") exchange.told = () => toldBy(stages, exchange);
  for (const stage of stages) {
    if (refusal && stage.guards) return refusal;
    const entry = new OwnEntry(stage);
    try {
      const deciding = stage.decide(exchange);
      // Most decide at once: to wait for those would cost each request a turn of the queue.
      const decided = deciding instanceof Promise ? await deciding : deciding;
      const answer = decided && "answer" in decided ? decided.answer : undefined;
      if (answer && decided?.note === undefined) return answer;
      if (decided?.note !== undefined) entry.note = decided.note;
      exchange.ticket.stages[stage.name] = entry;
      if (answer) return answer;
    } catch (error) {
      failures.inc({ stage: stage.name });
      const { id, route } = exchange.request;
      log.error({ stage: stage.name, route, request_id: id, err: error }, "stage failed");
      if (stage.guards) return stageFailed;
    }
  }
  return refusal;
}

async function toldBy(stages: readonly PreparedStage[], exchange: Exchange): Promise<Told> {
  return Object.assign({}, ...(await Promise.all(stages.map((stage) => stage.tell(exchange)))));
}
