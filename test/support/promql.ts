// Which metrics and labels a PromQL expression names: enough of its grammar to check that they exist.
// https://prometheus.io/docs/prometheus/latest/querying/basics/

export interface Named {
  metrics: { name: string; labels: string[] }[];
  /** Labels of by (...), on (...) and their like. */
  grouped: string[];
}

const grouping = /\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)/g;
const keywords = new Set(
  "by without on ignoring group_left group_right and or unless bool offset atan2 inf nan".split(
    " ",
  ),
);

/** @throws Error where quotes, braces or parentheses do not match */
export function namedIn(expression: string): Named {
  const texts: string[] = [];
  const quoteless = expression.replace(/"(?:[^"\\]|\\.)*"/g, (text) => `"${texts.push(text) - 1}"`);
  balance(quoteless);
  const grouped = [...quoteless.matchAll(grouping)].flatMap(([, labels]) => listed(labels ?? ""));
  const rest = quoteless.replace(grouping, " ").replace(/\[[^\]]*\]/g, " ");
  const metrics = [...rest.matchAll(/(?<![\w.])([a-zA-Z_:][\w:]*)\s*(\{[^}]*\}|\()?/g)].flatMap(
    ([, name, after = ""]) => {
      if (after === "(" || keywords.has(name!.toLowerCase())) return [];
      return [{ name: name!, labels: listed(after.slice(1, -1)).map(labelOf) }];
    },
  );
  return { metrics, grouped };
}

function listed(text: string): string[] {
  return text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
}

function labelOf(matcher: string): string {
  const label = /^([a-zA-Z_]\w*)\s*(?:=~|!~|!=|=)\s*"\d+"$/.exec(matcher)?.[1];
  if (label === undefined) throw new Error(`no label matcher: ${matcher}`);
  return label;
}

function balance(text: string): void {
  const open: string[] = [];
  const closing: Record<string, string> = { ")": "(", "]": "[", "}": "{" };
  for (const letter of text) {
    if ("([{".includes(letter)) open.push(letter);
    else if (letter in closing && open.pop() !== closing[letter]) {
      throw new Error(`"${letter}" closes nothing: ${text}`);
    }
  }
  if (open.length > 0) throw new Error(`"${open.at(-1)}" is not closed: ${text}`);
}
