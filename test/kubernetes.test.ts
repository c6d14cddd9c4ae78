// kubernetes/: that the objects name only what is there, and agree with each other and with kong.yaml.

import { existsSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, expect, it } from "vitest";
import { variablesOf } from "../kong/deck-words";
import { parseDeclarative, renderDeclarative } from "../kong/declarative";
import { documentsOf, mapsIn, root, textOf, yamlFilesBelow } from "./support/yaml-files";

type Labels = Record<string, string>;

interface Resource {
  file: string;
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Labels; annotations?: Labels };
}

const files = yamlFilesBelow("kubernetes");
const resources = files
  .filter((file) => !file.endsWith("kustomization.yaml"))
  .flatMap((file) =>
    documentsOf(file).map((object) => ({ file, ...(object as object) }) as Resource),
  );

/** The objects of a kind, as what the test reads of them. */
function all<Shape = object>(kind: string): (Resource & Shape)[] {
  return resources.filter((resource) => resource.kind === kind) as (Resource & Shape)[];
}

function names(kind: string): string[] {
  return all(kind).map(({ metadata }) => metadata.name);
}

// As the Kong chart 3.4 labels the pods of the release kong-llm.
const gatewayPod: Labels = {
  "app.kubernetes.io/name": "kong",
  "app.kubernetes.io/instance": "kong-llm",
  "app.kubernetes.io/component": "app",
};
const solverPod: Labels = { "acme.cert-manager.io/http01-solver": "true" };

function selects(selector: Labels, labels: Labels): boolean {
  return Object.entries(selector).every(([name, value]) => labels[name] === value);
}

interface Secret {
  stringData: Record<string, string>;
}

interface KubernetesService {
  spec: {
    selector?: Labels;
    externalName?: string;
    ports: { name: string; port: number; targetPort?: string | number }[];
  };
}

interface StatefulSet {
  spec: {
    serviceName: string;
    replicas: number;
    template: {
      metadata: { labels: Labels };
      spec: {
        containers: {
          name: string;
          ports: { name: string; containerPort: number }[];
          volumeMounts: { name: string }[];
        }[];
        volumes: { name: string }[];
      };
    };
    volumeClaimTemplates: { metadata: { name: string } }[];
  };
}

const upstream = all<KubernetesService>("Service").find(
  ({ metadata }) => metadata.name === "llm-upstream",
)!;
const [redis] = all<StatefulSet>("StatefulSet");
const pods = [gatewayPod, solverPod, redis!.spec.template.metadata.labels];

describe("kubernetes/", () => {
  it("has objects of kinds that a cluster with Kong's controller knows", () => {
    const known: Record<string, string> = {
      ConfigMap: "v1",
      ExternalSecret: "external-secrets.io/v1",
      Gateway: "gateway.networking.k8s.io/v1",
      GatewayClass: "gateway.networking.k8s.io/v1",
      HTTPRoute: "gateway.networking.k8s.io/v1",
      Ingress: "networking.k8s.io/v1",
      KongClusterPlugin: "configuration.konghq.com/v1",
      KongConsumer: "configuration.konghq.com/v1",
      KongPlugin: "configuration.konghq.com/v1",
      Namespace: "v1",
      NetworkPolicy: "networking.k8s.io/v1",
      PrometheusRule: "monitoring.coreos.com/v1",
      Secret: "v1",
      Service: "v1",
      ServiceMonitor: "monitoring.coreos.com/v1",
      StatefulSet: "apps/v1",
    };
    expect(new Set(resources.map(({ kind }) => kind))).toEqual(new Set(Object.keys(known)));
    for (const { kind, apiVersion } of resources) expect(apiVersion, kind).toBe(known[kind]);
  });

  it("keeps everything in one namespace, under names that are not given twice", () => {
    const clusterWide = ["Namespace", "GatewayClass", "KongClusterPlugin"];
    for (const { kind, metadata } of resources) {
      expect(metadata.namespace, `${kind} ${metadata.name}`).toBe(
        clusterWide.includes(kind) ? undefined : "kong-llm",
      );
    }
    expect(names("Namespace")).toEqual(["kong-llm"]);
    const identities = resources.map(({ kind, metadata }) => `${kind} ${metadata.name}`);
    expect(new Set(identities).size).toBe(identities.length);
  });

  it("has every file in one kustomization, but for the examples", () => {
    const listed = files
      .filter((file) => file.endsWith("kustomization.yaml"))
      .flatMap((file) =>
        documentsOf(file).flatMap((document) =>
          (document as { resources: string[] }).resources.map((path) =>
            normalize(join(dirname(file), path)),
          ),
        ),
      );
    for (const path of listed) expect(existsSync(join(root, path)), path).toBe(true);
    const wanted = files.filter((file) => !/kustomization\.yaml$|\.example\.yaml$/.test(file));
    expect(listed.filter((path) => path.endsWith(".yaml")).sort()).toEqual(wanted.sort());
  });

  it("attaches every plugin of kong.yaml to the upstream, and none that is not there", () => {
    const attached = upstream.metadata.annotations!["konghq.com/plugins"]!.split(",");
    expect(attached).toEqual([...names("KongPlugin"), ...names("KongClusterPlugin")]);
    expect(attached).toEqual(expect.arrayContaining(["llm-client-key", "key-auth", "llm-gateway"]));
    for (const { metadata } of all("KongClusterPlugin")) {
      expect(metadata.annotations).toEqual({ "kubernetes.io/ingress.class": "kong" });
    }
  });

  it("asks the upstream as kong.yaml does", () => {
    const kongYaml = textOf("kong.yaml");
    const environment = Object.fromEntries(variablesOf(kongYaml).map((name) => [name, "a-key"]));
    const service = parseDeclarative(renderDeclarative(kongYaml, environment)).services[0]!;
    expect(upstream.spec).toMatchObject({
      externalName: service.host,
      ports: [{ name: "https", port: service.port }],
    });
    expect(upstream.metadata.annotations).toMatchObject({
      "konghq.com/protocol": service.protocol,
      "konghq.com/host-header": service.host,
      "konghq.com/path": service.path ?? "/",
      "konghq.com/connect-timeout": String(service.connect_timeout),
      "konghq.com/write-timeout": String(service.write_timeout),
      "konghq.com/read-timeout": String(service.read_timeout),
      "konghq.com/retries": String(service.retries),
    });
  });

  it("publishes the same route by Ingress and by HTTPRoute", () => {
    interface Ingress {
      spec: {
        tls: { hosts: string[]; secretName: string }[];
        rules: {
          host: string;
          http: {
            paths: {
              path: string;
              backend: { service: { name: string; port: { number: number } } };
            }[];
          };
        }[];
      };
    }
    interface HttpRoute {
      spec: {
        parentRefs: { name: string; sectionName: string }[];
        hostnames: string[];
        rules: {
          matches: { path: { type: string; value: string } }[];
          backendRefs: { name: string; port: number }[];
        }[];
      };
    }
    interface Gateway {
      spec: {
        gatewayClassName: string;
        listeners: {
          name: string;
          hostname: string;
          tls: { certificateRefs: { name: string }[] };
        }[];
      };
    }
    const ingress = all<Ingress>("Ingress")[0]!;
    const route = all<HttpRoute>("HTTPRoute")[0]!;
    const gateway = all<Gateway>("Gateway")[0]!;

    const { host, http } = ingress.spec.rules[0]!;
    const { path, backend } = http.paths[0]!;
    const target = { name: upstream.metadata.name, port: upstream.spec.ports[0]!.port };
    expect({ name: backend.service.name, port: backend.service.port.number }).toEqual(target);
    expect(route.spec.rules).toEqual([
      { matches: [{ path: { type: "PathPrefix", value: path } }], backendRefs: [target] },
    ]);
    expect(route.spec.hostnames).toEqual([host]);

    const [listener] = gateway.spec.listeners;
    expect(route.spec.parentRefs).toEqual([
      { name: gateway.metadata.name, sectionName: listener!.name },
    ]);
    expect(names("GatewayClass")).toEqual([gateway.spec.gatewayClassName]);
    expect(listener!.hostname).toBe(host);
    // cert-manager writes the Secret, because both name an issuer.
    expect(ingress.spec.tls).toEqual([
      { hosts: [host], secretName: listener!.tls.certificateRefs[0]!.name },
    ]);
    for (const { metadata } of [ingress, gateway]) {
      expect(metadata.annotations).toHaveProperty(["cert-manager.io/cluster-issuer"]);
    }
    for (const { metadata } of [ingress, route]) {
      expect(metadata.annotations).toMatchObject({
        "konghq.com/strip-path": "false",
        "konghq.com/preserve-host": "false",
        "konghq.com/response-buffering": "false",
        "konghq.com/protocols": "https",
      });
    }
  });

  it("gives every consumer one credential", () => {
    const consumers = all<{ credentials: string[] }>("KongConsumer");
    expect(consumers).not.toEqual([]);
    for (const { metadata, credentials } of consumers) {
      expect(metadata.annotations).toMatchObject({ "kubernetes.io/ingress.class": "kong" });
      const secrets = credentials.map((name) => secretNamed(name));
      for (const {
        metadata: { labels },
      } of secrets) {
        expect(labels).toEqual({ "konghq.com/credential": "key-auth" });
      }
      const keys = secrets.map(({ stringData }) => stringData.key);
      expect(keys).toEqual(["CHANGEME"]);
    }
  });

  it("names only secrets and keys that the examples have, both of them", () => {
    const references = ["kubernetes", "helm-values"]
      .flatMap((folder) => yamlFilesBelow(folder))
      .flatMap((file) => mapsIn(documentsOf(file)))
      .filter(({ key }) => key === "secretKeyRef")
      .map(({ map }) => map as { name: string; key: string });
    expect(references.length).toBeGreaterThan(4);
    for (const { name, key } of references)
      expect(secretNamed(name).stringData).toHaveProperty(key);

    const written = all<{
      spec: {
        target: { name: string; template?: { data: Labels; metadata?: { labels: Labels } } };
        data: { secretKey: string }[];
      };
    }>("ExternalSecret").map(({ spec: { target, data } }) => ({
      name: target.name,
      labels: target.template?.metadata?.labels,
      keys: target.template
        ? Object.keys(target.template.data)
        : data.map(({ secretKey }) => secretKey),
    }));
    const given = all<Secret>("Secret").map(({ metadata, stringData }) => ({
      name: metadata.name,
      labels: metadata.labels,
      keys: Object.keys(stringData),
    }));
    expect(written).toEqual(given);
  });

  it("runs one Redis with a volume, where the URL of the secret finds it", () => {
    const { spec, metadata } = redis!;
    expect(spec.replicas).toBe(1);
    const service = all<KubernetesService>("Service").find(
      (each) => each.metadata.name === spec.serviceName,
    )!;
    const url = new URL(secretNamed("kong-llm-redis").stringData.url!);
    expect(url.hostname).toBe(`${service.metadata.name}.${metadata.namespace}.svc`);
    expect(Number(url.port)).toBe(service.spec.ports[0]!.port);

    const [container] = spec.template.spec.containers;
    const port = container!.ports.find(({ name }) => name === service.spec.ports[0]!.targetPort);
    expect(port?.containerPort).toBe(6379);
    expect(selects(service.spec.selector!, spec.template.metadata.labels)).toBe(true);
    const volumes = [
      ...spec.template.spec.volumes.map(({ name }) => name),
      ...spec.volumeClaimTemplates.map(({ metadata: { name } }) => name),
    ];
    expect(container!.volumeMounts.map(({ name }) => name).sort()).toEqual(volumes.sort());
  });

  it("scrapes the plugin server where it listens", () => {
    interface ServiceMonitor {
      spec: { selector: { matchLabels: Labels }; endpoints: { port: string }[] };
    }
    for (const { spec } of all<ServiceMonitor>("ServiceMonitor")) {
      const service = all<KubernetesService>("Service").find(({ metadata }) =>
        selects(spec.selector.matchLabels, metadata.labels ?? {}),
      )!;
      const port = service.spec.ports.find(({ name }) => name === spec.endpoints[0]!.port);
      expect(port?.targetPort).toBe(9100);
      expect(selects(service.spec.selector!, gatewayPod)).toBe(true);
    }
  });

  describe("its network policies", () => {
    interface Policy {
      spec: {
        podSelector: { matchLabels?: Labels };
        policyTypes: string[];
        ingress?: { from?: object[]; ports: { port: number }[] }[];
        egress?: { to: object[]; ports: { port: number }[] }[];
      };
    }
    const policies = all<Policy>("NetworkPolicy");

    it("deny first, and are for pods that there are", () => {
      const [deny, ...rest] = policies;
      expect(deny!.spec).toEqual({ podSelector: {}, policyTypes: ["Ingress", "Egress"] });
      const selectors = [
        ...rest.map(({ spec }) => spec.podSelector.matchLabels!),
        ...mapsIn(rest.map(({ spec }) => [spec.ingress, spec.egress]))
          .filter(({ key }) => key === "podSelector")
          .map(({ map }) => map.matchLabels as Labels),
      ];
      for (const selector of selectors) {
        expect(
          pods.some((labels) => selects(selector, labels)),
          JSON.stringify(selector),
        ).toBe(true);
      }
    });

    it("let nobody but the gateway reach Redis, and Redis nobody", () => {
      const [policy] = policies.filter(({ metadata }) => metadata.name === "redis");
      expect(policy!.spec).toEqual({
        podSelector: { matchLabels: redis!.spec.template.metadata.labels },
        policyTypes: ["Ingress", "Egress"],
        ingress: [
          {
            from: [{ podSelector: { matchLabels: { "app.kubernetes.io/name": "kong" } } }],
            ports: [{ port: 6379 }],
          },
        ],
      });
    });

    it("let the gateway reach names, Redis and the upstream", () => {
      const [policy] = policies.filter(({ metadata }) => metadata.name === "gateway");
      const ports = policy!.spec.egress!.map((rule) => rule.ports.map(({ port }) => port));
      expect(ports).toEqual([[53, 53], [6379], [upstream.spec.ports[0]!.port]]);
      for (const { to } of policy!.spec.egress!) expect(to).not.toEqual([]);
    });
  });
});

function secretNamed(name: string): Resource & Secret {
  const secret = all<Secret>("Secret").find(({ metadata }) => metadata.name === name);
  if (!secret) throw new Error(`no Secret is named ${name}`);
  return secret;
}
