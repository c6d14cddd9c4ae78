// Made-up values of each kind, in the spellings that people use, by a seed: nobody has these numbers, as
// far as anybody can know.

/** A pseudo-random number below `most`; the same for the same seed. */
export type Random = (most: number) => number;

export function randomBy(seed: number): Random {
  let state = seed >>> 0;
  return (most) => {
    // xorshift32, G. Marsaglia, "Xorshift RNGs", 2003
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state % most;
  };
}

export function oneOf<Item>(random: Random, items: readonly Item[]): Item {
  return items[random(items.length)]!;
}

const digits = (random: Random, count: number) =>
  Array.from({ length: count }, () => String(random(10))).join("");
const two = (value: number) => String(value).padStart(2, "0");

const surnames = [..."김이박최정강조윤장임"];
const given = "민수 서연 지훈 하은 도윤 수빈 예준 지우 현우 유나".split(" ");

export const values: Record<string, (random: Random) => string> = {
  resident_number(random) {
    const year = 50 + random(50);
    const head = `${two(year)}${two(1 + random(12))}${two(1 + random(28))}`;
    const isForeign = random(4) === 0;
    const twelve = `${head}${(isForeign ? 5 : 1) + random(2)}${digits(random, 5)}`;
    const weights = [2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5];
    const sum = weights.reduce((all, weight, at) => all + weight * Number(twelve[at]), 0);
    const check = ((11 - (sum % 11)) % 10) + (isForeign ? 2 : 0);
    const all = twelve + String(check % 10);
    return `${all.slice(0, 6)}${oneOf(random, ["-", "-", "-", " - "])}${all.slice(6)}`;
  },
  business_number(random) {
    const nine = `${1 + random(9)}${digits(random, 8)}`;
    const weights = [1, 3, 7, 1, 3, 7, 1, 3, 5];
    const sum = weights.reduce((all, weight, at) => all + weight * Number(nine[at]), 0);
    const check = (10 - ((sum + Math.floor((Number(nine[8]) * 5) / 10)) % 10)) % 10;
    return `${nine.slice(0, 3)}-${nine.slice(3, 5)}-${nine.slice(5)}${check}`;
  },
  driving_licence(random) {
    return `${11 + random(18)}-${two(random(100))}-${digits(random, 6)}-${digits(random, 2)}`;
  },
  passport(random) {
    const old = `${oneOf(random, [..."MSRG"])}${digits(random, 8)}`;
    const today = `M${digits(random, 3)}${oneOf(random, [..."ABCDEFGH"])}${digits(random, 4)}`;
    return oneOf(random, [old, today, today]);
  },
  phone(random) {
    const [four, last] = [`${2 + random(8)}${digits(random, 3)}`, digits(random, 4)];
    const area = oneOf(random, ["02", "031", "032", "051", "053", "064", "070"]);
    return oneOf(random, [
      ...[`010-${four}-${last}`, `010 ${four} ${last}`, `010.${four}.${last}`, `010${four}${last}`],
      ...[`+82 10-${four}-${last}`, `+82-10-${four}-${last}`, `+8210${four}${last}`],
      ...[`${area}-${four}-${last}`, `${area}-${four.slice(1).replace(/^0/, "2")}-${last}`],
      ...[
        `${area})${four}-${last}`,
        `(${area}) ${four}-${last}`,
        `011-${four.slice(0, 3)}-${last}`,
      ],
      ...[`０１０－${full(four)}－${full(last)}`, `010-${four}\u200b-${last}`],
    ]);
  },
  phone_us(random) {
    const area = `${2 + random(8)}${digits(random, 2)}`;
    const [three, four] = [`${2 + random(8)}${digits(random, 2)}`, digits(random, 4)];
    return oneOf(random, [
      ...[`(${area}) ${three}-${four}`, `${area}-${three}-${four}`, `${area}.${three}.${four}`],
      ...[
        `+1 ${area} ${three} ${four}`,
        `+1-${area}-${three}-${four}`,
        `1-${area}-${three}-${four}`,
      ],
    ]);
  },
  bank_account(random) {
    return oneOf(random, [
      `${digits(random, 6)}-${two(random(100))}-${digits(random, 6)}`,
      `110-${digits(random, 3)}-${digits(random, 6)}`,
      `1002-${digits(random, 3)}-${digits(random, 6)}`,
      `3333-${two(random(100))}-${digits(random, 7)}`,
      `30${random(10)}-${digits(random, 4)}-${digits(random, 4)}-${two(random(100))}`,
    ]);
  },
  card(random) {
    const networks = ["4", "4", "51", "55", "2221", "6011", "62", "9410", "3528"];
    const isAmex = random(8) === 0;
    const head = isAmex ? "37" : oneOf(random, networks);
    const all = luhn(head + digits(random, (isAmex ? 14 : 15) - head.length));
    const groups = isAmex
      ? [all.slice(0, 4), all.slice(4, 10), all.slice(10)]
      : all.match(/.{4}/g)!;
    return groups.join(oneOf(random, ["-", " ", ""]));
  },
  iban(random) {
    const [country, bank] = oneOf(random, [
      ["DE", digits(random, 18)],
      ["FR", digits(random, 23)],
      ["GB", `WEST${digits(random, 14)}`],
      ["ES", digits(random, 20)],
    ] as const);
    const numbers = [...`${bank}${country}00`].map((one) => Number.parseInt(one, 36)).join("");
    const check = 98n - (BigInt(numbers) % 97n);
    const all = `${country}${two(Number(check))}${bank}`;
    return random(2) === 0 ? all : all.match(/.{1,4}/g)!.join(" ");
  },
  us_ssn(random) {
    return `${100 + random(500)}-${two(1 + random(99))}-${String(1 + random(9999)).padStart(4, "0")}`;
  },
  email(random) {
    const name = oneOf(random, [
      "minsu.kim",
      "lee_seoyeon",
      "jihoon+shop",
      "haeun99",
      "j.roe",
      "yuna-c",
    ]);
    const host = oneOf(random, [
      "example.com",
      "mail.example.co.kr",
      "example.org",
      "corp.example.net",
    ]);
    return `${name}${random(1000)}@${host}`;
  },
  ip_address(random) {
    const four = `${oneOf(random, [203, 198, 121, 211, 10, 192])}.${random(256)}.${random(256)}.${1 + random(254)}`;
    const six = `2001:db8:${(1 + random(65_000)).toString(16)}::${(1 + random(65_000)).toString(16)}:${1 + random(9)}`;
    return oneOf(random, [four, four, six]);
  },
  address(random) {
    const city = oneOf(random, [
      "서울특별시 강남구",
      "서울 마포구",
      "경기도 성남시 분당구",
      "부산광역시 해운대구",
      "대전시 유성구",
    ]);
    const road = oneOf(random, ["테헤란로", "양화로", "판교역로", "센텀중앙로", "대학로"]);
    const house = `${1 + random(400)}`;
    return oneOf(random, [
      `${city} ${road} ${house}`,
      `${city} ${road}${1 + random(90)}길 ${1 + random(40)}-${1 + random(9)}`,
      `${city} ${road} ${house}, ${101 + random(9)}동 ${101 + random(900)}호`,
      `${city} ${oneOf(random, ["역삼동", "정자동", "우동", "서교동"])} ${house}-${1 + random(20)}`,
    ]);
  },
  api_key(random) {
    const letters = (count: number) =>
      Array.from({ length: count }, () =>
        oneOf(random, [..."abcdefghijkmnpqrstuvwxyz23456789"]),
      ).join("");
    return oneOf(random, [
      ...[
        `sk-${letters(40)}7`,
        `sk-ant-api03-${letters(40)}7-x`,
        `ghp_${letters(35)}7`,
        `hf_${letters(33)}7`,
      ],
      ...[
        `xoxb-${digits(random, 11)}-${letters(24)}`,
        `AKIA${letters(16).toUpperCase().replace(/[89]/g, "A")}`,
      ],
      ...[`AIza${letters(35)}`, `eyJ${letters(20)}.eyJ${letters(30)}.${letters(43)}`],
    ]);
  },
  private_key(random) {
    const kind = oneOf(random, ["", "RSA ", "EC ", "OPENSSH "]);
    return `-----BEGIN ${kind}PRIVATE KEY-----\n${digits(random, 40)}\n-----END ${kind}PRIVATE KEY-----`;
  },
};

/** Somebody who does not exist. */
export function name(random: Random): string {
  return oneOf(random, surnames) + oneOf(random, given);
}

function full(text: string): string {
  return [...text].map((digit) => String.fromCharCode(digit.charCodeAt(0) + 0xfee0)).join("");
}

function luhn(digits: string): string {
  const sum = [...digits].reverse().reduce((all, digit, at) => {
    const value = Number(digit) * (at % 2 === 0 ? 2 : 1);
    return all + (value > 9 ? value - 9 : value);
  }, 0);
  return digits + String((10 - (sum % 10)) % 10);
}
