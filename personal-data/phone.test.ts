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
    "+1 212 555 0123",
    "(212) 555-0123",
    "+44 20 7946 0958",
    "공일공 일이삼사 오육칠팔",
  ])("is found as %s", (spelt) => {
    expect(foundIn(`call ${spelt}, please`)).toEqual([`phone: ${spelt}`]);
  });

  it("is found in one piece that begins with an area only beside a word for it", () => {
    expect(foundIn("전화 0315550123")).toEqual(["phone: 0315550123"]);
    expect(foundIn("주문 0315550123")).toEqual([]);
    expect(foundIn("0315550123")).toEqual([]);
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
  ])("is not %s", (other) => {
    expect(foundIn(`see ${other} there`)).toEqual([]);
  });
});
