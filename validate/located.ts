// A value in a YAML text together with its place: what the checks read, so that every finding names
// a line. Anchors, aliases and merge keys (<<) are followed.

import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseAllDocuments,
} from "yaml";
import { faultIn, parse11, valueIn } from "../kong/yaml-1-1";

/** A text that holds YAML: a file, or a block of text within one. */
interface Source {
  file: string;
  document: Document;
  counter: LineCounter;
  /** Lines of the file before this text. */
  linesBefore: number;
}

/** A text that is no YAML. */
export interface Unreadable {
  line: number;
  reason: string;
}

export class Located {
  private constructor(
    private readonly source: Source,
    private readonly node: Node | null,
    /** Where the value is named: its key, or itself in a list. */
    private readonly place: Node | null,
    readonly field: string,
    /** Written elsewhere, and here by an alias or a merge key. */
    private readonly borrowed = false,
    /** A map whose members stand here too, where none of that name does. */
    private readonly base?: Located,
  ) {}

  /** The documents of a text, the empty ones left out; unreadable texts are told and left out. */
  static parse(
    file: string,
    text: string,
    linesBefore = 0,
  ): { documents: Located[]; unreadable: Unreadable[] } {
    const counter = new LineCounter();
    const parsed = isRead11(text)
      ? parse11(text, { lineCounter: counter })
      : parseAllDocuments(text, { merge: true, lineCounter: counter });
    const documents: Located[] = [];
    const unreadable: Unreadable[] = [];
    for (const document of "empty" in parsed ? [] : parsed) {
      const fault = faultIn(document);
      if (fault) {
        const line = counter.linePos(fault.offset).line + linesBefore;
        unreadable.push({ line, reason: fault.reason.split(" at line ")[0] ?? "" });
      } else if (document.contents) {
        const source = { file, document, counter, linesBefore };
        documents.push(new Located(source, document.contents, document.contents, ""));
      }
    }
    return { documents, unreadable };
  }

  get file(): string {
    return this.source.file;
  }

  get line(): number {
    const offset = this.place?.range?.[0] ?? 0;
    return this.source.counter.linePos(offset).line + this.source.linesBefore;
  }

  /** The plain value. */
  get value(): unknown {
    const own: unknown = valueIn(this.source.document, this.node);
    const isRecord = typeof own === "object" && own !== null;
    return this.base && isRecord ? { ...(this.base.value as object), ...own } : own;
  }

  /** A text with something in it; undefined for all else. */
  get text(): string | undefined {
    const value = isScalar(this.node) ? this.node.value : undefined;
    return typeof value === "string" && value !== "" ? value : undefined;
  }

  /** Written without quotes. */
  get isPlain(): boolean {
    return isScalar(this.node) && this.node.type === "PLAIN";
  }

  /** A text that decK puts together from its environment: what will be there is not known here. */
  get isVariable(): boolean {
    return this.text?.includes("${{") ?? false;
  }

  get isMap(): boolean {
    return isMap(this.node);
  }

  get isList(): boolean {
    return isSeq(this.node);
  }

  /** The member of that name, where this is a map that has one. */
  get(name: string): Located | undefined {
    return this.members().find(([key]) => key === name)?.[1];
  }

  /** The value down that path; undefined where it is not written. */
  find(path: readonly PropertyKey[]): Located | undefined {
    const [step, ...rest] = path;
    if (step === undefined) return this;
    const next = typeof step === "number" ? this.items()[step] : this.get(String(step));
    return next?.find(rest);
  }

  /** The value down that path, or the last one on the way that exists. */
  at(path: readonly PropertyKey[]): Located {
    return this.find(path) ?? this.at(path.slice(0, -1));
  }

  /** The members of a map, those that are merged into it last; of all else none. */
  members(): [string, Located][] {
    if (!isMap(this.node)) return [];
    const own: [string, Located][] = [];
    const merged: [string, Located][] = [];
    for (const { key, value } of this.node.items) {
      const name = isScalar(key) ? nameOf(key.value) : String(key);
      const member = this.child(value as Node | null, key as Node, memberField(this.field, name));
      if (name !== "<<") own.push([name, member]);
      else
        for (const one of member.isMap ? [member] : member.items()) merged.push(...one.members());
    }
    const rest = (these: [string, Located][], before: [string, Located][]) =>
      these.filter(([name]) => !before.some(([known]) => known === name));
    const written = [
      ...own,
      ...rest(merged, own).map(([name, one]): [string, Located] => [name, one.asBorrowed()]),
    ];
    return [...written, ...rest(this.base?.members() ?? [], written)];
  }

  /** The items of a list; of all else none. */
  items(): Located[] {
    if (!isSeq(this.node)) return [];
    return this.node.items.map((item, index) => {
      const found = this.child(item as Node | null, item as Node | null, this.field);
      const name = found.get("name") ?? found.get("username") ?? found.get("custom_id");
      return found.named(`${this.field}[${name?.text ?? index}]`);
    });
  }

  /** Everything below this, itself first, each once: what aliases repeat is where it was written. */
  *all(): Generator<Located> {
    yield this;
    for (const [, member] of this.members()) if (!member.borrowed) yield* member.all();
    for (const item of this.items()) if (!item.borrowed) yield* item.all();
  }

  /** The same value under another name. */
  named(field: string): Located {
    return new Located(this.source, this.node, this.place, field, this.borrowed, this.base);
  }

  /** With the members of another map beneath its own, where both are maps. */
  over(base: Located | undefined): Located {
    if (!this.isMap || !base?.isMap) return this;
    return new Located(this.source, this.node, this.place, this.field, this.borrowed, base);
  }

  /** YAML in a block of text (`key: |`), as Helm values and ConfigMaps hold it. */
  embedded(): Located[] {
    return this.isBlock ? this.parsed() : [];
  }

  /** Why such a block is none, where it is a configuration of Kong: others hold scripts. */
  embeddedFaults(): Unreadable[] {
    const isKongs = this.isBlock && /^_format_version\s*:/m.test(this.text ?? "");
    return isKongs ? this.parse().unreadable : [];
  }

  /** The YAML of a text. Outside of a block its lines are that of the text, as if it had one. */
  parsed(): Located[] {
    return this.parse().documents;
  }

  private get isBlock(): boolean {
    return isScalar(this.node) && this.node.type === "BLOCK_LITERAL";
  }

  private parse(): ReturnType<typeof Located.parse> {
    if (!isScalar(this.node) || this.text === undefined || !this.node.range) {
      return { documents: [], unreadable: [] };
    }
    const { line } = this.source.counter.linePos(this.node.range[0]);
    const before = this.isBlock ? line : line - 1;
    return Located.parse(this.file, this.text, before + this.source.linesBefore);
  }

  private child(node: Node | null, place: Node | null, field: string): Located {
    const value = isAlias(node) ? (node.resolve(this.source.document) ?? null) : node;
    return new Located(this.source, value, place ?? this.place, field, isAlias(node));
  }

  private asBorrowed(): Located {
    return new Located(this.source, this.node, this.place, this.field, true, this.base);
  }
}

// What Kong, decK and Kubernetes read; Compose and others go by YAML 1.2.
function isRead11(text: string): boolean {
  return /^["']?(?:_format_version|_info|apiVersion)["']?\s*:/m.test(text);
}

// With merge keys on, the library gives << as a symbol.
function nameOf(key: unknown): string {
  return typeof key === "symbol" ? (key.description ?? "") : String(key);
}

function memberField(field: string, name: string): string {
  return field === "" ? name : `${field}.${name}`;
}
