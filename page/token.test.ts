import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Admission, sessionSeconds } from "./token";

const token = "token-of-the-tests-0123";
const address = "10.0.0.1";

function admission() {
  const clock = { now: Date.parse("2026-01-31T12:00:00Z") };
  return { clock, gate: new Admission({ value: token }, () => clock.now) };
}

describe("the token of the operators' page", () => {
  it.each(["", "short", "with a space in the middle", "비밀번호비밀번호비밀번호비밀번호"])(
    "is not %j, which could be guessed or not be sent",
    (value) => {
      expect(() => new Admission({ value })).toThrow(/at least 16 characters/);
    },
  );

  it("opens as a Bearer token, and nothing else does", () => {
    const { gate } = admission();
    expect(gate.admits({ authorization: `Bearer ${token}`, address })).toBe("yes");
    expect(gate.admits({ authorization: `bearer ${token}`, address })).toBe("yes");
    expect(gate.admits({ address })).toBe("no");
    expect(gate.admits({ authorization: `Basic ${token}`, address })).toBe("no");
    expect(gate.admits({ authorization: `Bearer ${token}x`, address })).toBe("wrong");
  });

  it("is read again from its file, and stays what it was while the file is gone", () => {
    const directory = mkdtempSync(join(tmpdir(), "page-token-"));
    const file = join(directory, "token");
    const clock = { now: Date.now() };
    try {
      expect(() => new Admission({ file })).toThrow(/cannot be read \(ENOENT\)/);
      writeFileSync(file, `${token}\n`);
      const gate = new Admission({ file }, () => clock.now);
      const before = gate.session();
      expect(gate.tries(token, address)).toBe("yes");
      writeFileSync(file, `another-${token}\n`);
      clock.now += 1001;
      expect(gate.tries(`another-${token}`, address)).toBe("yes");
      expect(gate.admits({ cookie: before, address })).toBe("no");
      rmSync(file);
      clock.now += 1001;
      expect(gate.tries(`another-${token}`, address)).toBe("yes");
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it("cannot be guessed at: after ten wrong ones an address waits, also with the right one", () => {
    const { gate } = admission();
    const guesses = Array.from({ length: 12 }, (_, n) => gate.tries(`guess-${n}`, address));
    expect(guesses).toEqual([...Array(10).fill("wrong"), "too many", "too many"]);
    expect(gate.tries(token, address)).toBe("too many");
    expect(gate.tries(token, "10.0.0.2")).toBe("yes");
    expect(gate.admits({ cookie: gate.session(), address })).toBe("yes");
  });

  it("cannot be guessed at from many addresses either", () => {
    const { gate } = admission();
    for (let n = 0; n < 100; n++) gate.tries("guess", `10.1.0.${n}`);
    expect(gate.tries("guess", "10.2.0.1")).toBe("too many");
  });
});

describe("a session", () => {
  it("is known by every node that has the token, until it ends", () => {
    const { clock, gate } = admission();
    const cookie = gate.session();
    const elsewhere = new Admission({ value: token }, () => clock.now);
    expect(elsewhere.admits({ cookie, address })).toBe("yes");
    clock.now += sessionSeconds * 1000 + 1000;
    expect(elsewhere.admits({ cookie, address })).toBe("no");
  });

  it("cannot be made or lengthened without the token", () => {
    const { gate } = admission();
    const [end, signature] = gate.session().split(".");
    const forged = [
      ...["", ".", `${end}.`, `.${signature}`, `${end}`, `NaN.${signature}`],
      ...[`${Number(end) + 1}.${signature}`, `${end}.${"A".repeat(43)}`, `0${end}.${signature}x`],
    ];
    for (const cookie of forged) expect(gate.admits({ cookie, address })).toBe("no");
  });
});
