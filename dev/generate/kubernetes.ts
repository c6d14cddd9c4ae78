// What in kubernetes/ is made of files that others own: the plugins of kong.yaml as objects for the Kong
// Ingress Controller, the alerts as a PrometheusRule, the dashboard as a ConfigMap.

import { parse, stringify } from "yaml";

const namespace = "kong-llm";
/** The prefix of a cluster-wide name, which must not clash with those of others. */
const clusterPrefix = "kong-llm-";

// Plugins that concern the cluster's operator more than the gateway's.
const clusterWide = new Set(["prometheus"]);

interface PluginEntry {
  name: string;
  config?: object;
}

interface KongYaml {
  services: { plugins?: PluginEntry[]; routes?: { plugins?: PluginEntry[] }[] }[];
  plugins?: PluginEntry[];
}

/**
 * KongPlugins and KongClusterPlugins for the plugins of kong.yaml's service, in its order. They are
 * named as the plugin is, so that the Service can name them in konghq.com/plugins.
 * @throws Error where kong.yaml has plugins in places that have no counterpart in kubernetes/
 */
export function kongPlugins(kongYaml: string): string {
  const { services, plugins: global = [] } = parse(kongYaml) as KongYaml;
  const ofRoutes = services.flatMap(({ routes = [] }) =>
    routes.flatMap((route) => route.plugins ?? []),
  );
  if (services.length !== 1 || global.length > 0 || ofRoutes.length > 0) {
    throw new Error(
      "kubernetes/ knows one service with plugins, and none elsewhere: extend dev/generate",
    );
  }
  const objects = (services[0]!.plugins ?? []).map(pluginObject);
  return written("kong.yaml", objects);
}

function pluginObject({ name, config }: PluginEntry): object {
  const cluster = clusterWide.has(name);
  return {
    apiVersion: "configuration.konghq.com/v1",
    kind: cluster ? "KongClusterPlugin" : "KongPlugin",
    metadata: cluster
      ? { name: clusterPrefix + name, annotations: { "kubernetes.io/ingress.class": "kong" } }
      : { name, namespace },
    plugin: name,
    ...(config && { config }),
  };
}

/** The rules of Prometheus' own file, for the Prometheus operator. */
export function prometheusRule(file: string, rules: string, name = namespace): string {
  const rule = {
    apiVersion: "monitoring.coreos.com/v1",
    kind: "PrometheusRule",
    metadata: { name, namespace },
    spec: parse(rules) as object,
  };
  return written(`observability/prometheus/${file}`, [rule]);
}

/** The dashboard in a ConfigMap with the label that Grafana's sidecar looks for. */
export function dashboardConfigMap(dashboard: string): string {
  const configMap = {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "kong-llm-dashboard", namespace, labels: { grafana_dashboard: "1" } },
    data: { "kong-llm.json": dashboard },
  };
  return written("observability/grafana/kong-llm.json", [configMap]);
}

function written(source: string, objects: object[]): string {
  const documents = objects.map((object) =>
    stringify(object, { lineWidth: 0, aliasDuplicateObjects: false }),
  );
  return `# Written by \`npm run docs\` from ${source}: change that.\n${documents.join("---\n")}`;
}
