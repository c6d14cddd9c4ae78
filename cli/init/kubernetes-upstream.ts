// The upstream as objects of Kubernetes: a Service for a name outside, or the stand-in model inside.

import { Document, isMap, isSeq } from "yaml";
import { portOf } from "./kong-yaml";
import { shippedDocuments } from "./shipped";

const namespace = "kong-llm";
const name = "kong-llm-model";
const labels = { "app.kubernetes.io/name": name };
const standInPort = 8080;

/** The Service `llm-upstream`, and what answers behind it where that is here. */
export function upstreamObjects(upstream: URL | undefined, image: string): Document[] {
  const [service] = shippedDocuments("kubernetes/base/upstream.yaml");
  const annotations = service!.getIn(["metadata", "annotations"]);
  if (!isMap(annotations)) throw new Error("the upstream has no annotations");
  if (!upstream) {
    annotations.set("konghq.com/protocol", "http");
    annotations.delete("konghq.com/host-header");
    service!.set("spec", { selector: labels, ports: [{ name: "http", port: standInPort }] });
    return [service!, standInDeployment(image), standInPolicy()];
  }
  annotations.set("konghq.com/protocol", upstream.protocol.slice(0, -1));
  annotations.set("konghq.com/host-header", upstream.host);
  // Not /v1: the routes keep the path of a request, which brings its own.
  annotations.set("konghq.com/path", upstream.pathname);
  service!.setIn(["spec", "externalName"], upstream.hostname);
  service!.setIn(["spec", "ports", 0, "port"], portOf(upstream));
  return [service!];
}

/** Lets the gateway reach the upstream, by the network policies of this package. */
export function withUpstream(policies: Document[], upstream: URL | undefined): void {
  const gateway = policies.find(
    (object) =>
      object.get("kind") === "NetworkPolicy" && object.getIn(["metadata", "name"]) === "gateway",
  );
  const egress = gateway?.getIn(["spec", "egress"]);
  if (!isSeq(egress)) throw new Error("the network policies let the gateway nowhere");
  if (!upstream) {
    const to = [{ podSelector: { matchLabels: labels } }];
    egress.add({ to, ports: [{ port: standInPort }] });
  } else if (portOf(upstream) !== 443) {
    gateway!.setIn(
      ["spec", "egress", egress.items.length - 1, "ports", 0, "port"],
      portOf(upstream),
    );
  }
}

function standInDeployment(image: string): Document {
  return new Document({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name, namespace },
    spec: {
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          automountServiceAccountToken: false,
          securityContext: {
            ...{ runAsUser: 1000, runAsGroup: 1000, runAsNonRoot: true },
            seccompProfile: { type: "RuntimeDefault" },
          },
          containers: [
            {
              name: "stand-in",
              image,
              args: ["stand-in", "--address", `0.0.0.0:${standInPort}`],
              ports: [{ containerPort: standInPort }],
              readinessProbe: { tcpSocket: { port: standInPort }, periodSeconds: 2 },
              securityContext: {
                ...{ readOnlyRootFilesystem: true, allowPrivilegeEscalation: false },
                capabilities: { drop: ["ALL"] },
              },
              resources: {
                requests: { cpu: "50m", memory: "96Mi" },
                limits: { memory: "192Mi" },
              },
            },
          ],
        },
      },
    },
  });
}

function standInPolicy(): Document {
  const gateway = { matchLabels: { "app.kubernetes.io/name": "kong" } };
  return new Document({
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: { name, namespace },
    spec: {
      podSelector: { matchLabels: labels },
      policyTypes: ["Ingress", "Egress"],
      ingress: [{ from: [{ podSelector: gateway }], ports: [{ port: standInPort }] }],
    },
  });
}
