// Finds personal data and secrets in a text, in one pass: each character is looked up once, and only
// where one begins, or joins, what is looked for do the recognisers read around it, a bounded way. So a
// text takes time by its length alone, whatever stands in it.

import { escapeEnd, isDigit, isHex, isLetter, open, plus, space } from "./character";
import {
  barePassport,
  businessNumber,
  drivingLicence,
  passport,
  residentNumber,
  socialSecurity,
} from "./identity-number";
import { allKinds, bit, type Found, type Kind, type Kinds } from "./kind";
import { isBehindPlace, koreanAddress } from "./korean-address";
import { bankAccount, card, iban } from "./money-number";
import { before } from "./near";
import { email, ipAddress, ipv6Address, isSpeltAt } from "./network-name";
import { beginsAt, isBehindLetters } from "./number-edge";
import { gap, NumberRun } from "./number-run";
import { americanPhone, phone, spokenPhone } from "./phone";
import { isOdd, placeOf, plainOf } from "./plain";
import { jsonToken, type Key, letteredKey, markedKey, privateKey } from "./secret-key";
import { codeIn, Text } from "./text";

const trigger = {
  none: 0,
  odd: 1,
  digit: 2,
  at: 3,
  colon: 4,
  joint: 5,
  letter: 6,
  spoken: 7,
  percent: 8,
} as const;

const triggers = new Uint8Array(0x10000);
for (let code = 0; code < triggers.length; code++) {
  if (isDigit(code)) triggers[code] = trigger.digit;
  else if (isOdd(code)) triggers[code] = trigger.odd;
}
for (const [characters, kind] of [
  ["@", trigger.at],
  ["%", trigger.percent],
  [":", trigger.colon],
  ["-_", trigger.joint],
  // Of AKIA, ASIA, AIza and eyJ, the letter that is rarest in prose.
  ["KSzJ", trigger.letter],
  ["공영", trigger.spoken],
] as const) {
  for (const character of characters) triggers[character.charCodeAt(0)] = kind;
}

/**
 * All that is found, in the order of the text; nothing of it overlaps.
 * @param context what stands before the text, such as the name of the member that it is the value of
 */
export function findIn(text: string, wanted: Kinds = allKinds, context = ""): Found[] {
  const search = new Search(new Text(text), wanted, context);
  if (search.run()) return search.found;
  const plain = plainOf(text);
  const again = new Search(new Text(plain.text), wanted, context, true);
  again.run();
  for (const found of again.found) Object.assign(found, placeOf(plain, found.start, found.end));
  return again.found;
}

const capitalJ = 0x4a;
const one = 0x31;
const spokenOne = "일".charCodeAt(0);
const number = new NumberRun();
const nothing: Found[] = [];

class Search {
  found: Found[] = nothing;
  /** What stands before the number that is looked at: several recognisers ask for it. */
  private readonly words: () => string;
  private wordsRead = "";
  private readWordsAt = -1;

  constructor(
    private readonly text: Text,
    private readonly wanted: Kinds,
    private readonly context: string,
    private readonly isPlain = false,
  ) {
    this.words = () => {
      const at = number.starts[0]!;
      if (this.readWordsAt !== at) this.wordsRead = before(text, at, context);
      this.readWordsAt = at;
      return this.wordsRead;
    };
  }

  /** False where the text has characters that hide others: it is to be made plain first. */
  run(): boolean {
    const { text, isPlain } = this;
    number.begin(text);
    for (let at = 0; at < text.length; at++) {
      const kind = triggers[codeIn(text, at)]!;
      if (kind === trigger.none) continue;
      if (kind === trigger.odd && !isPlain) return false;
      at = this.lookAround(at, kind);
    }
    return true;
  }

  /** @returns the offset of the last character that was dealt with */
  private lookAround(at: number, kind: number): number {
    if (kind === trigger.digit) return this.numberAt(at) - 1;
    if (kind === trigger.joint) return this.jointAt(at);
    if (kind === trigger.letter) return this.letterAt(at);
    if (kind === trigger.colon) return this.colonAt(at);
    if (kind === trigger.at) return this.take("email", email(this.text, at), at);
    if (kind === trigger.percent) return this.percentAt(at);
    return kind === trigger.spoken ? this.spokenAt(at) : at;
  }

  private wants(kind: Kinds): boolean {
    return (this.wanted & kind) !== 0;
  }

  /** @returns the offset of the last character that was dealt with */
  private take(kind: Kind, place: { start: number; end: number } | undefined, at: number): number {
    if (!place || !this.wants(bit[kind])) return at;
    if (this.found === nothing) this.found = [];
    const { found } = this;
    let { start } = place;
    // A name may hold a number that was found before it.
    while (found.length > 0 && found[found.length - 1]!.end > start) {
      start = Math.min(start, found.pop()!.start);
    }
    found.push({ kind, start, end: place.end });
    return Math.max(at, place.end - 1);
  }

  // Where the run of characters ends in which a key was looked for last: it is read once, whatever
  // marks stand in it.
  private readTo = 0;

  private jointAt(at: number): number {
    const { text } = this;
    if (codeIn(text, at) === codeIn(text, at + 1)) {
      return this.take("private_key", privateKey(text, at), at);
    }
    return at < this.readTo ? at : this.takeKey(markedKey(text, at), at);
  }

  private takeKey(key: Key | undefined, at: number): number {
    if (key) this.readTo = key.readTo;
    return this.take("api_key", key?.isWhole ? key : undefined, at);
  }

  private letterAt(at: number): number {
    const { text } = this;
    if (codeIn(text, at) !== capitalJ) return this.take("api_key", letteredKey(text, at), at);
    return at < this.readTo ? at : this.takeKey(jsonToken(text, at), at);
  }

  private colonAt(at: number): number {
    if (!this.wants(bit.ip_address)) return at;
    return this.take("ip_address", ipv6Address(this.text, at), at);
  }

  /** As a URL spells it: an @, or what ends before a number. */
  private percentAt(at: number): number {
    const { text } = this;
    if (isSpeltAt(text, at)) return this.take("email", email(text, at, at + 3), at);
    return isHex(codeIn(text, at + 1)) && isHex(codeIn(text, at + 2)) ? at + 2 : at;
  }

  private spokenAt(at: number): number {
    const next = codeIn(this.text, codeIn(this.text, at + 1) === space ? at + 2 : at + 1);
    const end = next === spokenOne || next === one ? spokenPhone(this.text, at) : 0;
    return this.take("phone", end > 0 ? { start: at, end } : undefined, at);
  }

  /** @returns the offset behind what was dealt with, of which the first group of digits is the least */
  private numberAt(at: number): number {
    const { text } = this;
    if (beginsAt(text, at)) {
      number.read(at);
      const end = number.ends[0]!;
      const kind = number.total >= 4 ? this.kindOfNumber() : undefined;
      if (kind) return this.takeNumber(kind, at) + 1;
      // 010 일이삼사 오육칠팔
      const spoken = end - at === 3 ? this.spokenAt(at) : at;
      if (spoken > at) return spoken + 1;
      if (!this.wants(bit.address) || !isBehindPlace(text, at)) return end;
      const place = koreanAddress(text, at, this.found.at(-1)?.end ?? 0);
      return Math.max(end, this.take("address", place, at) + 1);
    }
    const behind = escapeEnd(text, at);
    if (behind > at) return behind;
    let end = at + 1;
    while (isDigit(codeIn(text, end))) end++;
    return isBehindLetters(text, at) ? Math.max(end, this.letteredNumberAt(at, end)) : end;
  }

  private letteredNumberAt(at: number, end: number): number {
    const { text } = this;
    const isAccount = end - at >= 2 && this.wants(bit.iban);
    const account = isAccount ? iban(text, at) : undefined;
    if (account) return this.take("iban", account, at) + 1;
    const count = end - at;
    const mayBePassport = count === 3 ? isLetter(codeIn(text, end)) : count >= 7 && count <= 9;
    if (!mayBePassport || !this.wants(bit.passport)) return end;
    number.read(at);
    return this.take("passport", passport(number, this.wordsBefore), at) + 1;
  }

  private readonly wordsBefore = (at: number) => before(this.text, at, this.context);
  private groups = 0;

  private kindOfNumber(): Kind | undefined {
    const { words } = this;
    if (number.gaps[0] === gap.dot && this.isKind("ip_address", ipAddress(number, this.context))) {
      return "ip_address";
    }
    // No other number that is looked for is shorter.
    if (number.total < 9) return undefined;
    if (this.isKind("resident_number", residentNumber(number, words))) return "resident_number";
    if (this.isKind("card", card(number, words))) return "card";
    if (this.isKind("driving_licence", drivingLicence(number, words))) return "driving_licence";
    if (this.isKind("business_number", businessNumber(number, words))) return "business_number";
    if (this.isKind("phone", phone(number, words))) return "phone";
    if (this.isKind("bank_account", bankAccount(number, words))) return "bank_account";
    if (this.isKind("us_ssn", socialSecurity(number, words))) return "us_ssn";
    if (this.isKind("phone", americanPhone(number, words))) return "phone";
    if (this.isKind("passport", barePassport(number, words))) return "passport";
    return undefined;
  }

  /** @param groups of the number that are one of that kind; 0 for none */
  private isKind(kind: Kind, groups: number): boolean {
    this.groups = groups;
    return groups > 0 && this.wants(bit[kind]);
  }

  private takeNumber(kind: Kind, at: number): number {
    const { text, groups } = this;
    let start = at;
    if (kind === "phone") {
      if (codeIn(text, start - 1) === plus) start--;
      if (codeIn(text, start - 1) === open && number.hasBracket(groups)) start--;
    }
    return this.take(kind, { start, end: number.ends[groups - 1]! }, at);
  }
}
