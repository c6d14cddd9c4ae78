// A request whose model was chosen among several, for what goes on with the choice.

import type { Exchange } from "../../stages/exchange";
import type { Choice } from "../../stages/ticket";

/** Chosen by its difficulty. */
export function choosing(models: Choice["models"], more: Partial<Choice> = {}): Exchange {
  const choice: Choice = {
    ...{ requested: "auto", name: "auto", models, tier: models[0]![1], reason: "difficulty" },
    ...more,
  };
  return {
    request: { id: "r", method: "POST", path: "/v1/chat/completions", client_ip: "192.0.2.1" },
    ...{ consumer: undefined, body: undefined, upstreamHeaders: {}, responseHeaders: {}, keep: 0 },
    ticket: {
      ...{ id: "r", started_at: 0, method: "POST", endpoint: "chat/completions", stream: false },
      ...{ stages: {}, choice },
    },
  };
}
