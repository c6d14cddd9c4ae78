// Which key serves a request: of those that are awake the one with most left at the upstream, else by
// weight. A key that the upstream refused rests; when all rest, the one that wakes first serves, so a
// single key never locks everybody out.

import { type Allowance, byRoom } from "../../stages/allowance";
import { type KeyOptions, KeySource } from "./key-source";

/** Longest rest in seconds, whatever a Retry-After says. */
const longestRestSeconds = 3600;

interface Member {
  source: KeySource;
  weight: number;
  /** Milliseconds since the epoch; the key is awake from then on. */
  restsUntil: number;
  restsSince: number;
}

export interface ChosenKey {
  index: number;
  value: string;
  /** Milliseconds since the epoch. */
  chosenAt: number;
}

/** What is left for the key at this place. */
type LeftAt = (index: number) => Allowance | undefined;

const untold: LeftAt = () => undefined;

export class KeyRing {
  private readonly members: Member[];

  constructor(keys: readonly (KeyOptions & { weight: number })[]) {
    this.members = keys.map((options, index) => ({
      source: new KeySource(index, options),
      weight: options.weight,
      restsUntil: 0,
      restsSince: 0,
    }));
  }

  get size(): number {
    return this.members.length;
  }

  /**
   * The key for the next request; undefined when there is none at all.
   *
   * @param chance from 0 up to 1: where in the sum of the weights the choice falls
   * @param leftAt what is known of each key for the model that is asked
   */
  choose(now = Date.now(), chance = Math.random(), leftAt = untold): ChosenKey | undefined {
    const usable = this.usable(now);
    const awake = usable.filter(({ member }) => member.restsUntil <= now);
    const { open, spent } = ranked(awake, leftAt, now);
    if (open.length > 0) return byWeight(open, chance).chosen;
    if (spent) return spent.chosen;
    return usable.sort((a, b) => a.member.restsUntil - b.member.restsUntil)[0]?.chosen;
  }

  /** Another key that is awake, should this one be refused; undefined when there is none. */
  another(
    index: number,
    now = Date.now(),
    chance = Math.random(),
    leftAt = untold,
  ): ChosenKey | undefined {
    const awake = this.usable(now).filter(
      ({ member, chosen }) => chosen.index !== index && member.restsUntil <= now,
    );
    const { open } = ranked(awake, leftAt, now);
    return open.length > 0 ? byWeight(open, chance).chosen : undefined;
  }

  private usable(now: number): Candidate[] {
    return this.members.flatMap((member, index) => {
      const value = member.source.current(now);
      wakeIfChanged(member);
      return value === undefined ? [] : [{ member, chosen: { index, value, chosenAt: now } }];
    });
  }

  /** The upstream refused a request for which the key was chosen at `chosenAt`. */
  rest(index: number, chosenAt: number, refusedAt: number, seconds: number): void {
    const member = this.members[index];
    // The answer to a request with the key that was here before says nothing of the new one.
    if (!member || chosenAt < member.source.changedAt) return;
    const until = refusedAt + Math.min(seconds, longestRestSeconds) * 1000;
    member.restsSince = Math.max(member.restsSince, refusedAt);
    member.restsUntil = Math.max(member.restsUntil, until);
  }

  /** The upstream accepted a request for which the key was chosen at `chosenAt`. */
  serve(index: number, chosenAt: number): void {
    const member = this.members[index];
    if (member && chosenAt >= member.restsSince) member.restsUntil = 0;
  }

  /** For each key whether it may be chosen: there, and awake. */
  states(now = Date.now()): boolean[] {
    return this.members.map((member) => {
      const there = member.source.current(now) !== undefined;
      wakeIfChanged(member);
      return there && member.restsUntil <= now;
    });
  }
}

interface Candidate {
  member: Member;
  chosen: ChosenKey;
}

/** Those with most left, or all whose limits are not spent; and of the spent the first to have room again. */
function ranked(
  awake: Candidate[],
  leftAt: LeftAt,
  now: number,
): { open: Candidate[]; spent: Candidate | undefined } {
  const { open, spent } = byRoom(awake, (one) => [leftOf(one, leftAt)], now);
  return { open: open[0] ?? [], spent: spent[0] };
}

/** What was told of the key that was here before says nothing of the new one. */
function leftOf({ member, chosen }: Candidate, leftAt: LeftAt): Allowance | undefined {
  const left = leftAt(chosen.index);
  return left && left.heardAt >= member.source.changedAt ? left : undefined;
}

function wakeIfChanged(member: Member): void {
  if (member.source.changedAt > member.restsSince) member.restsUntil = 0;
}

function byWeight(candidates: Candidate[], chance: number): Candidate {
  const sum = candidates.reduce((total, { member }) => total + member.weight, 0);
  let passed = 0;
  for (const candidate of candidates) {
    passed += candidate.member.weight;
    if (chance * sum < passed) return candidate;
  }
  return candidates.at(-1)!;
}
