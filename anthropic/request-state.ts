// Whether the answer to a request depends on more than its body, so that it must not be kept for
// others who ask the same.

type Fields = Readonly<Record<string, unknown>>;

// Tools that the upstream runs by itself, each with a date behind its name: they read the web, files of
// a container, or what another model thinks. Tools that the client runs (bash_, computer_) are not.
const ownTools = /^(?:web_search|web_fetch|code_execution|advisor|mcp_toolset)(?:_|$)/;

export function dependsOnState(fields: Fields): boolean {
  const { container = null, thread = null, mcp_servers, tools } = fields;
  if (container !== null || thread !== null || hasMembers(mcp_servers)) return true;
  return Array.isArray(tools) && tools.some((tool) => ownTools.test(String(tool?.type)));
}

function hasMembers(list: unknown): boolean {
  return Array.isArray(list) && list.length > 0;
}
