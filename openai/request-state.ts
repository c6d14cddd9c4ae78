// Whether the answer to a request depends on more than its body, so that it must not be kept for
// others who ask the same.

type Fields = Readonly<Record<string, unknown>>;

/**
 * A conversation that grows (Responses API), an answer before its work is done, and what is looked up
 * while it is answered: searches of the web carry a date by nature, files and tools elsewhere change.
 */
export function dependsOnState(body: Fields): boolean {
  if ((body.conversation ?? null) !== null || body.background === true) return true;
  if ((body.web_search_options ?? null) !== null || body.search_parameters) return true;
  // Alibaba; Baidu; plugins of OpenRouter.
  if (body.enable_search === true || isOn(body.web_search)) return true;
  return looksUp(body.tools) || looksUp(body.plugins) || searches(body.model);
}

function isOn(value: unknown): boolean {
  return value === true || (value as { enable?: unknown } | null | undefined)?.enable === true;
}

// Tools that the upstream runs by itself, some with a date behind their name; a client's are functions.
const ownTools =
  /^(?:openrouter:)?(?:web|live_search|(?:web|x|file|collections|google|enterprise_web)_?search|web_?fetch|code_?(?:interpreter|execution)|computer_use|mcp|image_generation|local_shell|browser|retrieval|url_?context|\$\w+)(?:$|[_:]|retrieval)/i;

function looksUp(tools: unknown): boolean {
  if (!Array.isArray(tools)) return false;
  return tools.some((tool) => {
    if (typeof tool !== "object" || tool === null) return false;
    // Gemini names it as a member, Moonshot as a function that it has built in, OpenRouter by an id.
    const builtIn = tool.type === "builtin_function" ? tool.function?.name : undefined;
    const named = [tool.type, tool.id, builtIn, ...Object.keys(tool)];
    return named.some((name) => typeof name === "string" && ownTools.test(name));
  });
}

// Models that search for every answer: OpenAI's search previews, Perplexity's, Groq's systems, those with
// ":online".
function searches(model: unknown): boolean {
  return (
    typeof model === "string" &&
    /search-(?:preview|api)|deep-research|(?:^|\/)(?:sonar|compound)(?:-|$)|:online\b/.test(model)
  );
}
