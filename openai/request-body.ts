// A JSON request body that keeps its spelling: a change replaces the bytes of one member and leaves
// all others as the client sent them (number spelling, escapes, field order, unknown fields).

import {
  closeBrace,
  closeBracket,
  comma,
  openBrace,
  openBracket,
  quote,
  scalarEnd,
  space,
  stringEnd,
} from "./json-text";

export type BodyProblem = { problem: string };

/** Offsets in the text of a member's name, with its quotes, and of its value. */
interface Member {
  nameStart: number;
  nameEnd: number;
  start: number;
  end: number;
  /** What stands there instead, spelt as JSON. */
  name?: string;
  value?: string;
}

// Far above what a JSON schema in a tool definition needs, far below what overflows a stack here or
// in an upstream (Python's json gives up near 1000).
const mostDepth = 256;

export class RequestBody {
  /** True once a member was set: only then does the body travel back to Kong. */
  changed = false;

  private readonly added = new Map<string, string>();
  private written: string | undefined;

  private constructor(
    private readonly source: string,
    private readonly fields: Record<string, unknown>,
    private readonly members: Map<string, Member>,
  ) {
    this.written = source;
  }

  /**
   * @param bytes length of the body on the wire, where known: tells whether it was valid UTF-8
   */
  static parse(text: string, bytes?: number): RequestBody | BodyProblem {
    if (text === "") return { problem: "it is empty, and this endpoint needs a JSON object" };
    if (text.startsWith("\uFEFF")) {
      return { problem: "it begins with a byte order mark, which JSON does not allow" };
    }
    // An invalid byte was replaced by U+FFFD on its way here, which is three bytes long.
    if (bytes !== undefined && text.includes("\uFFFD") && Buffer.byteLength(text) !== bytes) {
      return { problem: "it is not valid UTF-8" };
    }
    // Before JSON.parse, which takes seconds and hundreds of megabytes for megabytes of brackets.
    const members = membersOf(text);
    if (!(members instanceof Map)) return members;
    try {
      return new RequestBody(text, JSON.parse(text), members);
    } catch {
      return notJson;
    }
  }

  /** The body as it goes upstream. */
  get text(): string {
    this.written ??= this.write();
    return this.written;
  }

  get(field: string): unknown {
    return Object.hasOwn(this.fields, field) ? this.fields[field] : undefined;
  }

  has(field: string): boolean {
    return Object.hasOwn(this.fields, field);
  }

  /** All members, parsed. Not to be changed. */
  get value(): Readonly<Record<string, unknown>> {
    return this.fields;
  }

  /** Replaces a member's value, or adds the member at the end. */
  set(field: string, value: unknown): void {
    const spelt = JSON.stringify(value);
    const member = this.members.get(field);
    if (member) member.value = spelt;
    else this.added.set(field, spelt);
    this.fields[field] = value;
    this.touch();
  }

  /** Gives a member that the client sent another name; its value stays as it was spelt. */
  rename(field: string, name: string): void {
    const member = this.members.get(field);
    if (!member || this.has(name)) return;
    member.name = JSON.stringify(name);
    this.members.delete(field);
    this.members.set(name, member);
    this.fields[name] = this.fields[field];
    delete this.fields[field];
    this.touch();
  }

  /** Takes back a member that was added here; one that the client sent stays. */
  withdraw(field: string): void {
    if (!this.added.delete(field)) return;
    delete this.fields[field];
    this.touch();
  }

  private touch(): void {
    this.changed = true;
    this.written = undefined;
  }

  /** What was changed, as edits to the bytes that the client sent: a long body need not travel back. */
  edits(): [offset: number, length: number, text: string][] {
    const { source } = this;
    const isAscii = Buffer.byteLength(source) === source.length;
    const bytes = (from: number, to: number) =>
      isAscii ? to - from : Buffer.byteLength(source.slice(from, to));
    let at = 0;
    let offset = 0;
    return this.changes().map(({ start, end, text }) => {
      offset += bytes(at, start);
      at = start;
      return [offset, bytes(start, end), text];
    });
  }

  private write(): string {
    let text = "";
    let copied = 0;
    for (const { start, end, text: changed } of this.changes()) {
      text += this.source.slice(copied, start) + changed;
      copied = end;
    }
    return text + this.source.slice(copied);
  }

  /** What stands in place of which part of the source, in ascending order. */
  private changes(): { start: number; end: number; text: string }[] {
    const changes = [...this.members.values()].flatMap((member) => {
      const { nameStart, nameEnd, start, end, name, value } = member;
      return [
        ...(name === undefined ? [] : [{ start: nameStart, end: nameEnd, text: name }]),
        ...(value === undefined ? [] : [{ start, end, text: value }]),
      ];
    });
    if (changes.length > 1) changes.sort((a, b) => a.start - b.start);
    if (this.added.size === 0) return changes;
    const close = this.source.lastIndexOf("}");
    return [...changes, { start: close, end: close, text: this.writeAdded() }];
  }

  private writeAdded(): string {
    const added = [...this.added].map(([name, value]) => `${JSON.stringify(name)}:${value}`);
    return (this.members.size > 0 ? "," : "") + added.join(",");
  }
}

const notJson: BodyProblem = {
  problem: "it is not valid JSON; send a JSON object, uncompressed",
};

/**
 * The top-level members of a JSON object, in one pass over the text. It need not be valid: what is
 * said of an invalid text means nothing, and JSON.parse has the last word.
 */
function membersOf(text: string): Map<string, Member> | BodyProblem {
  let at = skipSpace(text, 0);
  if (text.charCodeAt(at) !== openBrace) {
    return { problem: "it must be a JSON object, sent uncompressed" };
  }
  const members = new Map<string, Member>();
  at = skipSpace(text, at + 1);
  while (text.charCodeAt(at) === quote) {
    const nameStart = at;
    const nameEnd = stringEnd(text, at);
    const name = unescaped(text.slice(nameStart, nameEnd));
    if (name === undefined) return notJson;
    if (members.has(name)) return { problem: `it has the member ${shown(name)} twice` };
    const start = skipSpace(text, skipSpace(text, nameEnd) + 1);
    const end = valueEnd(text, start);
    if (end === undefined) return { problem: `it is nested more than ${mostDepth} levels deep` };
    members.set(name, { nameStart, nameEnd, start, end });
    at = skipSpace(text, end);
    if (text.charCodeAt(at) === comma) at = skipSpace(text, at + 1);
  }
  return members;
}

// Upstreams differ in which of two members of one name counts, and "m\u006fdel" is "model" too.
function unescaped(name: string): string | undefined {
  if (!name.includes("\\")) return name.slice(1, -1);
  try {
    return JSON.parse(name) as string;
  } catch {
    return undefined;
  }
}

function shown(name: string): string {
  return JSON.stringify(name.slice(0, 100));
}

/** The offset behind the value that starts there; undefined where it is nested too deep. */
function valueEnd(text: string, start: number): number | undefined {
  const first = text.charCodeAt(start);
  if (first === quote) return stringEnd(text, start);
  if (first !== openBrace && first !== openBracket) return scalarEnd(text, start);
  // The body's own braces are the first level.
  let depth = 1;
  for (let at = start; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === quote) at = stringEnd(text, at) - 1;
    else if (code === openBrace || code === openBracket) {
      if (++depth > mostDepth) return undefined;
    } else if ((code === closeBrace || code === closeBracket) && --depth === 1) return at + 1;
  }
  return text.length;
}

function skipSpace(text: string, start: number): number {
  let at = start;
  while (text.charCodeAt(at) <= space) at++;
  return at;
}
