// Which models a request asks for beside `model`: who may use a model, and what it costs, is to hold
// for these too.

type Fields = Readonly<Record<string, unknown>>;

/**
 * The models that the upstream may call by itself for this request: those of `fallbacks`, tried in turn
 * where a model declines, and that of an advisor among the tools. Each once, in the order they stand.
 * https://platform.claude.com/docs/en/build-with-claude/refusals-and-fallback
 * https://platform.claude.com/docs/en/agents-and-tools/tool-use/advisor-tool
 */
export function otherModels({ fallbacks, tools }: Fields): string[] {
  const models = [fallbacks, tools].flatMap((list) => (Array.isArray(list) ? list : []));
  const named = models.map((one) => one?.model).filter((model) => typeof model === "string");
  return [...new Set<string>(named)];
}

/** The member by which the upstream may choose a model that nobody named: `"fallbacks": "default"`. */
export function opensModels({ fallbacks }: Fields): string | undefined {
  return typeof fallbacks === "string" ? "fallbacks" : undefined;
}
