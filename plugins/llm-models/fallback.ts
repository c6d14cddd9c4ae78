// Which of the models that may serve a request does: the first that is not cooling down, so that a
// model that fails is left alone while another one can take its place. Never a refusal.

import { Gauge } from "prom-client";
import { knownHere } from "./cooldowns-in-memory";
import type { NodeCooldowns } from "./open-cooldowns";

export interface Choice {
  model: string;
  /** The one request that finds out whether the model is back. */
  probing: boolean;
}

/**
 * The first healthy model; one that is due gets one request. Where all of them cool, the one whose
 * cooldown ends first. No model but the last resort gets a request that it did not ask for.
 *
 * @param models at least one, in the order of preference
 * @param leaseMs how long a probe may take until another request may probe
 */
export async function firstHealthy(
  cooldowns: NodeCooldowns,
  service: string,
  models: readonly string[],
  leaseMs: number,
): Promise<Choice> {
  if (models.length === 1) return { model: models[0]!, probing: false };
  const targets = models.map((model) => targetName(service, model));
  const known = await cooldowns.look(targets);
  for (const [i, target] of targets.entries()) {
    const health = cooldowns.healthOf(target);
    if (health === "healthy") return { model: models[i]!, probing: false };
    if (health === "due" && (await cooldowns.takeProbe(target, leaseMs)) === 0) {
      return { model: models[i]!, probing: true };
    }
  }
  const ends = known.map(({ until }) => until);
  return { model: models[ends.indexOf(Math.min(...ends))]!, probing: false };
}

/** A model of one service: two providers may have models of the same name. */
export function targetName(service: string, model: string): string {
  return `${encodeURIComponent(service)}:${encodeURIComponent(model)}`;
}

new Gauge({
  name: "llm_model_cooling",
  help: "1 while this model of this service is left alone after failures, and until a request has shown that it is back",
  labelNames: ["service", "model"] as const,
  collect() {
    this.reset();
    for (const { service, model, until } of knownModels()) {
      this.set({ service, model }, until > 0 ? 1 : 0);
    }
  },
});

/** Every model of every service that has failed of late, and until when it is left alone: 0 when it is back. */
export function knownModels(): { service: string; model: string; until: number }[] {
  return [...knownHere.entries()].map(([target, { until }]) => {
    const [service = "", model = ""] = target.split(":").map(decodeURIComponent);
    return { service, model, until };
  });
}
