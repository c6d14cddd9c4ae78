// Reads every text of a request, and puts placeholders where values were: what is done is said by the
// caller's recognisers, what was found is counted by kind and action.

import type { Change, RequestBody, Spelling } from "../../openai/request-body";
import { changesIn, type Reader } from "./json-texts";
import { type KnownValue, KnownValues } from "./known-values";
import type { Placeholders } from "./placeholders";
import type { Recognise } from "./recognise";
import type { Action } from "./schema";
import { isBytes, isUnread } from "./unread";

export interface Findings {
  /** How often by kind, then by action. */
  counts: Map<string, Map<Action, number>>;
  /** It carries what is not read. */
  hasUnread: boolean;
  /** It holds a text that could not be read. */
  hasHiddenText: boolean;
}

export function noFindings(): Findings {
  return { counts: new Map(), hasUnread: false, hasHiddenText: false };
}

export interface Masking {
  recognise: Recognise;
  placeholders: Placeholders;
  /** What stands in place of an identifier of an end user that holds personal data. */
  pseudonym(value: string): string;
  isDryRun: boolean;
}

// A conversation grows in these: what they hold is numbered last, so that it keeps its names.
const growing = new Set(["messages", "input", "contents", "prompt"]);
// Members of which the API wants one name for one end user; of `metadata` its user_id.
const identifiers = new Set(["user", "safety_identifier", "prompt_cache_key"]);

/** Masks a body; what must be refused stands as it was, for it goes no further. */
export function maskBody(body: RequestBody, masking: Masking, findings: Findings): void {
  const spellings = body.spellings();
  const ordered = [
    ...spellings.filter(({ field }) => !growing.has(field)),
    ...spellings.filter(({ field }) => growing.has(field)),
  ];
  const read = ordered.map((spelling) => readMember(spelling, masking, findings));
  const known = masking.placeholders.known();
  if (known.length > 0) maskKnown(read, known, findings);
  for (const { spelling, changes } of read) {
    if (changes.length > 0) body.respell(spelling, changes);
  }
}

interface ReadMember {
  spelling: Spelling;
  changes: Change[];
  /** Each text of it as they were read, and what changes of it. */
  texts: { text: string; changes: Change[] }[];
}

function readMember(spelling: Spelling, masking: Masking, findings: Findings): ReadMember {
  const { field, text, start, end } = spelling;
  stayingReader(masking, findings)(field, "");
  // A model cannot have another name without being another model.
  if (field === "model") {
    changesIn(text, start, end, stayingReader(masking, findings), field);
    return { spelling, changes: [], texts: [] };
  }
  const texts: ReadMember["texts"] = [];
  const reader = readerFor(masking, findings, (name) =>
    field === "metadata" ? name === "user_id" : identifiers.has(field),
  );
  const noting: Reader = (one, name) => {
    const changes = reader(one, name);
    texts.push({ text: isBytes(one, name) ? "" : one, changes });
    return changes;
  };
  return { spelling, changes: changesIn(text, start, end, noting, field), texts };
}

/** Masks what was found in one place in all others, too. */
function maskKnown(read: ReadMember[], known: readonly KnownValue[], findings: Findings): void {
  const values = new KnownValues(known);
  try {
    for (const member of read) maskKnownIn(member, values, findings);
  } finally {
    values.close();
  }
}

function maskKnownIn(member: ReadMember, values: KnownValues, findings: Findings): void {
  const { spelling, texts } = member;
  const more = texts.map(({ text, changes }) => values.find(text, changes));
  if (more.every((found) => found.length === 0)) return;
  let n = 0;
  const reader: Reader = () => {
    const found = more[n]!;
    for (const { kind } of found) count(findings, kind, "mask");
    const added = found.map(({ start, end, placeholder }) => ({ start, end, text: placeholder }));
    const all = [...texts[n++]!.changes, ...added];
    return all.sort((one, other) => one.start - other.start);
  };
  const { text, start, end, field } = spelling;
  member.changes = changesIn(text, start, end, reader, field);
}

/** Reads what must stay as it is: what would be masked there is refused. */
export function stayingReader(masking: Masking, findings: Findings): Reader {
  return (text, name) => {
    for (const { kind, action } of masking.recognise(text, name)) {
      count(findings, kind, action === "mask" ? "refuse" : action);
    }
    return [];
  };
}

/** Reads one text of a request. @param isIdentifier whether a member of that name names an end user */
function readerFor(
  { recognise, placeholders, pseudonym, isDryRun }: Masking,
  findings: Findings,
  isIdentifier: (name: string) => boolean,
): Reader {
  return (text, name) => {
    if (isUnread(text, name)) findings.hasUnread = true;
    if (isBytes(text, name)) return [];
    const found = recognise(text, name);
    for (const { kind, action } of found) count(findings, kind, action);
    const masked = isDryRun ? [] : found.filter(({ action }) => action === "mask");
    if (masked.length === 0) return [];
    if (isIdentifier(name)) return [{ start: 0, end: text.length, text: pseudonym(text) }];
    return masked.map(({ kind, start, end }) => {
      return { start, end, text: placeholders.of(kind, text.slice(start, end)) };
    });
  };
}

function count({ counts }: Findings, kind: string, action: Action): void {
  let actions = counts.get(kind);
  if (!actions) {
    actions = new Map();
    counts.set(kind, actions);
  }
  actions.set(action, (actions.get(action) ?? 0) + 1);
}
