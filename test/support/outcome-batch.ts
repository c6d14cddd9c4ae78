// Writes outcomes as lua/report.lua does: a batch of records of fields, each behind its length.

/** Values by the ids of kong/outcome-frame.ts; a value that is no text is its bytes. */
export type OutcomeFields = Record<number, string | Buffer>;

export function record(fields: OutcomeFields): Buffer {
  const parts = Object.entries(fields).map(([id, value]) =>
    Buffer.concat([Buffer.from([Number(id)]), withLength(Buffer.from(value as string))]),
  );
  return withLength(Buffer.concat(parts));
}

export function batch(...records: Buffer[]): Buffer {
  return withLength(Buffer.concat(records));
}

/** A length as it stands in a batch: four bytes, the highest first. */
export function u32(number: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(number);
  return bytes;
}

function withLength(bytes: Buffer): Buffer {
  return Buffer.concat([u32(bytes.length), bytes]);
}
