// A stored answer, and its form in Redis: one line of JSON that says what follows, then the body's
// bytes as they came. Whatever else is found under a key is not an entry.

export interface Entry {
  status: number;
  content_type: string;
  /** Milliseconds since the epoch. */
  stored_at: number;
  model: string;
  body: Buffer;
}

// Another format gets another word here, and this one's entries are misses then.
const format = "llm-cache/1 ";
const longestHeader = 4096;

export function encodeEntry({ body, ...head }: Entry): Buffer {
  const header = JSON.stringify({ ...head, bytes: body.byteLength });
  return Buffer.concat([Buffer.from(`${format}${header}\n`), body]);
}

/** Undefined for anything that is not a whole entry. */
export function decodeEntry(value: Buffer): Entry | undefined {
  const end = value.subarray(0, longestHeader).indexOf("\n");
  const line = value.subarray(0, Math.max(end, 0)).toString();
  const head = line.startsWith(format) ? readHead(line.slice(format.length)) : undefined;
  const body = value.subarray(end + 1);
  if (!head || head.bytes !== body.byteLength) return undefined;
  const { status, content_type, stored_at, model } = head;
  return { status, content_type, stored_at, model, body };
}

function readHead(text: string): (Omit<Entry, "body"> & { bytes: number }) | undefined {
  let head: unknown;
  try {
    head = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof head !== "object" || head === null) return undefined;
  const { status, content_type, stored_at, model, bytes } = head as Record<string, unknown>;
  const isHead =
    status === 200 &&
    typeof content_type === "string" &&
    /^[\x20-\x7e]+$/.test(content_type) &&
    Number.isSafeInteger(stored_at) &&
    typeof model === "string" &&
    Number.isSafeInteger(bytes);
  return isHead ? (head as Omit<Entry, "body"> & { bytes: number }) : undefined;
}
