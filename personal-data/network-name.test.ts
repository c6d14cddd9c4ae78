import { describe, expect, it } from "vitest";
import { foundIn } from "./found-in.fixture";

describe("email", () => {
  it.each(["kim.minsu@example.com", "a+b_c@mail.example.co.kr", "lee@xn--9t4b11yi5a.xn--3e0b707e"])(
    "is found as %s",
    (spelt) => {
      expect(foundIn(`메일은 ${spelt}입니다`)).toEqual([`email: ${spelt}`]);
    },
  );

  it.each(["@decorator", "user@localhost", "git@example.com:team/repo", "icon@2x.png", "a.@b.com"])(
    "is not %s",
    (other) => {
      expect(foundIn(`see ${other} there`)).toEqual([]);
    },
  );
});

describe("ip_address", () => {
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
    "requests==2.31.0.1",
    "::1",
    "std::vector",
    "12:30:45",
  ])("is not %s", (other) => {
    expect(foundIn(`see ${other} there`)).toEqual([]);
  });
});
