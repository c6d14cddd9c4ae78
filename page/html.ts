// HTML as text that cannot be broken out of: whatever stands in a template is escaped, unless it is HTML
// itself. Model names come from clients, consumers' names from operators, errors from anywhere.

/** Text that is HTML. */
export class Html {
  constructor(readonly text: string) {}
}

type Part = Html | string | number | false | undefined | readonly Part[];

/** A template of HTML; lists stand one after the other, undefined and false are nothing. */
export function html(texts: TemplateStringsArray, ...parts: Part[]): Html {
  return new Html(texts.reduce((whole, text, at) => whole + written(parts[at - 1]) + text));
}

function written(part: Part): string {
  if (part === undefined || part === false) return "";
  if (part instanceof Html) return part.text;
  if (typeof part === "string" || typeof part === "number") return escaped(`${part}`);
  return part.map(written).join("");
}

const entities: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escaped(text: string): string {
  // Characters that turn the direction of writing, or that no screen shows, could forge what stands beside.
  return text.replace(/[\p{C}]/gu, "\ufffd").replace(/[&<>"']/g, (one) => entities[one]!);
}
