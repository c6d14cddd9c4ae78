// The dashboard and the alerts ask for metrics and labels that exist, and every alert has an entry in
// the runbook.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { register } from "prom-client";
import { beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { registeredMetrics } from "../dev/generate/metrics";
import { serveHealth } from "../server/health";
import { namedIn } from "./support/promql";

const root = join(__dirname, "..");
const read = (file: string) => readFileSync(join(root, file), "utf8");

interface Panel {
  id: number;
  title: string;
  type: string;
  gridPos: { x: number; y: number; w: number; h: number };
  targets?: { expr: string }[];
  links?: { url: string }[];
}
interface Dashboard {
  uid: string;
  panels: Panel[];
  templating: { list: { name: string; definition?: string }[] };
}
interface Rule {
  /** Of a rule that records: the name of what comes of it. */
  record?: string;
  alert: string;
  expr: string;
  labels: { severity: string };
  annotations: { summary: string; runbook_url: string };
}

interface RuleTests {
  tests: { alert_rule_test?: { alertname: string; exp_alerts: object[] }[] }[];
}

const dashboard: Dashboard = JSON.parse(read("observability/grafana/kong-llm.json"));
const rulesIn = (file: string) =>
  (
    parse(read(`observability/prometheus/${file}`)) as { groups: { rules: Rule[] }[] }
  ).groups.flatMap((group) => group.rules);
const all = [...rulesIn("alerts.yaml"), ...rulesIn("slo.yaml")];
const rules = all.filter(({ record }) => record === undefined);
const recorded = all.filter(({ record }) => record !== undefined);
const queries = dashboard.panels.flatMap(({ title, targets = [] }) =>
  targets.map(({ expr }): [string, string] => [title, expr]),
);

/** Prometheus itself gives these to every series. */
const ofTargets = ["job", "instance"];

/** What Kong's own plugin counts with status_code_metrics: kong/plugins/prometheus/exporter.lua of 3.9.3. */
const ofKong = {
  kong_http_requests_total: ["service", "route", "code", "source", "workspace", "consumer"],
};

/** The labels of every series name that /metrics can show. */
const series = new Map<string, string[]>();

beforeAll(async () => {
  const health = await serveHealth({ host: "127.0.0.1", port: 0 }, () => ({
    ready: true,
    plugins: [],
  }));
  await health.close();
  for (const [name, labels] of Object.entries(ofKong)) series.set(name, labels);
  for (const { record, expr } of recorded) series.set(record!, namedIn(expr).grouped);
  for (const { name, type, labels } of await registeredMetrics()) {
    series.set(name, labels);
    if (type !== "histogram") continue;
    for (const part of ["sum", "count"]) series.set(`${name}_${part}`, labels);
    series.set(`${name}_bucket`, [...labels, "le"]);
  }
});

function unknownIn(expression: string): string[] {
  const { metrics, grouped } = namedIn(expression.replaceAll("$__rate_interval", "5m"));
  expect(metrics.length).toBeGreaterThan(0);
  const known = [...ofTargets, ...metrics.flatMap(({ name }) => series.get(name) ?? [])];
  return [
    ...metrics.filter(({ name }) => !series.has(name)).map(({ name }) => name),
    ...metrics.flatMap(({ name, labels }) =>
      labels
        .filter((label) => ![...ofTargets, ...(series.get(name) ?? [])].includes(label))
        .map((label) => `${name}{${label}}`),
    ),
    ...grouped.filter((label) => !known.includes(label)).map((label) => `by (${label})`),
  ];
}

describe("the dashboard", () => {
  it.each(queries)("asks in %s for what exists: %s", (_title, expr) => {
    expect(unknownIn(expr)).toEqual([]);
  });

  it("offers models and consumers that its panels filter by", () => {
    const used = new Set(queries.flatMap(([, expr]) => expr.match(/\$(?!__)\w+/g) ?? []));
    const offered = dashboard.templating.list.map(({ name }) => `$${name}`);
    expect([...used].filter((name) => !offered.includes(name))).toEqual([]);
    for (const { definition } of dashboard.templating.list) {
      const [, metric, label] = /^label_values\((\w+), (\w+)\)$/.exec(definition ?? "") ?? [];
      if (metric) expect(series.get(metric)).toContain(label);
    }
  });

  it("shows all that an operator must see", () => {
    const asked = queries.map(([, expr]) => expr).join("\n");
    for (const metric of [
      "llm_requests_total",
      "llm_request_duration_seconds_bucket",
      "llm_time_to_first_token_seconds_bucket",
      "llm_tokens_total",
      "llm_consumer_tokens_total",
      "llm_cost_usd_total",
      "llm_cache_saved_usd_total",
      "llm_rate_limit_refusals_total",
      "llm_rate_limit_used_ratio",
      "llm_upstream_key_up",
      "llm_redis_up",
      "llm_plugin_server_phase_duration_seconds_bucket",
      "llm:errors:ratio_rate30d",
      "llm_consumer_requests_total",
      "kong_http_requests_total",
      "llm_build_info",
      "llm_streams_open",
      "llm_decisions_open",
      "llm_budget_usd",
      "llm_budget_spent_usd",
      "llm_budget_ends_timestamp_seconds",
      "llm_rate_limit_level_used_ratio",
      "llm_telemetry_exports_total",
      "llm_telemetry_spans_total",
    ]) {
      expect(asked).toContain(metric);
    }
  });

  it("links to entries of the runbook that are there", () => {
    const linked = dashboard.panels.flatMap(({ links = [] }) => links.map(({ url }) => url));
    const known = rules.map(({ alert }) => `\${docs}/runbook.md#${alert.toLowerCase()}`);
    expect(linked.length).toBeGreaterThan(5);
    for (const url of linked) expect(known).toContain(url);
  });

  it("gives each panel an id of its own, by which Grafana finds it", () => {
    const ids = dashboard.panels.map(({ id }) => id);
    expect([...new Set(ids)]).toEqual(ids);
  });

  it("lays no panel over another, and leaves none out of its 24 columns", () => {
    const taken = new Set<string>();
    for (const { title, gridPos } of dashboard.panels) {
      expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(taken, title).not.toContain(`${x} ${y}`);
          taken.add(`${x} ${y}`);
        }
      }
    }
  });
});

describe("the objectives", () => {
  it.each(recorded.map((rule): [string, string] => [rule.record!, rule.expr]))(
    "record %s from what exists",
    (_record, expr) => {
      expect(unknownIn(expr)).toEqual([]);
    },
  );
});

describe("the alerts", () => {
  it.each(rules.map((rule): [string, string] => [rule.alert, rule.expr]))(
    "ask in %s for what exists",
    (_alert, expr) => {
      expect(unknownIn(expr)).toEqual([]);
    },
  );

  it("name labels in their texts that their expressions keep", () => {
    for (const { expr, annotations } of rules) {
      const { metrics, grouped } = namedIn(expr);
      const kept = [
        ...ofTargets,
        ...grouped,
        ...metrics.flatMap(({ name }) => series.get(name) ?? []),
      ];
      for (const [, label] of annotations.summary.matchAll(/\$labels\.(\w+)/g)) {
        expect(kept).toContain(label);
      }
    }
  });

  // Prometheus' own tool runs these tests, where it is: promtool.test.ts.
  it("are each shown to fire, and not to", () => {
    const tests = ["alerts.test.yaml", "slo.test.yaml"].flatMap(
      (file) => (parse(read(`observability/prometheus/${file}`)) as RuleTests).tests,
    );
    const shown = tests.flatMap(({ alert_rule_test = [] }) => alert_rule_test);
    for (const { alert } of rules) {
      const expected = shown.filter(({ alertname }) => alertname === alert);
      const isFiring = expected.map(({ exp_alerts }) => exp_alerts.length > 0);
      expect([...new Set(isFiring)].sort(), alert).toEqual([false, true]);
    }
  });

  it("each have an entry in the runbook, and it no others", () => {
    const headings = [...read("docs/runbook.md").matchAll(/^## (.*)$/gm)].map(([, name]) => name);
    expect(headings).toEqual(rules.map(({ alert }) => alert));
    for (const { alert, annotations, labels } of rules) {
      expect(annotations.runbook_url).toBe(
        `https://unpkg.com/kong-llm/docs/runbook.md#${alert.toLowerCase()}`,
      );
      expect(["warning", "critical"]).toContain(labels.severity);
    }
  });
});

describe("every metric of ours", () => {
  it("says what it counts, is named as Prometheus wants it, and has few labels", () => {
    for (const metric of series.keys()) {
      const found = register.getSingleMetric(metric) as
        | { help?: string; type?: string }
        | undefined;
      if (!metric.startsWith("llm_") || !found) continue;
      expect(found.help?.length).toBeGreaterThan(20);
      if (`${found.type}` === "counter") expect(metric).toMatch(/_total$/);
      if (`${found.type}` === "histogram") expect(metric).toMatch(/_seconds$/);
      expect(series.get(metric)?.length).toBeLessThanOrEqual(4);
    }
  });
});

describe("the pages that people read", () => {
  const folders = ["docs", ...readdirSync(join(root, "plugins")).map((name) => `plugins/${name}`)];
  const pages = folders.flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((file) => file.endsWith(".md"))
      .map((file) => `${folder}/${file}`),
  );

  it.each(["README.md", "README.ko.md", ...pages])("name in %s metrics that exist", (page) => {
    const named = read(page).matchAll(/\bllm_\w+(?:_total|_seconds|_ratio|_up|_usd|_cooling)\b/g);
    expect([...named].map(([name]) => name).filter((name) => !series.has(name))).toEqual([]);
  });
});
