// Which headers of a request the options ask for.

import type { Needs } from "../../stages/decision";
import type { RouteOptions } from "./schema";

export function routeNeeds({ choices }: Pick<RouteOptions, "choices">): Needs {
  const ofRules = choices.flatMap(({ rules }) => rules.flatMap(({ headers }) => headers));
  const names = ofRules.map(({ name }) => name.toLowerCase());
  const wishes = choices.some(({ wishes }) => wishes.length > 0) ? ["x-llm-tier"] : [];
  return { headers: [...new Set([...names, ...wishes])], credential: false };
}
