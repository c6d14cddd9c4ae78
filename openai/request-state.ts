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
  return looksUp(body.tools) || searches(body.model);
}

// Tools that the upstream runs by itself, some with a date behind their name; a client's are functions.
const ownTools =
  /^(?:web_search|file_search|code_interpreter|computer_use|mcp|image_generation|local_shell|browser|google_search|url_context|\$web_search)/;

function looksUp(tools: unknown): boolean {
  if (!Array.isArray(tools)) return false;
  return tools.some((tool) => {
    if (typeof tool !== "object" || tool === null) return false;
    // Gemini names it as a member, Moonshot as a function that it has built in.
    const named = [tool.type, tool.function?.name, ...Object.keys(tool)];
    return named.some((name) => typeof name === "string" && ownTools.test(name));
  });
}

// Models that search for every answer: OpenAI's search previews, Perplexity's, those with ":online".
function searches(model: unknown): boolean {
  return typeof model === "string" && /search-(?:preview|api)|(?:^|\/)sonar|:online$/.test(model);
}
