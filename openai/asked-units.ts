// What a request asks for in the units by which its endpoint is counted beside tokens: known before
// its answer, and where that says nothing, in its place.

import { rowOf } from "./endpoint";

export interface AskedUnits {
  /** Pictures that it asks for. */
  images?: number;
  /** Letters that it wants spoken. */
  characters?: number;
  /** Seconds of the sound that it sends, estimated. */
  seconds?: number;
}

// More pictures than any API makes for one request.
const mostImages = 100;
// MP3 and AAC of speech, 128 kbit/s; a WAV is longer, so it is estimated as more than it is.
const bytesPerSecond = 16_000;

/** @param bytes length of the whole body, of which a form's fields are a part */
export function unitsAsked(
  endpoint: string,
  fields: Readonly<Record<string, unknown>>,
  bytes: number,
): AskedUnits {
  switch (rowOf(endpoint)?.counts) {
    case "images": {
      const asked = Number(fields.n ?? 1);
      return { images: Number.isInteger(asked) && asked > 0 ? Math.min(asked, mostImages) : 1 };
    }
    case "characters":
      return { characters: typeof fields.input === "string" ? [...fields.input].length : 0 };
    case "seconds":
      return { seconds: Math.ceil(bytes / bytesPerSecond) };
    default:
      return {};
  }
}
