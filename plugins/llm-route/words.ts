// The lists of words by which requests are read: those of the options, else those of words.yaml.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";

export const lists = ["hard", "work", "easy", "constraints", "mathematics", "code"] as const;

/** What a word is a sign of. */
export type List = (typeof lists)[number];

export type Words = Readonly<Record<List, readonly string[]>>;

const words = z.array(z.string().min(2));
const form = z.record(z.enum(lists), z.strictObject({ english: words, korean: words }));

let comeAlong: Words | undefined;

/** The lists that come with this version, read at the first call. */
export function defaultWords(): Words {
  comeAlong ??= readWords(readFileSync(join(__dirname, "words.yaml"), "utf8"));
  return comeAlong;
}

function readWords(text: string): Words {
  const written = form.parse(parse(text));
  const named = lists.map((list) => [list, [...written[list].english, ...written[list].korean]]);
  return Object.fromEntries(named) as Words;
}

/** The lists of the options; an empty one is that of this version. */
export function wordsOf(own: Words): Words {
  const named = lists.map((list) => [
    list,
    own[list].length > 0 ? own[list] : defaultWords()[list],
  ]);
  return Object.fromEntries(named) as Words;
}
