// A part of a text as numbers, which are looked at several times faster than letters of a string: those
// of JSON come in several shapes, and V8 asks at each letter again which of them it has.

/** UTF-16 code units of a part of a text, with the one before it and the one behind it. */
export interface Letters {
  /** 0 stands before the text's beginning and behind its end. */
  units: ArrayLike<number>;
  /** Place of the part's first unit. */
  start: number;
  /** Place behind its last one. */
  end: number;
}

let units = new Uint16Array(4096);
let bytes = Buffer.from(units.buffer);

/**
 * One room for all: what is returned holds until the next call.
 * @param end offset behind the last letter, at most the text's length
 */
export function lettersOf(text: string, start: number, end: number): Letters {
  const length = end - start;
  if (length + 2 > units.length) {
    units = new Uint16Array(2 * (length + 2));
    bytes = Buffer.from(units.buffer);
  }
  units[0] = 0;
  units[length + 1] = 0;
  // Little-endian, as every machine is that Kong has an image for.
  if (start === 0) bytes.write(text.slice(0, end + 1), 2, "utf16le");
  else bytes.write(text.slice(start - 1, end + 1), 0, "utf16le");
  return { units, start: 1, end: length + 1 };
}
