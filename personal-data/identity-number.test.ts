import { describe, expect, it } from "vitest";
import { foundIn } from "./found-in.fixture";

describe("resident_number", () => {
  it.each(["900101-1234568", "9001011234568"])("is found as %s by its check digit", (spelt) => {
    expect(foundIn(`고객 ${spelt}`)).toEqual([`resident_number: ${spelt}`]);
  });

  it("needs no check digit beside a word for it, nor of the births since October 2020", () => {
    expect(foundIn("주민등록번호 900101-1234567")).toEqual(["resident_number: 900101-1234567"]);
    expect(foundIn("900101-1234567", "jumin_no")).toEqual(["resident_number: 900101-1234567"]);
    expect(foundIn("201105-3123456")).toEqual(["resident_number: 201105-3123456"]);
  });

  it.each([
    "900101-1234567",
    "901301-1234568",
    "900230-1234568",
    "991231-7123456",
    "9001011234567",
    // A time in milliseconds and one of a day, whose last digits fit.
    "1602216557721",
    "230131-0013342",
  ])("is not %s", (other) => {
    expect(foundIn(`see ${other}`)).toEqual([]);
  });
});

describe("business_number", () => {
  it("is found by its check digit, without hyphens beside a word for it", () => {
    expect(foundIn("120-81-47521")).toEqual(["business_number: 120-81-47521"]);
    expect(foundIn("사업자 1208147521")).toEqual(["business_number: 1208147521"]);
  });

  it("is not a number with another check digit, or one that is said to be another", () => {
    expect(foundIn("120-81-47522")).toEqual([]);
    expect(foundIn("주문번호 120-81-47521")).toEqual([]);
    expect(foundIn("1208147521")).toEqual([]);
  });
});

describe("driving_licence", () => {
  it("is found by its region, as a number or a name", () => {
    expect(foundIn("11-05-123456-78")).toEqual(["driving_licence: 11-05-123456-78"]);
    expect(foundIn("서울 05-123456-78")).toEqual(["driving_licence: 05-123456-78"]);
  });

  it("is not of a region that there is not", () => {
    expect(foundIn("31-05-123456-78")).toEqual([]);
    expect(foundIn("license key 123456789012")).toEqual([]);
    expect(foundIn("05-123456-78")).toEqual([]);
  });
});

describe("passport", () => {
  it("is found beside a word for it, a Korean one of today alone", () => {
    expect(foundIn("여권 M12345678")).toEqual(["passport: M12345678"]);
    expect(foundIn("passport 123456789")).toEqual(["passport: 123456789"]);
    expect(foundIn("M123A4567")).toEqual(["passport: M123A4567"]);
    expect(foundIn("여권번호 m12345678, m123a4567")).toEqual([
      "passport: m12345678",
      "passport: m123a4567",
    ]);
  });

  it.each(["M12345678", "X123A4567", "m123a4567", "M123A45678", "주문 M123A4567"])(
    "is not %s",
    (other) => {
      expect(foundIn(other)).toEqual([]);
    },
  );
});

describe("us_ssn", () => {
  it("is found with hyphens, without them beside a word for it", () => {
    expect(foundIn("536-22-1234")).toEqual(["us_ssn: 536-22-1234"]);
    expect(foundIn("ssn 536221234")).toEqual(["us_ssn: 536221234"]);
  });

  it.each(["000-22-1234", "666-22-1234", "936-22-1234", "536-00-1234", "536-22-0000", "536221234"])(
    "is not %s",
    (other) => {
      expect(foundIn(other)).toEqual([]);
    },
  );
});
