// Vault references: {vault://env/some-name} is the environment variable SOME_NAME of Kong.

const reference = /^\{vault:\/\/env\/([^/}?]+)(?:\/[^}]*)?\}$/;

export function isReference(value: unknown): value is string {
  return typeof value === "string" && /^\{vault:\/\/.*\}$/.test(value);
}

/** What a reference stands for; Kong goes on with an empty string when it cannot be resolved. */
export function resolveReference(
  value: string,
  environment: Record<string, string | undefined>,
): string {
  const name = reference.exec(value)?.[1];
  if (name === undefined) return "";
  return environment[name.toUpperCase().replaceAll("-", "_")] ?? "";
}
