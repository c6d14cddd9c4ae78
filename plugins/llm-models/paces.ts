// How soon each target answers, as a node knows it: what it has heard itself, beside what all nodes know
// together.

import { LRUCache } from "lru-cache";
import { type AnswerKind, type Pace, together } from "./pace";

interface Known {
  /** What all know, this node's part of it too. */
  all?: Pace;
  /** What this node has heard, and not told the others. */
  own?: Pace;
  /** Until then one request finds out how soon it answers; 0 while none does. */
  triedUntil: number;
}

interface PaceOfTarget {
  target: string;
  kind: AnswerKind;
  pace: Pace;
}

const unknown: Known = { triedUntil: 0 };

export class Paces {
  // Bounded by the configured targets; the bound is for names that changed.
  private readonly known = new LRUCache<string, Known>({ max: 10_000 });

  of(target: string, kind: AnswerKind): Pace | undefined {
    const { all, own } = this.get(target, kind);
    return together(all, own);
  }

  hear(target: string, kind: AnswerKind, heard: Pace): void {
    const known = this.get(target, kind);
    this.set(target, kind, { ...known, own: together(known.own, heard) });
  }

  /** Takes over what all know. */
  adopt(target: string, kind: AnswerKind, all: Pace): void {
    this.set(target, kind, { ...this.get(target, kind), all });
  }

  /** What the others are to be told now; `hear` takes back what could not be told. */
  takeOwn(target: string, kind: AnswerKind): Pace | undefined {
    const { own, ...others } = this.get(target, kind);
    if (own) this.set(target, kind, others);
    return own;
  }

  /** Takes the one request that finds out how soon a target answers; false while another one does. */
  takeTry(target: string, kind: AnswerKind, leaseMs: number, now: number): boolean {
    const known = this.get(target, kind);
    if (known.triedUntil > now) return false;
    this.set(target, kind, { ...known, triedUntil: now + leaseMs });
    return true;
  }

  entries(): PaceOfTarget[] {
    return [...this.known.keys()].flatMap((name) => {
      const kindAt = name.lastIndexOf("#") + 1;
      const target = name.slice(0, kindAt - 1);
      const kind = name.slice(kindAt) as AnswerKind;
      const pace = this.of(target, kind);
      return pace ? [{ target, kind, pace }] : [];
    });
  }

  private get(target: string, kind: AnswerKind): Known {
    return this.known.get(`${target}#${kind}`) ?? unknown;
  }

  private set(target: string, kind: AnswerKind, known: Known): void {
    this.known.set(`${target}#${kind}`, known);
  }
}
