// YAML as Kong (lyaml), decK and Kubernetes (sigs.k8s.io/yaml) read it, which is version 1.1: yes and on are
// booleans there, 0123 and 1_000 numbers.

import {
  type Document,
  type DocumentOptions,
  isMap,
  isNode,
  type ParseOptions,
  parseAllDocuments,
  type SchemaOptions,
  visit,
} from "yaml";

export const yaml11: ParseOptions & DocumentOptions & SchemaOptions = {
  version: "1.1",
  merge: true,
  // decK and Kubernetes make no date of a text, and no minutes of 1:30.
  customTags: (tags) =>
    tags.filter((one) => {
      if (typeof one === "string") return true;
      return one.format !== "TIME" && one.tag !== "tag:yaml.org,2002:timestamp";
    }),
};

/** The documents of a text, decK's variables in them as they are written. */
export function parse11(text: string, options: ParseOptions = {}): Document[] {
  const parsed = parseAllDocuments(hidden(text), { ...yaml11, ...options });
  const documents = "empty" in parsed ? [] : parsed;
  for (const document of documents) {
    visit(document, {
      Scalar(_key, node) {
        if (typeof node.value === "string") node.value = shown(node.value);
      },
    });
  }
  return documents;
}

/** What is wrong with a document, and where in its text. Never the lines around, which may hold a key. */
export function faultIn(document: Document): { offset: number; reason: string } | undefined {
  const [problem] = document.errors;
  if (problem) {
    const [reason = ""] = problem.message.split(":\n");
    return { offset: problem.pos[0], reason };
  }
  let fault: { offset: number; reason: string } | undefined;
  visit(document, {
    Alias(_key, alias, ancestors) {
      const meant = alias.resolve(document);
      if (meant && !ancestors.includes(meant)) return undefined;
      const what = meant ? "stands within itself" : "has no anchor before it";
      fault = { offset: alias.range?.[0] ?? 0, reason: `*${alias.source} ${what}` };
      return visit.BREAK;
    },
    Pair(_key, { key }) {
      if (!isMap(key)) return undefined;
      const reason = "a map stands where a name belongs; of a Helm template check what it makes";
      fault = { offset: key.range?.[0] ?? 0, reason };
      return visit.BREAK;
    },
  });
  return fault;
}

/** How often an alias may be used: the library's 100 are fewer than a large gateway's routes. */
const mostAliases = 100_000;

/** The plain value of a document, or of what stands in it. @throws Error where aliases blow it up */
export function valueIn(document: Document, node: unknown = document.contents): unknown {
  return isNode(node) ? node.toJS(document, { maxAliasCount: mostAliases }) : null;
}

// decK puts variables in before YAML is read: one without quotes may stand in `{ minute: ${{ env "X" }} }`,
// where its braces would end the map. They are hidden in letters of private use, one for one, so that all
// places in the text stay.
const bare = /(?<=(?:^|[\s,[])(?:[\w.-]+:|-|\[|,)[ \t]*)\$\{\{[^}\n]*\}\}/gm;

function hidden(text: string): string {
  return text.replace(bare, (one) =>
    one.replace(/[{}"`|]/g, (sign) => String.fromCharCode(0xe000 + sign.charCodeAt(0))),
  );
}

function shown(text: string): string {
  return text.replace(/[\ue000-\ue07f]/g, (sign) =>
    String.fromCharCode(sign.charCodeAt(0) - 0xe000),
  );
}
