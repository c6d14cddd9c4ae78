// Which of a request's candidates may serve it in the same request, should the first one fail: those that
// Kong can go on to once it has begun. The others take over from the next request on.

import type { Exchange } from "../../stages/exchange";
import { isWithinReach, type OtherTry } from "../../stages/upstream";
import { fullName, type Target, upstreamAt } from "./providers";

/**
 * @param candidates those that are well, in the order of preference
 * @param preferred what would serve if it were well
 */
export function otherTries(
  { request, upstream, mostOthers = 0 }: Exchange,
  candidates: readonly Target[],
  preferred: Target,
  labelOf: (model: string) => string,
): OtherTry[] {
  return candidates
    .map((target): OtherTry => {
      const { model, provider } = target;
      return {
        ...{ model, label: labelOf(model), fallback_from: fullName(preferred) },
        ...(provider && { upstream: upstreamAt(provider, request) }),
        headers: {},
      };
    })
    .filter((other) => isWithinReach(upstream, other.upstream))
    .slice(0, mostOthers);
}
