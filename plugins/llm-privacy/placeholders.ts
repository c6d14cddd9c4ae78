// The names that stand for values in one request: equal ones for equal values, in the order in which they
// come in the conversation, so that its next turn has the same. A conversation that is stored or
// made shorter upstream is not seen whole: there a name is made of the value itself, by a secret.

import { createHmac } from "node:crypto";
import { stringEnd } from "../../openai/json-text";
import type { RequestBody } from "../../openai/request-body";
import { kinds } from "../../personal-data/kind";
import type { KnownValue } from "./known-values";

// What one request may hold: a decision carries all values to Kong.
export const mostValues = 5000;

const builtIn = new Set<string>(kinds);

/**
 * Whether a next turn brings what was said in this one in a form that nobody here reads: the upstream
 * keeps the conversation, or makes it shorter. Codex asks for that by an item at its end.
 */
export function leavesSight(endpoint: string, body: Pick<RequestBody, "get"> | undefined): boolean {
  if (endpoint !== "responses") return endpoint === "responses/compact";
  const input = body?.get("input");
  const last = Array.isArray(input) ? (input.at(-1) as { type?: unknown } | null) : undefined;
  return body?.get("store") !== false || last?.type === "compaction_trigger";
}

export class Placeholders {
  /** Values by their names. */
  readonly values = new Map<string, string>();
  /** By kind and value, as they are written. */
  readonly #written = new Map<string, Map<string, string>>();
  readonly #last = new Map<string, number>();
  #own: string | undefined;
  readonly #taken = new Map<string, Set<string>>();

  /**
   * @param text of the request: names that stand in it already are the client's own
   * @param nameBy makes the part of a name behind its kind; undefined: they are numbered
   */
  constructor(
    private readonly text: string,
    private readonly nameBy?: (value: string) => string,
  ) {}

  /** The placeholder of a value, as it is written in its place. */
  of(kind: string, value: string): string {
    let ofKind = this.#written.get(kind);
    if (!ofKind) {
      ofKind = new Map();
      this.#written.set(kind, ofKind);
    }
    let written = ofKind.get(value);
    if (written === undefined) {
      const name = this.#nameOf(kind, value);
      written = `[${name}]`;
      ofKind.set(value, written);
      this.values.set(name, value);
    }
    return written;
  }

  /** The values of the built-in recognisers: the operator's own find theirs wherever they stand. */
  known(): KnownValue[] {
    return [...this.#written].flatMap(([kind, ofKind]) =>
      builtIn.has(kind)
        ? Array.from(ofKind, ([value, placeholder]) => ({ kind, value, placeholder }))
        : [],
    );
  }

  #nameOf(kind: string, value: string): string {
    const label = kind.toUpperCase();
    return this.nameBy ? `${label}_${this.nameBy(`${kind} ${value}`)}` : this.#next(label);
  }

  get isFull(): boolean {
    return this.values.size > mostValues;
  }

  #next(label: string): string {
    const taken = this.#takenOf(label);
    let number = this.#last.get(label) ?? 0;
    do number++;
    while (taken.has(String(number)));
    this.#last.set(label, number);
    return `${label}_${number}`;
  }

  #takenOf(label: string): Set<string> {
    let taken = this.#taken.get(label);
    if (!taken) {
      // In Markdown an underscore is escaped; in brackets a space may stand for it (put-back.lua).
      const spelt = `${label}_`.replaceAll("_", String.raw`(?:\\*_|[ -])`);
      this.#own ??= withoutThoughts(this.text);
      const written = this.#own.matchAll(new RegExp(`(\\[?)${spelt}(\\d{1,6})`, "gi"));
      taken = new Set();
      for (const [name, opens, number] of written) {
        if (opens || name === name.toUpperCase()) taken.add(String(Number(number)));
      }
      this.#taken.set(label, taken);
    }
    return taken;
  }
}

const thought = '"thinking"';

/**
 * A body without what the model thought in it: there it may name a placeholder without its brackets, which
 * is no name of the client's. What it thought is signed, and must be masked as it was.
 */
function withoutThoughts(text: string): string {
  let rest = "";
  let copied = 0;
  for (let at = text.indexOf(thought); at >= 0; at = text.indexOf(thought, copied)) {
    const opens = text.indexOf('"', at + thought.length);
    const isText = opens > 0 && text.slice(at + thought.length, opens).trim() === ":";
    const from = at + thought.length;
    rest += text.slice(copied, from);
    copied = isText ? stringEnd(text, opens) : from;
  }
  return copied === 0 ? text : rest + text.slice(copied);
}

/** Names made of values, the same in every request of one tenant. */
export function namesBy(secret: string | Buffer, tenant: string): (value: string) => string {
  return (value) => digest(secret, "placeholder", tenant, value).slice(0, 10).toUpperCase();
}

/** What stands in place of an identifier of an end user: the same for the same, and not to be undone. */
export function pseudonym(secret: string | Buffer, tenant: string, value: string): string {
  return `user_${digest(secret, "identifier", tenant, value).slice(0, 32)}`;
}

function digest(secret: string | Buffer, ...parts: string[]): string {
  return createHmac("sha256", secret).update(JSON.stringify(parts)).digest("hex");
}
