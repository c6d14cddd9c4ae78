import { describe, expect, it } from "vitest";
import { foundIn } from "./found-in.fixture";

describe("phone", () => {
  it.each([
    "010-1234-5678",
    "010 1234 5678",
    "010.1234.5678",
    "01012345678",
    "011-234-5678",
    "02-555-0123",
    "(02) 555-0123",
    "031-555-0123",
    "070-1234-5678",
    "+82 10-1234-5678",
    "82-10-1234-5678",
    "0082 10 1234 5678",
    "821012345678",
    "8210-1234-5678",
    "+82-(0)10-1234-5678",
    "010-1234-\n5678",
    "010\t1234\t5678",
    "010  1234  5678",
    "010. 1234. 5678",
    "010/1234/5678",
    "010_1234_5678",
    "010~1234~5678",
    "010\\-1234\\-5678",
    "010&nbsp;1234&#45;5678",
    "010%201234%2D5678",
    "+1 212 555 0123",
    "(212) 555-0123",
    "+44 20 7946 0958",
    "공일공 일이삼사 오육칠팔",
    "공 일 공 일 이 삼 사 오 육 칠 팔",
    "공일공 1234 5678",
    "공1공-1234-5678",
    "공일공에 일이삼사에 오육칠팔",
    "공일공 다시 일이삼사 다시 오육칠팔",
  ])("is found as %s", (spelt) => {
    expect(foundIn(`call ${spelt}, please`)).toEqual([`phone: ${spelt}`]);
  });

  it.each([
    ["TEL.", ""],
    ["H.P.", ""],
    ["HP", ""],
    ["_", "_"],
    ["**__", "__**"],
    ["\\n", "\\n"],
    ["\\uc804\\ud654", ""],
    ["?tel=%2B", "&x=1"],
    ["", ".Thanks"],
  ])("is found between %s and %s", (before, behind) => {
    const text = `see ${before}010-1234-5678${behind} there`;
    expect(foundIn(text.replace("%2B0", "%2B82"))).toHaveLength(1);
    expect(foundIn(text)).toEqual(["phone: 010-1234-5678"]);
  });

  it("ends with its own number, and not with one behind it", () => {
    expect(foundIn("+82 10-1234-5678 2개")).toEqual(["phone: +82 10-1234-5678"]);
    expect(foundIn("+1 212 555 0123 2 boxes")).toEqual(["phone: +1 212 555 0123"]);
    expect(foundIn("+44 20 7946 0958\n3")).toEqual(["phone: +44 20 7946 0958"]);
  });

  it("is found in one piece that begins with an area only beside a word for it", () => {
    expect(foundIn("전화 0315550123")).toEqual(["phone: 0315550123"]);
    expect(foundIn("주문 0315550123")).toEqual([]);
    expect(foundIn("0315550123")).toEqual([]);
  });

  it("is no sum, and no name that a program gives to a call or a contact", () => {
    for (const text of [
      "1234567890+9876543210",
      "x+123456789",
      "f(x)+4294967296",
      '"contact_id": 2345678901',
    ]) {
      expect(foundIn(text), text).toEqual([]);
    }
    expect(foundIn("2345678901", "contactId")).toEqual([]);
    expect(foundIn("Tel+44 20 7946 0958")).toEqual(["phone: +44 20 7946 0958"]);
    expect(foundIn("?text=call+14155552671")).toEqual(["phone: +14155552671"]);
    expect(foundIn("caller id 2125551234")).toEqual(["phone: 2125551234"]);
  });

  it("is found with figures first, or with a verb right behind", () => {
    for (const spelt of [
      "010 일이삼사 오육칠팔",
      "010-1234-오육칠팔",
      "공일공 일이삼사 오육칠팔",
    ]) {
      expect(foundIn(`제 번호 ${spelt}이에요`)).toEqual([`phone: ${spelt}`]);
    }
    expect(foundIn("010, 1234, 5678 그리고 010 이번 주")).toEqual([]);
    expect(foundIn("공일공 일이삼사 오육칠팔이구")).toEqual([]);
  });

  it.each([
    "1588-0000",
    "010-1234-567",
    "010-12345-6789",
    "v010-1234-5678",
    "2024-01-05",
    "010-1234-5678-9",
    "3.1415926535",
    "공일공 프로젝트",
    "MY_010-1234-5678",
    "02\n555\n0123",
    "212/555/0123",
    "/2008/01/01891270",
    "- 010\n- 1234\n- 5678",
  ])("is not %s", (other) => {
    expect(foundIn(`see ${other} there`)).toEqual([]);
  });
});
