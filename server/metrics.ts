// What the plugin server counts about itself. Plain numbers on the hot path; Prometheus reads them
// when it scrapes.

import { Counter, Gauge, Histogram } from "prom-client";
import { version } from "../package.json";

/** Running totals and current sizes of this process. */
export const counts = {
  openEvents: 0,
  instances: 0,
  connections: 0,
  pdkCalls: 0,
  messages: [] as { method: string; count: number }[],
};

/** Where the messages of one method are counted. */
export function tallyOf(method: string): { count: number } {
  const tally = { method, count: 0 };
  counts.messages.push(tally);
  return tally;
}

new Gauge({
  name: "llm_build_info",
  help: "1, with the version of kong-llm and of Node that run here",
  labelNames: ["version", "node"] as const,
}).set({ version, node: process.versions.node }, 1);

gauge("open_events", "Phases that run now or wait for Kong", () => counts.openEvents);
gauge("instances", "Plugin instances, one for each config and Kong worker", () => counts.instances);
gauge("connections", "Connections of Kong's workers", () => counts.connections);

new Counter({
  name: "llm_plugin_server_pdk_calls_total",
  help: "Calls of Kong's plugin development kit that went to Kong",
  collect() {
    this.reset();
    this.inc(counts.pdkCalls);
  },
});

new Counter({
  name: "llm_plugin_server_messages_total",
  help: "Messages from Kong by method",
  labelNames: ["method"] as const,
  collect() {
    this.reset();
    for (const { method, count } of counts.messages) this.inc({ method }, count);
  },
});

/** Seconds, Kong's own part in between included. */
export const phaseDurations = new Histogram({
  name: "llm_plugin_server_phase_duration_seconds",
  help: "Time from the start of a phase to its last answer",
  labelNames: ["plugin", "phase"] as const,
  buckets: [
    ...[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05],
    ...[0.1, 0.25, 0.5, 1, 2.5, 10, 30, 60],
  ],
});

export const refusedEvents = new Counter({
  name: "llm_plugin_server_refused_events_total",
  help: "Requests that the plugin server itself refused, by reason",
  labelNames: ["reason"] as const,
});

export const forgottenEvents = new Counter({
  name: "llm_plugin_server_forgotten_events_total",
  help: "Events that ended before their handler did, by reason",
  labelNames: ["reason"] as const,
});

export const asks = new Counter({
  name: "llm_plugin_server_asks_total",
  help: "Questions of drivers by what became of them: decided, answered (from the cache, or refused), unknown (the config is asked for first), failed, late (refused, as they had waited too long to be read) or undelivered (the driver had gone: nothing went upstream, what was reserved is given back)",
  labelNames: ["answer"] as const,
});

export const malformed = new Counter({
  name: "llm_plugin_server_malformed_total",
  help: "Connections closed because the peer did not speak the protocol, by socket",
  labelNames: ["socket"] as const,
});

function gauge(name: string, help: string, read: () => number): void {
  new Gauge({
    name: `llm_plugin_server_${name}`,
    help,
    collect() {
      this.set(read());
    },
  });
}
