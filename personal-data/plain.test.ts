import { describe, expect, it } from "vitest";
import { foundIn } from "./found-in.fixture";
import { plainOf } from "./plain";

describe("what hides a number from programs alone", () => {
  it.each([
    "０１０-１２３４-５６７８",
    "010\u2011١٢٣٤\u20115678",
    "010\u00a01234\u30005678",
    "010\u200b-1234-\u20605678",
    "010ㅡ1234ㅡ5678",
    "010·1234·5678",
    "010\u31641234\u28005678",
    "0\ufe0f\u20e31\ufe0f\u20e30\ufe0f\u20e3-1234-5678",
    "010\u{e0020}-1234-5678",
  ])("hides nothing: %s", (spelt) => {
    expect(foundIn(`전화 ${spelt} 로`)).toEqual([`phone: ${spelt}`]);
  });

  it.each([
    ["주민등록번호 900101-1234567", "900101-1234567"],
    ["국민은행 123456-04-123456", "123456-04-123456"],
    ["여권번호 M12345678", "M12345678"],
    ["주소: 서울 강남구 테헤란로 152 (역삼동)", "서울 강남구 테헤란로 152 (역삼동)"],
    ["메일 홍길동@example.com 으로", "홍길동@example.com"],
    ["번호 공일공 일이삼사 오육칠팔 입니다", "공일공 일이삼사 오육칠팔"],
    ["José@example.com", "José@example.com"],
  ])("hides nothing where letters come in parts, as macOS spells them: %s", (text, value) => {
    const [found, ...others] = foundIn(text.normalize("NFD"));
    expect(found).toMatch(/^\w+: /);
    expect(found!.replace(/^\w+: /, "")).toBe(value.normalize("NFD"));
    expect(others).toEqual([]);
  });

  it("hides nothing by lines through or under its digits", () => {
    const [found] = foundIn("0\u03321\u03320\u0332-1234-5678");
    expect(found).toBe("phone: 0\u03321\u03320\u0332-1234-5678");
    expect(foundIn("M12345678", "여권번호".normalize("NFD"))).toEqual(["passport: M12345678"]);
  });

  it("is told with the place of each character that is left", () => {
    const { text, places } = plainOf("a\u200bＢ");
    expect(text).toBe("aB");
    expect([...places.subarray(0, 3)]).toEqual([0, 2, 3]);
  });
});
