// The words of the page by language. A language that lacks one does not compile.

import type { Language } from "./language";
import { english } from "./words-english";
import { korean } from "./words-korean";

export type Words = typeof english;

export const words: Record<Language, Words> = { en: english, ko: korean };
