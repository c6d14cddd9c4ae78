// Addresses in their Korean form, told by what earns it: a road (…로, …길) or a quarter (…동, …리) with a
// number, behind a city, county or district. A road alone is none, as 로 is also an everyday ending.

import { hyphen, isDigit, isHangul, space } from "./character";
import { codeIn, type Text } from "./text";

const longestToken = 12;
const mostTokens = 6;

const region =
  /^(?:서울|부산|대구|인천|광주|대전|울산|세종|경기|강원|충북|충남|전북|전남|경북|경남|제주|충청북|충청남|전라북|전라남|경상북|경상남)(?:특별자치|특별|광역)?(?:시|도)?$/;
const district = /^[가-힣]{1,6}(?:시|군|구|읍|면)$/;
const quarter = /^[가-힣]{1,6}\d{0,2}(?:동|리|가)$/;
const road = /^[가-힣][가-힣\d]{0,10}(?:로|길)$/;
// What ends as roads do, and is none: 구로 is a place, 샛별로 and 한별로 are roads.
const everyday =
  /(?:으로|[^종]구로|시로|군로|[^샛한]별로)$|^(?:바로|새로|주로|서로|따로|별로|스스로|실제로|[그이제]대로|대체로|최[대소]로|[절반]대로|세대로|임의로|추가로|차례로|순서로|단위로|위주로|때때로|수시로|우리)$/;
// Numbers that count things, and no house.
const counted =
  /^ ?(?:명|일(?!대)|번(?!길|지)|시(?!흥)|분|초|개|회|차|월|년|원|위|배|가지|가(?! ?\d)|퍼센트|%|km|m\b|위안|달러|만|천|억)/;

// 로 길 동 리 가
const placeEnds = new Uint8Array(0x10000);
for (const end of "로길동리가") placeEnds[end.charCodeAt(0)] = 1;

/** Whether the number there stands behind what may be a road or a quarter: cheap, as most numbers do not. */
export function isBehindPlace(text: Text, digitsAt: number): boolean {
  const previous = codeIn(text, digitsAt - 1);
  return placeEnds[previous === space ? codeIn(text, digitsAt - 2) : previous] === 1;
}

/**
 * The address whose number of a house begins there. @returns offsets
 * @param from nothing before this offset belongs to it
 */
export function koreanAddress(text: Text, digitsAt: number, from: number) {
  if (!isBehindSpace(text, digitsAt, from)) return undefined;
  const last = tokenBefore(text, digitsAt, from);
  if (!last) return undefined;
  const isRoad = road.test(last.text) && !everyday.test(last.text);
  const isQuarter = quarter.test(last.text) && !everyday.test(last.text);
  if (!isRoad && !isQuarter) return undefined;
  let start = last.start;
  let hasDistrict = false;
  let hasRegion = false;
  let wasRegion = false;
  let token = wordBefore(text, start, from);
  for (let count = 1; token && count < mostTokens; count++) {
    const isRegion = region.test(token.text);
    if (wasRegion && !isRegion) break;
    if (isRegion) hasRegion = true;
    else if (district.test(token.text)) hasDistrict = true;
    else if (!quarter.test(token.text) && !road.test(token.text)) break;
    start = token.start;
    // 제주특별자치도 제주시: a city may have its region's name.
    if (isRegion && wasRegion) break;
    wasRegion = isRegion;
    token = wordBefore(text, start, from);
  }
  const number = numberEnd(text, digitsAt);
  // A quarter needs more: 3동 and 우리 are everywhere.
  const isLot = hasRegion || /-|번지/.test(text.slice(digitsAt, number + 2));
  if (isRoad ? !hasDistrict && !hasRegion : !hasDistrict || !isLot) return undefined;
  if (counted.test(text.slice(number, number + 4))) return undefined;
  return { start, end: detailsEnd(text, number) };
}

/** Whether a word stands before the name that the number is behind: an address has several. */
function isBehindSpace(text: Text, digitsAt: number, from: number): boolean {
  let at = digitsAt - 1;
  if (codeIn(text, at) === space) at--;
  const least = Math.max(from, at - longestToken);
  while (at > least && gaps[codeIn(text, at)] !== 1) at--;
  return at > from && gaps[codeIn(text, at)] === 1;
}

const mostBetween = 3;

/** Before the spaces, the comma or the end of a line that part words of an address. */
function behindGap(text: Text, end: number, from: number): number {
  let at = end;
  while (at > from && end - at < mostBetween && gaps[codeIn(text, at - 1)] === 1) at--;
  return at;
}

const gaps = new Uint8Array(0x10000);
for (const character of " ,\n\t\r") gaps[character.charCodeAt(0)] = 1;

interface Token {
  text: string;
  start: number;
}

/** The word that stands before another one of an address. */
function wordBefore(text: Text, start: number, from: number): Token | undefined {
  const end = behindGap(text, start, from);
  return end === start ? undefined : tokenBefore(text, start, from);
}

/** The letters and digits before an offset, or before the gap that ends there. */
function tokenBefore(text: Text, at: number, from: number): Token | undefined {
  const end = behindGap(text, at, from);
  let start = end;
  while (start > from && end - start < longestToken) {
    const code = codeIn(text, start - 1);
    if (!isHangul(code) && !isDigit(code)) break;
    start--;
  }
  return start === end ? undefined : { text: text.slice(start, end), start };
}

function numberEnd(text: Text, start: number): number {
  let end = start;
  while (isDigit(codeIn(text, end))) end++;
  if (codeIn(text, end) === hyphen && isDigit(codeIn(text, end + 1))) {
    end++;
    while (isDigit(codeIn(text, end))) end++;
  }
  return end;
}

// 12번길 34-5, 101동 1203호, 3층, (역삼동), and the like behind the number.
const details =
  /^(?:가 ?\d{1,4}(?:-\d{1,4})?|번?길 ?\d{1,4}(?:-\d{1,4})?|번지|,? ?\d{1,4}동|,? ?(?:지하 ?)?\d{1,3}층|,? ?[BA]?\d{1,5}호|,? ?[가-힣A-Z]{1,10}(?:아파트|빌라|타워|빌딩|오피스텔|맨션)| ?\([가-힣\d, ]{2,20}\))/;

function detailsEnd(text: Text, from: number): number {
  let end = from;
  for (let n = 0; n < 5; n++) {
    const found = details.exec(text.slice(end, end + 32));
    if (!found) break;
    end += found[0].length;
  }
  return end;
}
