// Whether the answer to a request depends on more than its body, so that it must not be kept for
// others who ask the same.

/**
 * The Responses API continues a conversation that grows, and answers a background request before its
 * work is done.
 */
export function dependsOnState(body: Readonly<Record<string, unknown>>): boolean {
  return (body.conversation ?? null) !== null || body.background === true;
}
