// docs/metrics.md: every metric of ours as prom-client has it registered, once all plugins and the plugin
// server are loaded. What is not on this page does not exist.

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { register } from "prom-client";
import "../../server/server";
import "../../telemetry/delivery";

interface Metric {
  name: string;
  type: string;
  labels: string[];
  help: string;
}

/** Every registered metric, by name; those of Node only where they are collected. */
export async function registeredMetrics(): Promise<Metric[]> {
  const plugins = join(__dirname, "../../plugins");
  for (const plugin of readdirSync(plugins)) await import(join(plugins, plugin, "index.ts"));
  const metrics = (await register.getMetricsAsJSON()).map(({ name, help, type }) => {
    const { labelNames = [] } = register.getSingleMetric(name) as { labelNames?: string[] };
    return { name, type: `${type}`, labels: labelNames, help };
  });
  return metrics.sort((one, other) => (one.name < other.name ? -1 : 1));
}

export function metricsPage(metrics: Metric[]): string {
  const rows = metrics
    .filter(({ name }) => name.startsWith("llm_"))
    .map(({ name, type, labels, help }) => {
      const shown = labels.map((label) => `\`${label}\``).join(", ");
      return `| \`${name}\` | ${type} | ${shown} | ${help}. |`;
    });
  return `<!-- Written by \`npm run docs\` from the metrics that the code registers: change their help there. -->
# Metrics

What \`GET /metrics\` of the plugin server tells Prometheus. A histogram is three series: \`_bucket\` (with the label \`le\`), \`_sum\` and \`_count\`. Every label is bounded by the API, by Kong or by what the operator has configured: a model that nobody has configured is \`other\`. Node's own \`process_*\` and \`nodejs_*\` stand beside these. [A dashboard](../observability/grafana/kong-llm.json), [alerts](../observability/prometheus/alerts.yaml), [objectives](../observability/prometheus/slo.yaml) and [what to do about them](runbook.md) come with it.

| Metric | Type | Labels | What it tells |
|---|---|---|---|
${rows.join("\n")}
`;
}
