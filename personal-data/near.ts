// What a number is, by the words before it: where its digits alone do not say it, the nearest word does.

import { isAlphanumeric, isDigit } from "./character";
import { codeIn, type Text } from "./text";

/** How many characters before a number are looked at. */
const reach = 40;

/**
 * In lower case, what stands before an offset; "" where no word does, as between numbers.
 * @param context what stands before the text
 */
export function before(text: Text, at: number, context: string): string {
  const from = Math.max(0, at - reach);
  if ((context === "" || from > 0) && !hasLetter(text, from, at)) return "";
  const own = text.slice(from, at);
  if (at >= reach || context === "") return own.toLowerCase();
  // The text is as its reader sees it, and this is not.
  return `${context.slice(-reach).normalize("NFKC")} ${own}`.toLowerCase();
}

/** From the end on: a word stands right there, where there is one. */
function hasLetter(text: Text, from: number, to: number): boolean {
  for (let at = to - 1; at >= from; at--) {
    const code = codeIn(text, at);
    if (code > 0x7f || (isAlphanumeric(code) && !isDigit(code))) return true;
  }
  return false;
}

// What has a number of the same looks, and is nobody's own.
const otherNumbers = [
  ..."주문 송장 상품 제품 품번 모델 시리얼 바코드 법인등록 티켓 문서 접수 사건 예약 승인 거래".split(
    " ",
  ),
  ..."관리 일련 배송 추적 order tracking invoice serial barcode isbn sku imei ticket build".split(
    " ",
  ),
  ...["commit", "timestamp", "part no", "part number", "case no"],
];
// What may stand between such a word and its number: with anything else it says of what something is
// said, and not of the number (주문자, 상품 결제 카드, order by).
const between = `(?:[\\s"'\`({\\[<#:=.,*_|-]|번호|코드|넘버|는|은|이|가|number|num|no|code|id|is|was|nr)*`;

/** Whether one of some words stands at the end of a text: read from there, as nothing else can be one. */
function endsWith(words: readonly string[]): (text: string) => boolean {
  const labelled = new RegExp(`(?<=(?:${words.join("|")})${between})`, "y");
  return (text) => {
    labelled.lastIndex = text.length;
    return labelled.test(text);
  };
}

const endsWithOther = endsWith(otherNumbers);
// Several recognisers ask it of one number.
let askedLast = "";
let wasOther = false;

/** Whether what stands before says that it is another number. */
export function isOther(words: string): boolean {
  if (words !== askedLast) {
    wasOther = endsWithOther(words);
    askedLast = words;
  }
  return wasOther;
}

/**
 * 1: it is meant, by the nearest word; -1: it is another number, by the word right before it; 0: nothing
 * is said of it.
 */
type Meaning = (words: string) => -1 | 0 | 1;

/**
 * @param words that say it, in lower case
 * @param others further ones that say that it is another number
 */
export function meaningBy(words: readonly string[], others: readonly string[] = []): Meaning {
  const own = new RegExp(words.join("|"));
  const any = new RegExp(`(${[...otherNumbers, ...others].join("|")})|${words.join("|")}`, "g");
  const endsWithOne = others.length > 0 ? endsWith(others) : () => false;
  return (text) => {
    if (text === "") return 0;
    if (own.test(text) && isNearest(any, text)) return 1;
    return isOther(text) || endsWithOne(text) ? -1 : 0;
  };
}

/** Whether the last word there is one of those that are meant. */
function isNearest(word: RegExp, text: string): boolean {
  let last: RegExpExecArray | null = null;
  word.lastIndex = 0;
  for (let found = word.exec(text); found; found = word.exec(text)) last = found;
  return last !== null && last[1] === undefined;
}
