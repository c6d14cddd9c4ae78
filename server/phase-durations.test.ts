import { Histogram, Registry, register } from "prom-client";
import { describe, expect, it } from "vitest";
import { bounds, durationsOf } from "./phase-durations";

const name = "llm_plugin_server_phase_duration_seconds";

describe("server", () => {
  it("shows the durations of phases as prom-client would", async () => {
    const own = new Registry();
    const theirs = new Histogram({
      ...{ name, help: "Time from the start of a phase to its last answer", buckets: bounds },
      ...{ labelNames: ["plugin", "phase"], registers: [own] },
    });
    const seconds = [0, 0.0004, 0.0005, 0.0006, 0.01, 0.3, 60, 60.5, 1000];
    for (const [plugin, phase, times] of [
      ["one", "access", 3],
      ["one", "log", 1],
      ["two", "access", 2],
    ] as const) {
      for (const each of seconds.slice(times)) {
        durationsOf(plugin, phase).observe(each);
        theirs.observe({ plugin, phase }, each);
      }
    }
    expect(lines(await register.getSingleMetricAsString(name))).toEqual(lines(await own.metrics()));
  });
});

/** Prometheus does not care in which order labels stand. */
function lines(text: string): string[] {
  const sorted = (labels: string) => `{${labels.slice(1, -1).split(",").sort().join(",")}}`;
  return text
    .trim()
    .split("\n")
    .map((line) => line.replace(/\{.*\}/, sorted));
}
