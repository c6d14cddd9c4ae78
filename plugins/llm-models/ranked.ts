// In which order the candidates of a request are asked, by what their upstreams say is left: of the
// providers of one model who has most left, and last of all who has nothing.

import { byRoom } from "../../stages/allowance";
import { allowancesAt } from "../../stages/allowances";

export interface Ranked<Candidate> {
  all: Candidate[];
  /** What would serve if nobody were spent or ill. */
  preferred: Candidate;
  isSpent(candidate: Candidate): boolean;
}

/**
 * @param candidates at least one, in the order of preference
 * @param peers how many of the first are one model at several providers
 * @param nameOf as targetName has it
 */
export function ranked<Candidate>(
  candidates: readonly Candidate[],
  peers: number,
  nameOf: (candidate: Candidate) => string,
  now = Date.now(),
): Ranked<Candidate> {
  const leftOf = (candidate: Candidate) => allowancesAt(nameOf(candidate));
  const first = byRoom(candidates.slice(0, peers), leftOf, now);
  const inOrder = [...first.open.flat(), ...first.spent, ...candidates.slice(peers)];
  const { spent } = byRoom(candidates, leftOf, now);
  const isSpent = (candidate: Candidate) => spent.includes(candidate);
  const open = inOrder.filter((candidate) => !isSpent(candidate));
  return { all: [...open, ...spent], preferred: inOrder[0]!, isSpent };
}
