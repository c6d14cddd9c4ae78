// In which order the candidates of a request are asked: of targets that share it the best by what they are
// balanced by, of equals who says that most is left, and last of all who has nothing left.

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
 * @param peers how many of the first share the requests
 * @param nameOf as targetName has it
 * @param groupsOf those of them that are not spent in groups of equals, best first; without it all are equal
 */
export function ranked<Candidate>(
  candidates: readonly Candidate[],
  peers: number,
  nameOf: (candidate: Candidate) => string,
  groupsOf?: (open: Candidate[]) => Candidate[][],
  now = Date.now(),
): Ranked<Candidate> {
  if (candidates.length === 1) {
    return { all: [...candidates], preferred: candidates[0]!, isSpent: () => false };
  }
  const leftOf = (candidate: Candidate) => allowancesAt(nameOf(candidate));
  const first = byRoom(candidates.slice(0, peers), leftOf, now);
  const groups = groupsOf?.(first.open.flat());
  const ranks = groups?.flatMap((group) => byRoom(group, leftOf, now).open) ?? first.open;
  const inOrder = [...ranks.flat(), ...first.spent, ...candidates.slice(peers)];
  const { spent } = byRoom(candidates, leftOf, now);
  const isSpent = (candidate: Candidate) => spent.includes(candidate);
  const open = inOrder.filter((candidate) => !isSpent(candidate));
  return { all: [...open, ...spent], preferred: inOrder[0]!, isSpent };
}
