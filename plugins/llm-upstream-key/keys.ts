// Which key serves a request: of those that are awake the one with most left at the upstream, else by
// weight. A key that the upstream refused rests; when all rest, the one that wakes first serves, so a
// single key never locks everybody out.

import { type Allowance, byRoom } from "../../stages/allowance";
import { type KeyOptions, KeySource } from "./key-source";

/** Longest rest, whatever a Retry-After says. */
const longestRestMs = 3_600_000;

/** What is known of a key. Times in milliseconds since the epoch. */
export interface Rest {
  /** When the upstream last refused it, or took it again: what is older tells nothing new. */
  since: number;
  /** It rests until then; 0 while it is awake. */
  until: number;
}

const awake: Rest = { since: 0, until: 0 };

interface Member {
  source: KeySource;
  weight: number;
  rest: Rest;
  /** As changedAt of the source: of which key this is known. */
  knownOf: number;
  /** When others told of its rest, in milliseconds since the epoch: what was sent before was no trial of it. */
  toldAt: number;
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
      rest: awake,
      knownOf: 0,
      toldAt: 0,
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
    if (usable.length < 2) return usable[0]?.chosen;
    const { open, spent } = ranked(awakeOf(usable, now), leftAt, now);
    if (open.length > 0) return byWeight(open, chance).chosen;
    if (spent) return spent.chosen;
    return usable.sort((a, b) => restOf(a.member).until - restOf(b.member).until)[0]?.chosen;
  }

  /** Another key that is awake, should this one be refused; undefined when there is none. */
  another(
    index: number,
    now = Date.now(),
    chance = Math.random(),
    leftAt = untold,
  ): ChosenKey | undefined {
    const others = this.usable(now).filter(({ chosen }) => chosen.index !== index);
    const { open } = ranked(awakeOf(others, now), leftAt, now);
    return open.length > 0 ? byWeight(open, chance).chosen : undefined;
  }

  /**
   * The upstream refused a request for which the key was chosen at `chosenAt`.
   * @returns false where that says nothing of the key that is here now
   */
  rest(index: number, chosenAt: number, refusedAt: number, seconds: number): boolean {
    const member = this.members[index];
    // The answer to a request with the key that was here before says nothing of the new one.
    if (!member || seconds <= 0 || chosenAt < member.source.changedAt) return false;
    const known = restOf(member);
    if (refusedAt < known.since) return false;
    const until = refusedAt + restMs(seconds);
    member.rest = { since: refusedAt, until: Math.max(known.until, until) };
    return true;
  }

  /**
   * The upstream accepted a request for which the key was chosen at `chosenAt`.
   * @returns true where it rested, and is awake by that
   */
  serve(index: number, chosenAt: number, servedAt: number): boolean {
    const member = this.members[index];
    if (!member || chosenAt < member.source.changedAt) return false;
    const { since, until } = restOf(member);
    if (until === 0 || chosenAt < Math.max(since, member.toldAt)) return false;
    member.rest = { since: servedAt, until: 0 };
    return servedAt < until;
  }

  /** Takes over what others know of the key at this place. */
  adopt(index: number, { since, until }: Rest, now = Date.now()): void {
    const member = this.members[index];
    // It comes over sockets: whatever it says, no key rests for longer than one that was refused here.
    if (!member || !(since > restOf(member).since) || Number.isNaN(until)) return;
    if (restOf(member).until <= now) member.toldAt = now;
    member.rest = { since, until: Math.min(until, now + longestRestMs) };
  }

  /**
   * By what other nodes know the key at this place again, as it was last read; undefined where there is
   * none, or no other beside it: then it is chosen anyway.
   */
  mark(index: number, service: string): string | undefined {
    return this.size > 1 ? this.members[index]?.source.mark(service) : undefined;
  }

  /** Of each key, as it is now. */
  marks(service: string, now = Date.now()): (string | undefined)[] {
    for (const { source } of this.members) source.current(now);
    return this.members.map((_, index) => this.mark(index, service));
  }

  /** For each key whether it may be chosen: there, and awake. */
  states(now = Date.now()): boolean[] {
    return this.members.map((member) => {
      const there = member.source.current(now) !== undefined;
      return there && restOf(member).until <= now;
    });
  }

  private usable(now: number): Candidate[] {
    return this.members.flatMap((member, index) => {
      const value = member.source.current(now);
      return value === undefined ? [] : [{ member, chosen: { index, value, chosenAt: now } }];
    });
  }
}

/** A rest in milliseconds, as long as the upstream asked for and no longer than an hour. */
export function restMs(seconds: number): number {
  return Math.min(seconds * 1000, longestRestMs);
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

/** Another key that has taken the place is awake. */
function restOf(member: Member): Rest {
  const { changedAt } = member.source;
  if (member.knownOf !== changedAt) Object.assign(member, { rest: awake, knownOf: changedAt });
  return member.rest;
}

function awakeOf(candidates: Candidate[], now: number): Candidate[] {
  return candidates.filter(({ member }) => restOf(member).until <= now);
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
