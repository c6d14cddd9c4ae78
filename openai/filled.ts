// Whether a part of an answer holds what was asked for.

/** A choice is, when its message, its delta or its text is, an embedding when it has numbers; all else by being there. */
export function isFilled(one: unknown): boolean {
  if (one === null) return false;
  if (typeof one !== "object") return true;
  if ("embedding" in one) return isValue(one.embedding);
  const choice = one as { message?: unknown; delta?: unknown; text?: unknown };
  const message = choice.message ?? choice.delta;
  if (message === undefined)
    return !("message" in choice) && (!("text" in choice) || isValue(choice.text));
  if (typeof message !== "object" || message === null) return false;
  return Object.entries(message).some(([name, value]) => name !== "role" && isValue(value));
}

function isValue(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (typeof value === "string") return value.trim() !== "";
  return value !== undefined && value !== null;
}
