// A stage may send a request on as another model than the one that was chosen for it. The stages before
// it have a say in that, in llm-gateway and as single plugins: they are found by the options with which
// they decided.

import type { Exchange } from "./exchange";
import { type PreparedStage, preparedStage } from "./stage";
import type { StageName } from "./stage-name";

/** Whether all stages so far let it. One that is not in this process cannot be asked: then not. */
export function maySendAs(exchange: Exchange, model: string): boolean {
  return stagesSoFar(exchange).every((stage) => stage?.permits(exchange, model) ?? false);
}

/** Makes what the stages so far have changed fit the other model; its name stays to be set. */
export function sendAs(exchange: Exchange, model: string): void {
  for (const stage of stagesSoFar(exchange)) stage?.adapt(exchange, model);
}

function stagesSoFar({ ticket }: Exchange): (PreparedStage | undefined)[] {
  return Object.entries(ticket.stages).map(([name, { options }]) =>
    preparedStage(name as StageName, options),
  );
}
