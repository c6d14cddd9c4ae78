// A JSON request body that keeps its spelling: a change replaces the bytes of one member and leaves
// all others as the client sent them (number spelling, escapes, field order, unknown fields).

import {
  type BodyProblem,
  type Change,
  extraProblem,
  type Member,
  membersOf,
  notJson,
} from "./object-members";

export type { BodyProblem, Change };

/** The spelling of a member's value: where it stands in which text. */
export interface Spelling {
  field: string;
  text: string;
  start: number;
  end: number;
}

export class RequestBody {
  /** True once a member was set: only then does the body travel back to Kong. */
  changed = false;

  private added = new Map<string, string>();
  private written: string | undefined;

  private constructor(
    private readonly source: string,
    private readonly fields: Record<string, unknown>,
    private readonly members: Map<string, Member>,
    /** All that the client sent, in their order; `members` has them by their names of now. */
    private readonly sent: Member[] = [...members.values()],
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
      const fields = JSON.parse(text);
      return extraProblem(fields) ?? new RequestBody(text, fields, members);
    } catch {
      return notJson;
    }
  }

  /** The body as it is now, to be changed apart from this one. */
  copy(): RequestBody {
    const twins = new Map(this.sent.map((member) => [member, { ...member }]));
    const members = [...this.members].map(([name, one]) => [name, twins.get(one)!] as const);
    const sent = [...twins.values()];
    const copy = new RequestBody(this.source, { ...this.fields }, new Map(members), sent);
    copy.added = new Map(this.added);
    copy.changed = this.changed;
    copy.written = this.written;
    return copy;
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
    if (member) {
      member.original ??= { value: this.fields[field] };
      member.value = spelt;
      member.removed = false;
    } else this.added.set(field, spelt);
    this.fields[field] = value;
    this.touch();
  }

  /**
   * Gives a member that the client sent another name; its value stays as it was spelt. A null that
   * stands under that name makes room, as it means "not given".
   */
  rename(field: string, name: string): void {
    const member = this.members.get(field);
    if (!member || (this.get(name) ?? null) !== null) return;
    this.remove(name);
    member.name = JSON.stringify(name);
    this.members.delete(field);
    this.members.set(name, member);
    this.fields[name] = this.fields[field];
    delete this.fields[field];
    this.touch();
  }

  /** Leaves a member out. */
  remove(field: string): void {
    if (!this.has(field)) return;
    const member = this.members.get(field);
    if (member) {
      member.original ??= { value: this.fields[field] };
      member.removed = true;
    } else this.added.delete(field);
    delete this.fields[field];
    this.touch();
  }

  /** Makes a member what the client sent under this name: its value, or none. */
  restore(field: string): void {
    const member = this.sent.find((one) => one.field === field);
    if (!member || this.members.get(field) !== member) this.remove(field);
    if (!member || !(member.original || member.name)) return;
    const renamed = member.name === undefined ? field : (JSON.parse(member.name) as string);
    const value = member.original ? member.original.value : this.fields[renamed];
    if (renamed !== field && this.members.get(renamed) === member) {
      this.members.delete(renamed);
      delete this.fields[renamed];
    }
    this.members.set(field, member);
    this.fields[field] = value;
    member.name = member.value = member.original = undefined;
    member.removed = false;
    this.touch();
  }

  /**
   * The values of all members as they are spelt now, for who changes parts of them; of those that are left
   * out as they were sent, as they may be restored.
   */
  spellings(): Spelling[] {
    const { source } = this;
    const spelt = [...this.members].map(([field, { start, end, value, removed, parts }]) => {
      const now = (removed ? undefined : value) ?? (parts && replaced(source, start, end, parts));
      return { field, ...(now === undefined ? { text: source, start, end } : whole(now)) };
    });
    return [...spelt, ...[...this.added].map(([field, text]) => ({ field, ...whole(text) }))];
  }

  /** Replaces parts of a spelling, in ascending order; what comes out of it must be JSON. */
  respell({ field, text, start, end }: Spelling, parts: Change[]): void {
    const spelt = replaced(text, start, end, parts);
    const member = this.members.get(field);
    if (!member) this.added.set(field, spelt);
    else if (text === this.source) member.parts = parts;
    else member.value = spelt;
    if (member?.removed) member.original = { value: JSON.parse(spelt) };
    else this.fields[field] = JSON.parse(spelt);
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
    return replaced(this.source, 0, this.source.length, this.changes());
  }

  /** What stands in place of which part of the source, in ascending order. */
  private changes(): Change[] {
    const { sent, source } = this;
    const changes: Change[] = [];
    let isFirst = true;
    for (let at = 0; at < sent.length; at++) {
      const { nameStart, nameEnd, start, end, name, value, removed, parts } = sent[at]!;
      if (removed) {
        // With the comma before it; where nothing is left before it, with the one behind it.
        const gone = isFirst
          ? { start: nameStart, end: sent[at + 1]?.nameStart ?? end }
          : { start: sent[at - 1]!.end, end };
        changes.push({ ...gone, text: "" });
        continue;
      }
      isFirst = false;
      if (name !== undefined) changes.push({ start: nameStart, end: nameEnd, text: name });
      if (value !== undefined) changes.push({ start, end, text: value });
      else if (parts) for (const part of parts) changes.push(part);
    }
    if (this.added.size === 0) return changes;
    const added = [...this.added].map(([name, value]) => `${JSON.stringify(name)}:${value}`);
    const close = source.lastIndexOf("}");
    const text = (isFirst ? "" : ",") + added.join(",");
    return [...changes, { start: close, end: close, text }];
  }
}

function whole(text: string): Omit<Spelling, "field"> {
  return { text, start: 0, end: text.length };
}

/** A part of a text with its changes, which stand in ascending order. */
function replaced(text: string, start: number, end: number, changes: readonly Change[]): string {
  let spelt = "";
  let copied = start;
  for (const change of changes) {
    spelt += text.slice(copied, change.start) + change.text;
    copied = change.end;
  }
  return spelt + text.slice(copied, end);
}
