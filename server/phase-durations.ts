// How long phases take, as a Prometheus histogram. prom-client's own checks and sorts its labels at each
// observe(), which takes longer than the rest of a short phase; here they are looked up once a phase
// is new, and prom-client writes what was counted.

import { type Metric, register } from "prom-client";

const name = "llm_plugin_server_phase_duration_seconds";
const help = "Time from the start of a phase to its last answer";
/** Upper bounds of the buckets, in seconds. */
export const bounds = [
  ...[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05],
  ...[0.1, 0.25, 0.5, 1, 2.5, 10, 30, 60],
];

/** Durations of one phase of one plugin. */
class PhaseDurations {
  /** How many ended within each bound and not within the one before; the last: none of them. */
  readonly #counts = new Array<number>(bounds.length + 1).fill(0);
  #sum = 0;

  constructor(
    readonly plugin: string,
    readonly phase: string,
  ) {}

  /** Counts one phase of so many seconds, Kong's own part in between included. */
  observe(seconds: number): void {
    let at = 0;
    while (at < bounds.length && seconds > bounds[at]!) at++;
    this.#counts[at]!++;
    this.#sum += seconds;
  }

  /** Its series, as the text format has them. */
  series(): object[] {
    const labels = { plugin: this.plugin, phase: this.phase };
    let count = 0;
    const buckets = [...bounds, "+Inf"].map((le, at) => {
      count += this.#counts[at]!;
      return { metricName: `${name}_bucket`, labels: { le, ...labels }, value: count };
    });
    return [
      ...buckets,
      { metricName: `${name}_sum`, labels, value: this.#sum },
      { metricName: `${name}_count`, labels, value: count },
    ];
  }
}

const all = new Map<string, Map<string, PhaseDurations>>();

/** Where the durations of this phase are counted. */
export function durationsOf(plugin: string, phase: string): PhaseDurations {
  return all.get(plugin)?.get(phase) ?? first(plugin, phase);
}

function first(plugin: string, phase: string): PhaseDurations {
  const made = new PhaseDurations(plugin, phase);
  const phases = all.get(plugin) ?? new Map<string, PhaseDurations>();
  all.set(plugin, phases.set(phase, made));
  return made;
}

const description = { name, help, type: "histogram", aggregator: "sum" };
const histogram = {
  ...description,
  labelNames: ["plugin", "phase"],
  async get() {
    const phases = [...all.values()].flatMap((plugin) => [...plugin.values()]);
    return { ...description, values: phases.flatMap((phase) => phase.series()) };
  },
};
// A registry asks no more of a metric; the type knows prom-client's own only.
register.registerMetric(histogram as unknown as Metric);
