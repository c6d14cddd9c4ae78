import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { inTurn } from "./large-bodies";

const megabytes = (count: number) => count * 1024 * 1024;

describe("kong", () => {
  describe("large bodies", () => {
    let begun: string[];
    let end: Map<string, () => void>;
    let all: Promise<unknown>[];

    function decide(name: string, bytes: number): void {
      const decision = () => {
        begun.push(name);
        return new Promise<string>((resolve) => end.set(name, () => resolve(name)));
      };
      all.push(inTurn(bytes, decision));
    }
    const settled = () => vi.advanceTimersByTimeAsync(0);

    beforeEach(() => {
      vi.useFakeTimers();
      begun = [];
      end = new Map();
      all = [];
    });
    afterEach(async () => {
      while (end.size > 0) {
        for (const [name, done] of end) {
          end.delete(name);
          done();
        }
        await settled();
      }
      await Promise.all(all);
      vi.useRealTimers();
    });

    it("wait while others of so many bytes are decided about, in the order in which they came", async () => {
      for (const name of ["a", "b", "c", "d", "e", "f"]) decide(name, megabytes(8));
      await settled();
      expect(begun).toEqual(["a", "b"]);
      end.get("b")!();
      end.delete("b");
      await settled();
      expect(begun).toEqual(["a", "b", "c"]);
    });

    it("do not keep others waiting", async () => {
      for (const name of ["a", "b"]) decide(name, megabytes(16));
      decide("small", 1000);
      expect(begun).toEqual(["a", "small"]);
    });

    it("are read alone where one is longer than all that may be", async () => {
      decide("long", megabytes(100));
      decide("other", megabytes(2));
      await settled();
      expect(begun).toEqual(["long"]);
    });

    it("are let in after a while, whoever is still at it", async () => {
      for (const name of ["a", "b"]) decide(name, megabytes(16));
      await vi.advanceTimersByTimeAsync(7999);
      expect(begun).toEqual(["a"]);
      await vi.advanceTimersByTimeAsync(1);
      expect(begun).toEqual(["a", "b"]);
    });

    it("give their place back where a decision fails", async () => {
      const failed = inTurn(megabytes(16), () => Promise.reject(new Error("no")));
      await expect(failed).rejects.toThrow("no");
      decide("next", megabytes(16));
      expect(begun).toEqual(["next"]);
    });
  });
});
