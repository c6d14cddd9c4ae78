import { describe, expect, it } from "vitest";
import { RedisUnavailable } from "../redis/connection";
import { SharedView } from "./shared-view";

/** A view with a clock of its own, and what was looked at. */
function view(look: () => Promise<void> = async () => undefined) {
  const clock = { now: 5000 };
  const looks: string[][] = [];
  const shared = new SharedView(
    (names) => {
      looks.push([...names]);
      return look();
    },
    () => clock.now,
  );
  return { shared, clock, looks };
}

describe("what nodes know together", () => {
  it("is looked at once a second, however many requests there are", async () => {
    const { shared, clock, looks } = view();
    await Promise.all(Array.from({ length: 500 }, () => shared.renew(["a", "b"])));
    expect(looks).toEqual([["a", "b"]]);
    clock.now += 999;
    expect(shared.renew(["b", "a"])).toBeUndefined();
    clock.now += 1;
    await shared.renew(["b", "a"]);
    expect(looks).toHaveLength(2);
  });

  it("is looked at apart by requests for other names", async () => {
    const { shared, looks } = view();
    await shared.renew(["a"]);
    await shared.renew(["b"]);
    expect(looks).toEqual([["a"], ["b"]]);
  });

  it("is looked at again when this node has told something", async () => {
    const { shared, looks } = view();
    await shared.renew(["a"]);
    shared.forget();
    await shared.renew(["a"]);
    expect(looks).toHaveLength(2);
  });

  it("holds up no request while Redis does not answer, and no other one within the second", async () => {
    const { shared, looks } = view(() => Promise.reject(new RedisUnavailable("down", false)));
    await expect(shared.renew(["a"])).resolves.toBeUndefined();
    expect(shared.renew(["a"])).toBeUndefined();
    expect(looks).toHaveLength(1);
  });

  it("tells a mistake of ours as one", async () => {
    const { shared } = view(() => Promise.reject(new TypeError("ours")));
    await expect(shared.renew(["a"])).rejects.toThrow("ours");
  });
});
