import { describe, expect, it } from "vitest";
import { foundIn } from "./found-in.fixture";

describe("email", () => {
  it.each(["kim.minsu@example.com", "a+b_c@mail.example.co.kr", "lee@xn--9t4b11yi5a.xn--3e0b707e"])(
    "is found as %s",
    (spelt) => {
      expect(foundIn(`메일은 ${spelt}입니다`)).toEqual([`email: ${spelt}`]);
    },
  );

  it("is found whole, whatever spells it", () => {
    expect(foundIn("?mail=kim%40example.com&x=1")).toEqual(["email: kim%40example.com"]);
    expect(foundIn("kim\\_minsu@example.com")).toEqual(["email: kim\\_minsu@example.com"]);
    expect(foundIn("o'brien@example.com")).toEqual(["email: o'brien@example.com"]);
    expect(foundIn("홍길동@example.com")).toEqual(["email: 홍길동@example.com"]);
    expect(foundIn("kim@예시.한국으로")).toEqual(["email: kim@예시.한국"]);
    expect(foundIn("a\\nkim@example.com")).toEqual(["email: kim@example.com"]);
  });

  it.each(["josé.garcía@example.com", "Élise@example.fr", "müller@münchen.de", "иван@пример.рф"])(
    "is found with letters of other languages, as %s",
    (spelt) => {
      expect(foundIn(`see ${spelt}, a×b`)).toEqual([`email: ${spelt}`]);
    },
  );

  it("is no product of matrices, and stands before brackets of people", () => {
    for (const code of ["q@k.transpose(-2, -1)", "x@w.sum(dim=1)", "A@B.transpose(1, 0)"]) {
      expect(foundIn(`out = ${code}`), code).toEqual([]);
    }
    for (const behind of ["(회사)", "(work)", "(1, 2)"]) {
      expect(foundIn(`kim@example.com${behind}`)).toEqual(["email: kim@example.com"]);
    }
  });

  it.each(["@decorator", "user@localhost", "git@example.com:team/repo", "icon@2x.png", "a.@b.com"])(
    "is not %s",
    (other) => {
      expect(foundIn(`see ${other} there`)).toEqual([]);
    },
  );
});

describe("ip_address", () => {
  it.each(["a server", "IPv4 서버 업데이트", "a driver", "표"])("is found behind %s", (words) => {
    expect(foundIn(`${words} 203.0.113.7 절대`)).toEqual(["ip_address: 203.0.113.7"]);
  });

  it.each(["203.0.113.7", "10.0.0.255", "2001:db8::8a2e:370:7334", "fe80::1ff:fe23:4567:890a"])(
    "is found as %s",
    (spelt) => {
      expect(foundIn(`from ${spelt} today`)).toEqual([`ip_address: ${spelt}`]);
    },
  );

  it.each([
    "127.0.0.1",
    "0.0.0.0",
    "256.1.1.1",
    "203.0.113.07",
    "10.0.0.0/8",
    "1.2.3",
    "1.2.3.4.5",
    "version 1.2.3.4",
    "section 4.2.1.3",
    "제3.1.2.4항",
    "펌웨어 10.2.3.4",
    ">=1.2.3.4",
    "1.2.3.4.tar.gz",
    "OID 1.3.6.1",
    "macOS 10.15.7.1",
    "\n## 1.2.3.4 Overview",
    "Whale/3.24.223.18",
    "OPR/106.0.0.0",
    "00:11:22:33:44:55:66:77",
    "requests==2.31.0.1",
    "::1",
    "std::vector",
    "12:30:45",
  ])("is not %s", (other) => {
    expect(foundIn(`see ${other} there`)).toEqual([]);
  });
});
