import { describe, expect, it } from "vitest";
import { namedIn } from "./support/promql";

describe("the names in a PromQL expression", () => {
  it("are its metrics with the labels of their matchers, and its groupings", () => {
    const expression =
      'topk(3, sum by (le, model) (rate(a_bucket{x=~"b{c|d}",y!="e"}[5m:1m] offset 1h)) / on (job) group_left b_total) > 1e3';
    expect(namedIn(expression)).toEqual({
      metrics: [
        { name: "a_bucket", labels: ["x", "y"] },
        { name: "b_total", labels: [] },
      ],
      grouped: ["le", "model", "job"],
    });
  });

  it.each(["sum(rate(a[5m])", 'a{b="c"', "a[5m", 'a{b="c")', "a{b=c}"])(
    "are not in %s",
    (broken) => {
      expect(() => namedIn(broken)).toThrow();
    },
  );
});
