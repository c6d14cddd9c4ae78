// Which of the models that may serve a request does: the first that is not cooling down, so that a
// model that fails is left alone while another one can take its place. Never a refusal.

import { Gauge } from "prom-client";
import { knownHere } from "./cooldowns-in-memory";
import type { NodeCooldowns } from "./open-cooldowns";

export interface Choice<Candidate> {
  chosen: Candidate;
  /** The one request that finds out whether the model is back. */
  probing: boolean;
  /** Those behind it that are well, in their order. */
  others: Candidate[];
}

/**
 * The first healthy candidate; one that is due gets one request. Where all of them cool, the one whose
 * cooldown ends first. No model but the last resort gets a request that it did not ask for.
 *
 * @param candidates at least one, in the order of preference
 * @param nameOf under which name a candidate's cooldown is known, see targetName
 * @param leaseMs how long a probe may take until another request may probe
 */
export async function firstHealthy<Candidate>(
  cooldowns: NodeCooldowns,
  candidates: readonly Candidate[],
  nameOf: (candidate: Candidate) => string,
  leaseMs: number,
): Promise<Choice<Candidate>> {
  const choice = (at: number, probing: boolean) => ({
    chosen: candidates[at]!,
    probing,
    others: candidates.slice(at + 1).filter((_, n) => isWell(at + 1 + n)),
  });
  if (candidates.length === 1) return { chosen: candidates[0]!, probing: false, others: [] };
  const targets = candidates.map(nameOf);
  const isWell = (at: number) => cooldowns.healthOf(targets[at]!) === "healthy";
  const known = await cooldowns.look(targets);
  for (const [at, target] of targets.entries()) {
    const health = cooldowns.healthOf(target);
    if (health === "healthy") return choice(at, false);
    if (health === "due" && (await cooldowns.takeProbe(target, leaseMs)) === 0) {
      return choice(at, true);
    }
  }
  const ends = known.map(({ until }) => until);
  return choice(ends.indexOf(Math.min(...ends)), false);
}

// One that is asked is soon found to be back, or cools again. Of one that others stand before, as they are
// healthy or cost less, nobody finds out.
const askedWithinMs = 300_000;

new Gauge({
  name: "llm_model_cooling",
  help: "1 while this model of this service is left alone after failures, and until a request has shown that it is back; where none is sent to it, because others are preferred, for five minutes at most",
  labelNames: ["service", "model"] as const,
  collect() {
    this.reset();
    for (const { service, model, cools } of knownModels()) {
      this.set({ service, model }, cools ? 1 : 0);
    }
  },
});

/** A model of a service, as an operator sees it. */
interface KnownModel {
  service: string;
  model: string;
  /** It is left alone, or was of late and nobody knows that it is back. */
  cools: boolean;
  /** Until when it is left alone; 0 when it is back. */
  until: number;
}

/** Every model of every service that has failed of late. */
export function knownModels(now = Date.now()): KnownModel[] {
  return [...knownHere.entries()].map(([target, { until }]) => {
    return { ...partsOf(target), cools: until > now - askedWithinMs, until };
  });
}

/** What targetName has put together. */
export function partsOf(target: string): { service: string; model: string } {
  const [service = "", model = ""] = target.split(":").map(decodeURIComponent);
  return { service, model };
}
