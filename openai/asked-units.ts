// What a request asks for in the units by which its endpoint is counted beside tokens: known before
// its answer, and where that says nothing, in its place.

import { z } from "zod";
import { rowOf } from "./endpoint";

const count = z.int().nonnegative().optional();

/** Pictures that it asks for, letters that it wants spoken, seconds of the sound that it sends, estimated. */
export const askedUnits = z.object({ images: count, characters: count, seconds: count });

export type AskedUnits = z.output<typeof askedUnits>;

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

/** https://platform.openai.com/docs/api-reference/chat/create#chat-create-service_tier */
export function tierAsked({ service_tier }: Readonly<Record<string, unknown>>): string | undefined {
  return typeof service_tier === "string" ? service_tier : undefined;
}
