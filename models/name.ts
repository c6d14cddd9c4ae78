// What a model is called, wherever its name comes from: a router's or a provider's prefix and a
// fine-tune's mark stand before and behind the name that says what a model can do.

// A library's word for who serves a model; before a tag, as in gpt-oss:20b, stands the name itself. Then
// Databricks', and SAP's for who made it.
const maker =
  /^(?:(?:(?:openai|azure|anthropic|google|vertexai|bedrock|groq|xai)[\w-]*|deepseek|moonshotai):|databricks-|[a-z]+--)/;

/**
 * The name of the model behind `openai/o3`, `openai:o3`, `ft:gpt-4o:team:tone:id`,
 * `us.anthropic.claude-opus-4-7`, `databricks-claude-opus-4-7` or
 * `accounts/fireworks/models/deepseek-r1`, in lower case.
 */
export function bareName(model: string): string {
  const last = model.slice(model.lastIndexOf("/") + 1).toLowerCase();
  const plain = last.replace(maker, "");
  const tuned = plain.startsWith("ft:") ? (plain.split(":")[1] ?? "") : plain;
  // Bedrock has region (us-gov) and maker before the name; a version as in gpt-4.1 has figures.
  return tuned.replace(/^(?:[a-z-]+\.)+(?=[a-z])/, "");
}

/**
 * A name as it goes into a header: percent-encoded as UTF-8 but for printable ASCII, so that
 * decodeURIComponent gives the name again.
 */
export function nameInHeader(model: string): string {
  return wellFormed(model).replace(/[^\x20-\x24\x26-\x7e]+/g, encodeURIComponent);
}

/** With U+FFFD in the place of half a character, which no encoding takes: what is cut may end in one. */
export function wellFormed(text: string): string {
  return text.replace(/\p{Cs}/gu, "\ufffd");
}

/**
 * Whether a client's text may be a model's name, in any script: no control characters, no space
 * around it that an upstream may trim, and nothing that folds into another name of plain letters
 * (full-width forms), as the access rules have not seen that one.
 */
export function isModelName(value: unknown): value is string {
  if (typeof value !== "string" || value.length > 200) return false;
  if (/[\p{C}\p{Zl}\p{Zp}]|^\p{Z}|\p{Z}$|(?! )\p{Zs}/u.test(value) || value === "") return false;
  const folded = value.normalize("NFKC");
  return folded === value || /[^\x20-\x7e]/.test(folded);
}
