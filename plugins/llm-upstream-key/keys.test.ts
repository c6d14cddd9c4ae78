import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Allowance } from "../../stages/allowance";
import { log } from "../../stages/log";
import { KeyRing } from "./keys";

const value = (text: string, weight = 1) => ({ value: text, file: "", weight });
const file = (path: string, weight = 1) => ({ value: "", file: path, weight });

/** The keys that the ring chooses at evenly spread chances. */
function chosen(ring: KeyRing, now: number, times = 100): Record<string, number> {
  const counts: Record<string, number> = {};
  for (let at = 0; at < times; at++) {
    const key = ring.choose(now, at / times)?.value ?? "none";
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}

describe("llm-upstream-key", () => {
  const warn = vi.spyOn(log, "warn").mockImplementation(() => undefined);
  afterEach(() => void warn.mockClear());

  describe("chooses", () => {
    it("each key as often as its weight says", () => {
      const ring = new KeyRing([value("a"), value("b", 3), value("c", 6)]);
      expect(chosen(ring, 0)).toEqual({ a: 10, b: 30, c: 60 });
    });

    it("the only key each time", () => {
      expect(chosen(new KeyRing([value("a", 5)]), 0)).toEqual({ a: 100 });
    });

    it("no key where none is configured, and none that is empty", () => {
      expect(new KeyRing([]).choose(0, 0)).toBeUndefined();
      expect(new KeyRing([value("")]).choose(0, 0)).toBeUndefined();
      expect(chosen(new KeyRing([value(""), value("b"), value(" \n")]), 0)).toEqual({ b: 100 });
    });

    it("a key without the line ends around it", () => {
      expect(new KeyRing([value("  a\r\n")]).choose(0, 0)?.value).toBe("a");
    });

    it.each(["a\r\nX-Admin: 1", "ä", "a\0"])("no key that a header cannot carry: %j", (text) => {
      expect(new KeyRing([value(text)]).choose(0, 0)).toBeUndefined();
    });
  });

  describe("what the upstream says is left", () => {
    const left = (requests: number, resetAt = 60_000, heardAt = 1000) => ({
      ...{ requests: { left: requests, resetAt }, heardAt },
    });
    const told = (ring: KeyRing, known: (Allowance | undefined)[], now = 2000) =>
      [0, 0.5, 0.99].map((chance) => ring.choose(now, chance, (at) => known[at])?.value);

    it("gives the key with most of it each request, and equals by weight", () => {
      const ring = new KeyRing([value("a"), value("b"), value("c")]);
      expect(told(ring, [left(5), left(50), left(6)])).toEqual(["b", "b", "b"]);
      expect(told(ring, [left(5), left(50), left(50)])).toEqual(["b", "c", "c"]);
    });

    it("leaves out a key that said zero, until its reset", () => {
      const ring = new KeyRing([value("a"), value("b")]);
      expect(told(ring, [left(0), undefined])).toEqual(["b", "b", "b"]);
      expect(told(ring, [left(0), undefined], 60_000)).toEqual(["a", "b", "b"]);
      expect(told(ring, [left(0, 60_000), left(0, 50_000)])).toEqual(["b", "b", "b"]);
    });

    it("is asked of keys that are awake alone", () => {
      const ring = new KeyRing([value("a"), value("b"), value("c")]);
      ring.rest(1, 1000, 1500, 30);
      expect(told(ring, [left(5), left(50), left(6)])).toEqual(["c", "c", "c"]);
      expect(ring.another(2, 2000, 0, (at) => [left(5), left(50), left(6)][at])?.value).toBe("a");
      expect(ring.another(2, 2000, 0, () => left(0))).toBeUndefined();
    });
  });

  describe("a key that the upstream refused", () => {
    it("rests while others serve, and comes back by itself", () => {
      const ring = new KeyRing([value("a"), value("b")]);
      ring.rest(0, 1000, 2000, 30);
      expect(chosen(ring, 2000)).toEqual({ b: 100 });
      expect(chosen(ring, 31_999)).toEqual({ b: 100 });
      expect(chosen(ring, 32_000)).toEqual({ a: 50, b: 50 });
    });

    it("leaves its share to the others by their weights", () => {
      const ring = new KeyRing([value("a", 10), value("b", 1), value("c", 3)]);
      ring.rest(0, 1000, 2000, 30);
      expect(chosen(ring, 2000)).toEqual({ b: 25, c: 75 });
    });

    it("serves all the same when it is the only one", () => {
      const ring = new KeyRing([value("a")]);
      ring.rest(0, 1000, 2000, 30);
      expect(chosen(ring, 2000)).toEqual({ a: 100 });
      expect(ring.states(2000)).toEqual([false]);
    });

    it("serves when all rest and it wakes first", () => {
      const ring = new KeyRing([value("a"), value("b"), value("")]);
      ring.rest(0, 1000, 2000, 60);
      ring.rest(1, 1000, 2000, 30);
      expect(chosen(ring, 2000)).toEqual({ b: 100 });
    });

    it("rests no shorter because of an earlier answer, and never longer than an hour", () => {
      const ring = new KeyRing([value("a"), value("b")]);
      ring.rest(0, 1000, 2000, 999_999);
      ring.rest(0, 1000, 2100, 1);
      expect(ring.states(3_601_999)).toEqual([false, true]);
      expect(ring.states(3_602_000)).toEqual([true, true]);
    });

    it("is awake again when a later request with it succeeds, but not by an earlier one", () => {
      const ring = new KeyRing([value("a")]);
      ring.rest(0, 1000, 2000, 30);
      expect(ring.serve(0, 1999, 2400)).toBe(false);
      expect(ring.states(2500)).toEqual([false]);
      expect(ring.serve(0, 2000, 2400)).toBe(true);
      expect(ring.states(2500)).toEqual([true]);
    });

    it("is not let rest again by a refusal that is older than that", () => {
      const ring = new KeyRing([value("a")]);
      ring.rest(0, 1000, 2000, 30);
      ring.serve(0, 2000, 2400);
      expect(ring.rest(0, 1900, 2300, 30)).toBe(false);
      expect(ring.states(2500)).toEqual([true]);
      expect(ring.rest(0, 2450, 2500, 30)).toBe(true);
      expect(ring.states(2500)).toEqual([false]);
    });

    it("may be one that is configured no more", () => {
      const ring = new KeyRing([value("a")]);
      ring.rest(7, 1000, 2000, 30);
      ring.serve(-1, 3000, 3000);
      expect(ring.states(2500)).toEqual([true]);
    });
  });

  describe("a key in a file", () => {
    let directory: string;
    let path: string;
    beforeEach(() => {
      directory = mkdtempSync(join(tmpdir(), "upstream-key-"));
      path = join(directory, "key");
    });
    afterEach(() => rmSync(directory, { recursive: true }));

    it("is used within a second after it changed", () => {
      writeFileSync(path, "first\n");
      const ring = new KeyRing([file(path)]);
      expect(ring.choose(5000, 0)?.value).toBe("first");
      writeFileSync(path, "other\n");
      expect(ring.choose(5999, 0)?.value).toBe("first");
      expect(ring.choose(6000, 0)?.value).toBe("other");
    });

    it("is followed where Kubernetes turns the symlink of a secret", () => {
      for (const version of ["1", "2"]) {
        mkdirSync(join(directory, version));
        writeFileSync(join(directory, version, "key"), `key-${version}`);
      }
      symlinkSync("1", join(directory, "..data"));
      symlinkSync(join("..data", "key"), path);
      const ring = new KeyRing([file(path)]);
      expect(ring.choose(0, 0)?.value).toBe("key-1");
      symlinkSync("2", join(directory, "..data_tmp"));
      renameSync(join(directory, "..data_tmp"), join(directory, "..data"));
      expect(ring.choose(1000, 0)?.value).toBe("key-2");
    });

    it("stays in use while its file is gone or empty, and says so once each", () => {
      writeFileSync(path, "first");
      const ring = new KeyRing([file(path)]);
      ring.choose(0, 0);
      writeFileSync(path, "");
      for (const now of [1000, 2000]) expect(ring.choose(now, 0)?.value).toBe("first");
      rmSync(path);
      for (const now of [3000, 4000]) expect(ring.choose(now, 0)?.value).toBe("first");
      expect(warn.mock.calls.map(([, message]) => message)).toEqual([
        "upstream key 0 stays as it was: its file is empty",
        "upstream key 0 stays as it was: its file cannot be read (ENOENT)",
      ]);
    });

    it("serves as soon as its file is there", () => {
      const ring = new KeyRing([file(path)]);
      expect(ring.choose(0, 0)).toBeUndefined();
      writeFileSync(path, "first");
      expect(ring.choose(1000, 0)?.value).toBe("first");
    });

    it("wakes when another takes its place, and does not rest for what its forerunner did", () => {
      writeFileSync(path, "revoked");
      const ring = new KeyRing([file(path), value("b")]);
      ring.choose(0, 0);
      ring.rest(0, 0, 500, 30);
      expect(chosen(ring, 500)).toEqual({ b: 100 });
      writeFileSync(path, "rotated");
      expect(chosen(ring, 1000)).toEqual({ rotated: 50, b: 50 });
      ring.rest(0, 999, 1500, 30);
      expect(ring.states(1500)).toEqual([true, true]);
      ring.rest(0, 1000, 1600, 30);
      expect(ring.states(1600)).toEqual([false, true]);
    });

    it("has another mark when another takes its place", () => {
      writeFileSync(path, "first");
      const ring = new KeyRing([file(path), value("b")]);
      const [before] = ring.marks("openai", 0);
      writeFileSync(path, "other");
      expect(ring.marks("openai", 1000)[0]).not.toBe(before);
      // What others have seen of it before this node knew it is as new to it.
      ring.adopt(0, { since: 500, until: 30_500 }, 1000);
      expect(ring.states(1000)).toEqual([false, true]);
    });

    it("gives way to a value", () => {
      writeFileSync(path, "from the file");
      expect(new KeyRing([{ value: "v", file: path, weight: 1 }]).choose(0, 0)?.value).toBe("v");
    });
  });

  describe("what other nodes know of a key", () => {
    it("is taken over where it is later than what is known here", () => {
      const ring = new KeyRing([value("a"), value("b")]);
      ring.adopt(0, { since: 1000, until: 31_000 }, 1500);
      expect(chosen(ring, 30_999)).toEqual({ b: 100 });
      ring.adopt(0, { since: 1000, until: 0 }, 1500);
      expect(ring.states(2000)).toEqual([false, true]);
      ring.adopt(0, { since: 1001, until: 0 }, 1500);
      expect(ring.states(2000)).toEqual([true, true]);
    });

    it("is not disproved by a request that went out before it was known here", () => {
      const ring = new KeyRing([value("a"), value("b")]);
      ring.adopt(0, { since: 1000, until: 31_000 }, 1500);
      expect(ring.serve(0, 1400, 1600)).toBe(false);
      // The same again, by a clock that is a little off.
      ring.adopt(0, { since: 1002, until: 31_002 }, 2500);
      expect(ring.serve(0, 1500, 2600)).toBe(true);
      expect(ring.states(2600)).toEqual([true, true]);
    });

    it("lets no key rest for over an hour, and none that is not there", () => {
      const ring = new KeyRing([value("a"), value("b")]);
      ring.adopt(0, { since: 1000, until: 9e15 }, 1000);
      ring.adopt(7, { since: 1000, until: 9e15 }, 1000);
      expect(ring.states(3_600_999)).toEqual([false, true]);
      expect(ring.states(3_601_000)).toEqual([true, true]);
    });

    it("is about a mark that tells keys apart and is too short to find one by", () => {
      const [ring, other] = [
        new KeyRing([value("sk-1"), value("sk-2")]),
        new KeyRing([value("sk-3"), value("sk-2")]),
      ];
      const marks = ring.marks("openai", 0);
      for (const mark of marks) expect(mark).toMatch(/^[0-9a-f]{3}$/);
      expect(other.marks("openai", 0)[1]).toBe(marks[1]);
      expect(other.marks("openai", 0)[0]).not.toBe(marks[0]);
      expect(ring.marks("azure", 0)).not.toEqual(marks);
      // The same key at another place is another one: it may rest there for other reasons.
      expect(new KeyRing([value("sk-2"), value("sk-1")]).marks("openai", 0)).not.toContain(
        marks[0],
      );
    });

    it("is asked of none that is the only one, or that is empty", () => {
      expect(new KeyRing([value("sk-1")]).marks("openai", 0)).toEqual([undefined]);
      expect(new KeyRing([value("sk-1"), value("")]).marks("openai", 0)[1]).toBeUndefined();
    });
  });

  it("shows no key in logs, dumps or JSON of its state", () => {
    const ring = new KeyRing([value("sk-secret"), value("sk-secret\nbroken")]);
    ring.rest(0, 0, 0, 30);
    const shown = [
      inspect(ring, { depth: 9, showHidden: true }),
      JSON.stringify(ring),
      JSON.stringify(warn.mock.calls),
    ].join("\n");
    expect(shown).toContain("holds characters that no header can carry");
    expect(shown).not.toContain("sk-secret");
  });
});
