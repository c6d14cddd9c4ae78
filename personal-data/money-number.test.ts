import { describe, expect, it } from "vitest";
import { foundIn } from "./found-in.fixture";

describe("card", () => {
  it.each([
    "4111111111111111",
    "4111-1111-1111-1111",
    "4111 1111 1111 1111",
    "5555 5555 5555 4444",
    "3782 822463 10005",
    "378282246310005",
    "4111-1111 1111-1111",
    "4111 1111\n1111 1111",
    "4111/1111/1111/1111",
    "3782 8224 6310 005",
    "4111  1111  1111  1111",
  ])("is found as %s", (spelt) => {
    expect(foundIn(`pay ${spelt} now`)).toEqual([`card: ${spelt}`]);
  });

  it("is found behind numbers that are none", () => {
    expect(foundIn("1234 5678 4111 1111 1111 1111")).toEqual(["card: 4111 1111 1111 1111"]);
    expect(foundIn("12 4111 1111 1111 1111")).toEqual(["card: 4111 1111 1111 1111"]);
  });

  it("is no four numbers of a long row, and stands beside other cards", () => {
    const row = "1234 2345 3456 4111 1111 1111 1111 5678 6789";
    expect(foundIn(row)).toEqual([]);
    const cards = ["4111 1111 1111 1111", "5555 5555 5555 4444", "4242 4242 4242 4242"];
    expect(foundIn(cards.join(" "))).toEqual(cards.map((card) => `card: ${card}`));
  });

  it("has thirteen digits only beside a word for it, as a product's number has as many", () => {
    expect(foundIn("상품 목록 4222222222222")).toEqual([]);
    expect(foundIn("visa 4222222222222")).toEqual(["card: 4222222222222"]);
  });

  it.each(["12/27", "123", "12/2027 CVC 123", "10", "7"])("is found before %s", (behind) => {
    expect(foundIn(`4111 1111 1111 1111 ${behind}`)).toEqual(["card: 4111 1111 1111 1111"]);
  });

  it("is found with all of its digits where a fifth group belongs to it", () => {
    expect(foundIn("4000 0000 0000 0000 006")).toEqual(["card: 4000 0000 0000 0000 006"]);
  });

  it.each(["이 상품을", "주문자", "I placed the order with", "상품 결제:"])(
    "is found behind words of something else, %s",
    (words) => {
      expect(foundIn(`${words} 4111-1111-1111-1111`)).toEqual(["card: 4111-1111-1111-1111"]);
    },
  );

  it.each([
    ...["4111111111111112", "1111111111111117", "x4111111111111111", "4111\n1111\n1111\n1111"],
    ...["주문 4111111111111111", "주문번호: 4111111111111111", "승인 번호는 4111-1111-1111-1111"],
  ])("is not %s", (other) => {
    expect(foundIn(other)).toEqual([]);
  });
});

describe("iban", () => {
  it.each([
    ...["DE89370400440532013000", "DE89 3704 0044 0532 0130 00", "GB82 WEST 1234 5698 7654 32"],
    ...["de89370400440532013000", "DE89-3704-0044-0532-0130-00"],
  ])("is found as %s", (spelt) => {
    expect(foundIn(`to ${spelt}.`)).toEqual([`iban: ${spelt}`]);
  });

  it.each([
    ...["DE88370400440532013000", "DE8937040044053201300", "ZZ89370400440532013000"],
    ...["4c76-ad13-673c32039688 46988c00-4477-46f2", "be21a6c3-ffaa-47ef-970c-0266a1b2c3d4"],
  ])("is not %s", (other) => {
    expect(foundIn(other)).toEqual([]);
  });
});

describe("bank_account", () => {
  it("is found beside a bank or a word for it", () => {
    expect(foundIn("국민은행 123456-78-901234")).toEqual(["bank_account: 123456-78-901234"]);
    expect(foundIn("하나 123-456789-01234")).toEqual(["bank_account: 123-456789-01234"]);
    expect(foundIn("123456789012", "account")).toEqual(["bank_account: 123456789012"]);
  });

  it("is found with spaces, before its bank, and beside a bank's name in English", () => {
    expect(foundIn("국민은행 123456 78 901234")).toEqual(["bank_account: 123456 78 901234"]);
    expect(foundIn("110-123-456789 (신한은행)")).toEqual(["bank_account: 110-123-456789"]);
    expect(foundIn("KB 123456-78-901234")).toEqual(["bank_account: 123456-78-901234"]);
    expect(foundIn("110-123-456789 신한 김민수")).toEqual(["bank_account: 110-123-456789"]);
    expect(foundIn("110123456789 국민은행")).toEqual(["bank_account: 110123456789"]);
    expect(foundIn("예금주 김민수 110-123-456789")).toEqual(["bank_account: 110-123-456789"]);
  });

  it.each([
    ...["입금 2024 05 01 100000", "송금 12345678901원", "우리 1234-567890 개"],
    ...["bank account id 1234567890123", "이체 일시 20240105102030", "입금일 20240105102030"],
    ...[
      "account balance: 1234567890",
      "account created_at: 1700000000000",
      "account_id 123456789012",
    ],
    ...["우체국 등기 1234567890123", "우체국 택배 1234567890123", "20240105102030,농협,50000"],
    ...["승인번호 1234567890 국민은행", "1234567890 국민 여러분"],
  ])("is not %s", (other) => {
    expect(foundIn(other)).toEqual([]);
  });

  it("is found behind what is said of an account", () => {
    expect(foundIn("bank account created, number 110-123-456789")).toEqual([
      "bank_account: 110-123-456789",
    ]);
    expect(foundIn("iban-DE89370400440532013000")).toHaveLength(1);
  });

  it("is not a number alone, nor one that is said to be another", () => {
    expect(foundIn("123456-78-901234")).toEqual([]);
    expect(foundIn("국민은행 주문번호 123456-78-901234")).toEqual([]);
  });
});
