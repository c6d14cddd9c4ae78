// What a number is, by the words before it: where its digits alone do not say it, the nearest word does.

import { codeIn, isAlphanumeric, isDigit } from "./character";

/** How many characters before a number are looked at. */
const reach = 40;

/**
 * In lower case, what stands before an offset; "" where no word does, as between numbers.
 * @param context what stands before the text
 */
export function before(text: string, at: number, context: string): string {
  const from = Math.max(0, at - reach);
  if ((context === "" || from > 0) && !hasLetter(text, from, at)) return "";
  const own = text.slice(from, at);
  const far = at < reach && context !== "" ? `${context.slice(-reach)} ${own}` : own;
  return far.toLowerCase();
}

/** From the end on: a word stands right there, where there is one. */
function hasLetter(text: string, from: number, to: number): boolean {
  for (let at = to - 1; at >= from; at--) {
    const code = codeIn(text, at);
    if (code > 0x7f || (isAlphanumeric(code) && !isDigit(code))) return true;
  }
  return false;
}

// What has a number of the same looks, and is nobody's own.
const otherNumbers = [
  ..."주문 송장 상품 제품 품번 모델 시리얼 바코드 법인등록 티켓 문서 접수 사건".split(" "),
  ..."order tracking invoice serial barcode isbn sku ticket build commit timestamp".split(" "),
  ...["part no", "part number", "case no"],
];

/** 1: it is meant; -1: it is another number, by a nearer word; 0: nothing is said. */
export type Meaning = (words: string) => -1 | 0 | 1;

/**
 * @param words that say it, in lower case
 * @param others further ones that say that it is another number
 */
export function meaningBy(words: readonly string[], others: readonly string[] = []): Meaning {
  const all = `${words.join("|")}|(${[...otherNumbers, ...others].join("|")})`;
  const word = new RegExp(words.length > 0 ? all : all.slice(1), "g");
  return (text) => {
    let last: RegExpExecArray | null = null;
    word.lastIndex = 0;
    for (let found = word.exec(text); found; found = word.exec(text)) last = found;
    return last === null ? 0 : last[1] === undefined ? 1 : -1;
  };
}

const noWords = meaningBy([]);

/** Whether what stands before says that it is another number. */
export function isOther(words: string): boolean {
  return noWords(words) < 0;
}
