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

  it("is told with the place of each character that is left", () => {
    const { text, places } = plainOf("a\u200bＢ");
    expect(text).toBe("aB");
    expect([...places.subarray(0, 3)]).toEqual([0, 2, 3]);
  });
});
