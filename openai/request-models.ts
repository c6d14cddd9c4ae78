// Which models a request lets the upstream call in place of the one that it names: who may use a model
// is to hold for these too.

type Fields = Readonly<Record<string, unknown>>;

/** Lists of models to be tried in turn: OpenRouter's; LiteLLM's, by what fails. */
const lists = [
  ...["models", "fallbacks", "context_window_fallbacks", "content_policy_fallbacks"],
] as const;

/**
 * The models that the upstream may call by itself for this request, each once: those of the lists above
 * (as names, as `{model}`, as `{"gpt-4o": ["gpt-4.1"]}`), and those of tools that have one (pictures).
 * https://openrouter.ai/docs/features/model-routing
 * https://docs.litellm.ai/docs/proxy/reliability
 */
export function otherModels(fields: Fields): string[] {
  const named = lists.flatMap((list) => (Array.isArray(fields[list]) ? fields[list] : []));
  const tools = Array.isArray(fields.tools) ? fields.tools : [];
  const ofTools = tools.map((tool) => tool?.model).filter((model) => typeof model === "string");
  return [...new Set<string>([...named.flatMap(namesIn), ...ofTools])];
}

/** The member by which a router may choose models that it is not told here: a list that is none. */
export function opensModels(fields: Fields): string | undefined {
  return lists.find((list) => (fields[list] ?? null) !== null && !Array.isArray(fields[list]));
}

function namesIn(one: unknown): string[] {
  if (typeof one === "string") return [one];
  if (typeof one !== "object" || one === null) return [];
  if ("model" in one && typeof one.model === "string") return [one.model];
  return Object.values(one)
    .flat()
    .filter((model): model is string => typeof model === "string");
}
