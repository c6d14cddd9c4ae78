// The prompt cache of the Messages API: a request marks with cache_control how far its prompt is to be
// kept, and is told how much was read and written.
// https://platform.claude.com/docs/en/build-with-claude/prompt-caching

import { createHash } from "node:crypto";
import { attachmentTokens } from "../../anthropic/attachment";

type Fields = Record<string, unknown>;

/** Tokens of a prompt, in the parts that are billed apart. */
export interface PromptTokens {
  /** Neither read nor written. */
  plain: number;
  read: number;
  written5m: number;
  written1h: number;
}

// A beginning of fewer tokens is not kept, whatever its mark says.
const leastTokens = 1024;
// So many blocks before a mark the API looks for what it has kept.
const blocksBack = 20;
const [fiveMinutes, oneHour] = [5 * 60_000, 60 * 60_000] as const;

export class PromptCache {
  /** When each kept beginning of a prompt is forgotten, in milliseconds since the epoch. */
  private readonly kept = new Map<string, number>();

  clear(): void {
    this.kept.clear();
  }

  /** Reads the longest beginning that is kept, and keeps every other one that is marked. */
  take(body: Fields, now = Date.now()): PromptTokens {
    const beginnings = beginningsOf(body);
    const read = beginnings.findLast(
      ({ key }, at) => (this.kept.get(key) ?? 0) > now && isMarkedSoon(beginnings, at),
    );
    const taken = { read: read?.tokens ?? 0, written5m: 0, written1h: 0 };
    let covered = taken.read;
    for (const { key, tokens, mark } of beginnings) {
      if (!mark || tokens < leastTokens) continue;
      this.kept.set(key, now + (mark.ttl === "1h" ? oneHour : fiveMinutes));
      if (tokens <= covered) continue;
      taken[mark.ttl === "1h" ? "written1h" : "written5m"] += tokens - covered;
      covered = tokens;
    }
    return { ...taken, plain: (beginnings.at(-1)?.tokens ?? 0) - covered };
  }
}

/** A prompt up to one of its blocks. */
interface Beginning {
  key: string;
  tokens: number;
  mark?: Mark;
}

function beginningsOf(body: Fields): Beginning[] {
  const hash = createHash("sha256").update(String(body.model));
  let tokens = 0;
  return blocksOf(body).map(({ block, mark }) => {
    hash.update(JSON.stringify(withoutMark(block)));
    tokens += wordsIn(block);
    return { key: hash.copy().digest("hex"), tokens, mark };
  });
}

function isMarkedSoon(beginnings: Beginning[], at: number): boolean {
  return beginnings.slice(at, at + blocksBack).some(({ mark }) => mark !== undefined);
}

/** All tokens of a prompt: each word is one. */
export function countTokens(body: Fields): number {
  return blocksOf(body).reduce((sum, { block }) => sum + wordsIn(block), 0);
}

interface Mark {
  ttl?: unknown;
}

interface Marked {
  block: unknown;
  mark?: Mark;
}

/** The blocks of a prompt in the order in which the cache sees them. */
function blocksOf({ tools, system, messages, cache_control }: Fields): Marked[] {
  const blocks: unknown[] = [...listOf(tools), ...listOf(system)];
  for (const message of listOf(messages)) {
    const { role, content } = (message ?? {}) as Fields;
    for (const block of listOf(content)) blocks.push(isFields(block) ? { role, ...block } : block);
  }
  const marked = blocks.map((block): Marked => ({ block, mark: markOf(block) }));
  const last = marked.at(-1);
  if (last && isFields(cache_control)) last.mark = cache_control;
  return marked;
}

function listOf(value: unknown): unknown[] {
  if (Array.isArray(value)) return value;
  return value === undefined || value === null ? [] : [value];
}

function markOf(block: unknown): Mark | undefined {
  const mark = isFields(block) ? block.cache_control : undefined;
  return isFields(mark) ? mark : undefined;
}

function withoutMark(block: unknown): unknown {
  if (!isFields(block)) return block;
  const { cache_control, ...rest } = block;
  return rest;
}

const unread = new Set(["type", "role", "cache_control", "signature", "id", "tool_use_id"]);

function wordsIn(value: unknown): number {
  if (typeof value === "string") return value.match(/\S+/g)?.length ?? 0;
  if (Array.isArray(value)) return value.reduce<number>((sum, one) => sum + wordsIn(one), 0);
  if (!isFields(value)) return 0;
  const attached = attachmentTokens(value);
  if (attached) return attached.likely;
  return Object.entries(value)
    .filter(([name]) => !unread.has(name))
    .reduce((sum, [, member]) => sum + wordsIn(member), 0);
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
