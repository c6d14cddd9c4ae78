// A JSON request body that keeps its spelling: a change replaces the bytes of one member and leaves
// all others as the client sent them (number spelling, escapes, field order, unknown fields).

export type BodyProblem = { problem: string };

interface Span {
  /** Offsets of the member's value in the text. */
  start: number;
  end: number;
}

export class RequestBody {
  /** True once a member was set: only then does the body travel back to Kong. */
  changed = false;

  private constructor(
    /** The body as it goes upstream. */
    public text: string,
    private readonly fields: Record<string, unknown>,
    private spans: Map<string, Span> | undefined,
  ) {}

  /**
   * @param bytes length of the body on the wire, where known: tells whether it was valid UTF-8
   */
  static parse(text: string, bytes?: number): RequestBody | BodyProblem {
    if (text === "") return { problem: "it is empty, and this endpoint needs a JSON object" };
    // An invalid byte was replaced by U+FFFD on its way here, which is three bytes long.
    if (bytes !== undefined && text.includes("\uFFFD") && Buffer.byteLength(text) !== bytes) {
      return { problem: "it is not valid UTF-8" };
    }
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      return { problem: "it is not valid JSON; send a JSON object, uncompressed" };
    }
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      return { problem: "it must be a JSON object" };
    }
    return new RequestBody(text, value as Record<string, unknown>, undefined);
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
    this.spans ??= memberSpans(this.text);
    const spelt = JSON.stringify(value);
    const span = this.spans.get(field);
    if (span) this.splice(span.start, span.end, spelt);
    else this.append(`${JSON.stringify(field)}:${spelt}`);
    this.fields[field] = value;
    this.changed = true;
    this.spans = undefined;
  }

  private splice(start: number, end: number, text: string): void {
    this.text = this.text.slice(0, start) + text + this.text.slice(end);
  }

  private append(member: string): void {
    const end = this.text.lastIndexOf("}");
    const comma = Object.keys(this.fields).length > 0 ? "," : "";
    this.splice(end, end, comma + member);
  }
}

/** Where the value of each top-level member stands. The text is known to be a valid JSON object. */
function memberSpans(text: string): Map<string, Span> {
  const spans = new Map<string, Span>();
  let at = skipSpace(text, text.indexOf("{") + 1);
  while (text[at] === '"') {
    const keyEnd = stringEnd(text, at);
    const key = JSON.parse(text.slice(at, keyEnd)) as string;
    const start = skipSpace(text, skipSpace(text, keyEnd) + 1);
    const end = valueEnd(text, start);
    spans.set(key, { start, end });
    at = skipSpace(text, end);
    if (text[at] === ",") at = skipSpace(text, at + 1);
  }
  return spans;
}

function valueEnd(text: string, start: number): number {
  const first = text[start];
  if (first === '"') return stringEnd(text, start);
  if (first !== "{" && first !== "[") return scalarEnd(text, start);
  let depth = 0;
  for (let at = start; ; at++) {
    const char = text[at];
    if (char === '"') at = stringEnd(text, at) - 1;
    else if (char === "{" || char === "[") depth++;
    else if ((char === "}" || char === "]") && --depth === 0) return at + 1;
  }
}

/** The offset behind the closing quote of the string that opens at `start`. */
function stringEnd(text: string, start: number): number {
  let quote = text.indexOf('"', start + 1);
  while (isEscaped(text, quote)) quote = text.indexOf('"', quote + 1);
  return quote + 1;
}

function isEscaped(text: string, at: number): boolean {
  let backslashes = 0;
  while (text[at - 1 - backslashes] === "\\") backslashes++;
  return backslashes % 2 === 1;
}

function scalarEnd(text: string, start: number): number {
  let at = start;
  while (!/[,}\]\s]/.test(text[at] ?? "}")) at++;
  return at;
}

function skipSpace(text: string, start: number): number {
  let at = start;
  while (/\s/.test(text[at] ?? "")) at++;
  return at;
}
