// What decK and a DB-less Kong read otherwise than it was meant, or than each other: words that only one of
// them knows, further documents, the version of the format.

import { isDecks } from "../declarative-file";
import { error, type Finding, warning } from "../finding";
import type { Located } from "../located";
import { didYouMean } from "../misspelling";
import type { Trap } from "./trap";

/** decK's own words, which a DB-less Kong does not know. */
const deckOnly: Trap = ({ embedded, roots, routes }) => {
  if (!embedded) return [];
  const records = routes.flatMap((route) => route.get("service") ?? []).filter((at) => at.isMap);
  const ofRecords = records.map((at) => {
    return error(at, "deck-only", "is a record, as only decK takes it: write the name alone");
  });
  return [...ofRecords, ...roots.flatMap(wordsOfDeck)];
};

function wordsOfDeck(root: Located): Finding[] {
  const variables = [...root.all()].filter((at) => at.isVariable);
  const own = ["_info", "_plugin_configs"].flatMap((name) => root.get(name) ?? []);
  return [
    ...own.map((at) => error(at, "deck-only", "only decK knows it: `kong-llm render` drops it")),
    ...variables.map((at) =>
      error(at, "deck-only", "only decK puts variables in: use what `kong-llm render` prints"),
    ),
  ];
}

/** What decK refuses of a file that is written for it (go-database-reconciler, kong_json_schema.json). */
const refusedByDeck: Trap = ({ kind, embedded, roots, services, routes, consumers, plugins }) => {
  if (kind !== "declarative" || embedded || !isDecks(roots)) return [];
  const entities = [...services, ...routes, ...consumers, ...plugins.map(({ at }) => at)];
  const comments = [...roots, ...entities].flatMap((at) =>
    ["_comment", "_ignore"].flatMap((name) => at.get(name) ?? []),
  );
  const references = routes.flatMap((route) => route.get("service") ?? []);
  return [
    ...comments.map((at) => error(at, "refused-by-deck", "decK refuses it: write a # comment")),
    ...references
      .filter(({ text }) => text !== undefined)
      .map((at) => error(at, "refused-by-deck", `must be a record: service: { name: ${at.text} }`)),
    ...[...services, ...routes]
      .filter((at) => !at.get("name") && !at.get("id"))
      .map((at) => error(at, "refused-by-deck", "decK takes none without a name: give it one")),
  ];
};

const info = ["select_tags", "default_lookup_tags", "defaults"];
const filledIn = ["service", "route", "upstream", "target"];

const unknownInfo: Trap = ({ roots }) =>
  roots.flatMap((root) => {
    const at = root.get("_info");
    return [...unknown(at, info), ...unknown(at?.get("defaults"), filledIn)];
  });

function unknown(record: Located | undefined, names: string[]): Finding[] {
  return (record?.members() ?? []).flatMap(([name, at]) => {
    if (names.includes(name)) return [];
    const message = `is none of ${names.join(", ")}, which decK knows here${didYouMean(name, names)}`;
    return [error(at, "unknown-field", message)];
  });
}

const unknownConfig: Trap = ({ roots, plugins }) => {
  const names = roots.flatMap((root) =>
    (root.get("_plugin_configs")?.members() ?? []).map(([name]) => name),
  );
  return plugins.flatMap(({ at: plugin }) => {
    const at = plugin.get("_config");
    // Where none stand here, they may stand in another file that decK reads with this one.
    if (!at?.text || names.length === 0 || names.includes(at.text)) return [];
    const message = `there is no "${at.text}" in _plugin_configs${didYouMean(at.text, names)}`;
    return [error(at, "dangling", message)];
  });
};

const workspaces: Trap = ({ kind, roots }) =>
  (kind === "declarative" ? roots : [])
    .flatMap((root) => root.get("_workspace") ?? [])
    .filter(({ text }) => text !== undefined && text !== "default")
    .map((at) => error(at, "workspace", "workspaces are of Kong Enterprise: leave it out"));

const oldFormat: Trap = ({ kind, embedded, roots }) => {
  if (kind !== "declarative") return [];
  const told = roots.flatMap((root) => root.get("_format_version") ?? []);
  const [first] = roots;
  if (first && !embedded && told.length === 0) {
    return [error(first, "old-format", `has no _format_version: write "3.0"`)];
  }
  return told.flatMap((at): Finding[] => {
    if (typeof at.value === "number" && at.value >= 3) {
      return [error(at, "old-format", `is a number: write "3.0" in quotes`)];
    }
    if (String(at.value) === "3" || String(at.value).startsWith("3.")) return [];
    const message = `is of an older Kong: write "3.0", by which Kong 3 reads paths`;
    return [error(at, "old-format", message)];
  });
};

/** Without tags decK takes the file for all that there is, and deletes the rest of that Kong. */
const noSelectTags: Trap = ({ kind, embedded, roots }) => {
  const selects = roots.some(
    (root) => (root.get("_info")?.get("select_tags")?.items() ?? []).length > 0,
  );
  const [first] = roots;
  if (kind !== "declarative" || embedded || !isDecks(roots) || selects || !first) return [];
  const message =
    "has no _info.select_tags: deck sync would delete everything else in that Kong; give it a tag of its own";
  return [warning(first, "no-select-tags", message)];
};

/** What was to stand in it is indented too little, or was forgotten. */
const emptyConfig: Trap = ({ kind, plugins }) =>
  plugins
    .flatMap(({ at }) => (kind === "declarative" ? (at.get("config") ?? []) : []))
    .filter((at) => at.value === null)
    .map((at) =>
      error(at, "null-record", "is empty, which Kong refuses: indent it, or leave it out"),
    );

const lists = ["services", "routes", "consumers", "plugins", "upstreams", "certificates"];

/** A map where a list belongs has nothing in it, for all who look for its items. */
const noList: Trap = ({ kind, roots, services, routes, consumers }) => {
  if (kind !== "declarative") return [];
  return [...roots, ...services, ...routes, ...consumers]
    .flatMap((at) => lists.flatMap((name) => at.get(name) ?? []))
    .filter((at) => !at.isList)
    .map((at) => error(at, "no-list", "must be a list, each of its items behind a dash"));
};

export const deckTraps = [
  deckOnly,
  refusedByDeck,
  unknownInfo,
  unknownConfig,
  workspaces,
  oldFormat,
  noSelectTags,
  emptyConfig,
  noList,
];

/**
 * Of a file only the first document is read, by decK as by Kong.
 * @param documents those of one file, in order
 */
export function furtherDocuments(
  documents: Located[],
  isDeclarative: (document: Located) => boolean,
): Finding[] {
  const [first, ...others] = documents;
  if (!first || !isDeclarative(first)) return [];
  const message =
    "is a further document, and decK and Kong read only the first one: give it a file of its own";
  return others.filter(isDeclarative).map((at) => error(at, "further-document", message));
}
