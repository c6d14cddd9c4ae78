// Which request an event is about: what its handler happened to ask Kong tells, for the log line of a
// failure.

/** Its id and route where they were heard, of [method, args, answer]*. */
export function requestOf(heard: unknown[]): { request_id?: unknown; route?: unknown } {
  let id: unknown;
  let route: unknown;
  for (let at = 0; at + 2 < heard.length; at += 3) {
    const asked = `${heard[at]} ${(heard[at + 1] as unknown[])[0] ?? ""}`.trim();
    const answer = heard[at + 2] as { id?: unknown; name?: unknown; route?: unknown } | null;
    if (asked === "kong.ctx.shared.get llm") {
      id ??= answer?.id;
      route ??= answer?.route;
    } else if (asked === "kong.router.get_route") {
      route ??= answer?.name ?? answer?.id;
    } else if (requestIds.has(asked)) {
      id ??= answer;
    }
  }
  return { request_id: id, route };
}

const requestIds = new Set(["kong.nginx.get_var kong_request_id", "kong.nginx.get_ctx request_id"]);
