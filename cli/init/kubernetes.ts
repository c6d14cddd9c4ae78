// What a cluster needs: Secrets, values for Kong's chart, and the objects that Kong's controller makes the
// gateway of; on a cluster of one's own machine (kind, minikube) all of it small, and reached by port-forward.

import { type Document, parseAllDocuments, visit } from "yaml";
import { kubernetes } from "../keys-written";
import { dockerfile, ownImage } from "./image";
import { kongYaml, portOf } from "./kong-yaml";
import { upstreamObjects, withUpstream } from "./kubernetes-upstream";
import { clientKeyIn, envFile, firstRequest, type Secrets } from "./secrets";
import { shippedDocument, shippedDocuments, written } from "./shipped";
import type { Wanted } from "./wanted";
import type { Plan, Step, WrittenFile } from "./written-file";

const namespace = "kong-llm";
const standIn = new URL(`http://kong-llm-model.${namespace}.svc:8080`);

/**
 * @param given an image that a registry has; without it the image is built
 * @param host where clients ask, on a cluster of others
 */
export function kubernetesPlan(
  wanted: Wanted,
  secrets: Secrets,
  given: string | undefined,
  host: string,
): Plan {
  const { platform, consumer, upstream } = wanted;
  const image =
    given ?? (platform === "kubernetes" ? `registry.example.com/${ownImage}` : ownImage);
  const small = platform !== "kubernetes";
  const owner = { consumer, tag: [] };
  const place = { namespace, ingressClass: "kong" };
  const [credential, kongConsumer] = [
    ...parseAllDocuments(kubernetes(owner, secrets.clientKey, place)),
  ] as Document[];
  return {
    files: [
      { path: "kong.yaml", text: kongYaml(wanted, upstream ?? standIn) },
      envFile(".env", "The first client's key, for your shell; the cluster gets secrets.yaml.", {
        HOLYSHEEP_API_KEY: secrets.upstreamKey,
        ...clientKeyIn(secrets, consumer),
      }),
      secretsFile(secrets, credential!),
      { path: "values.yaml", text: values(small, image) },
      { path: "objects.yaml", text: objects(wanted, kongConsumer!, image, host) },
      ...(given === undefined ? [dockerfile] : []),
    ],
    steps: [...(given === undefined ? building(wanted, image) : []), ...steps(wanted, host)],
  };
}

function secretsFile(secrets: Secrets, credential: Document): WrittenFile {
  const [upstream, redis] = shippedDocuments("kubernetes/secrets.example.yaml", "");
  upstream!.setIn(["stringData", "holysheep-api-key"], secrets.upstreamKey);
  redis!.commentBefore = null;
  redis!.setIn(["stringData", "password"], secrets.redisPassword);
  const url = `redis://:${secrets.redisPassword}@kong-llm-redis.${namespace}.svc:6379/0`;
  redis!.setIn(["stringData", "url"], url);
  const head = "The namespace and its Secrets: apply them first, and keep this file out of git.";
  const home = shippedDocument("kubernetes/base/namespace.yaml", head);
  return {
    path: "secrets.yaml",
    text: written(home, upstream!, redis!, credential),
    secret: true,
  };
}

function values(small: boolean, image: string): string {
  const head = "Values for the Kong chart 3.4: Kong 3.9 with the Kong Ingress Controller 3.5.";
  const document = shippedDocument("helm-values/ingress-controller.yaml", head);
  nameImage(document, image);
  // Needs the Prometheus operator: enable it where that is.
  document.setIn(["serviceMonitor", "enabled"], false);
  if (small) makeSmall(document);
  return written(document);
}

function nameImage(document: Document, image: string): void {
  visit(document, {
    Scalar(_key, node) {
      if (node.value === ownImage) node.value = image;
    },
  });
}

function makeSmall(document: Document): void {
  document.setIn(["proxy", "type"], "ClusterIP");
  document.setIn(["replicaCount"], 1);
  document.setIn(["autoscaling", "enabled"], false);
  document.setIn(["podDisruptionBudget", "enabled"], false);
  document.setIn(["env", "nginx_worker_processes"], "1");
  document.setIn(["resources", "requests", "cpu"], "100m");
  document.setIn(["deployment", "initContainers", 1, "resources", "requests", "cpu"], "100m");
}

function objects(wanted: Wanted, consumer: Document, image: string, host: string): string {
  const base = [
    ...shippedDocuments("kubernetes/base/network-policies.yaml"),
    ...shippedDocuments("kubernetes/base/redis.yaml"),
    ...shippedDocuments("kubernetes/base/plugins.yaml", "The plugins of kong.yaml: change both."),
  ];
  const gateway = base.find((object) => object.get("plugin") === "llm-gateway")!;
  const limit = ["config", "rate_limit", "requests", "minute"];
  gateway.setIn(limit, wanted.requestsPerMinute);
  withUpstream(base, wanted.upstream);
  return written(
    ...base,
    ...upstreamObjects(wanted.upstream, image),
    consumer,
    ingress(wanted, host),
  );
}

function ingress({ platform, upstream }: Wanted, host: string): Document {
  const small = platform !== "kubernetes";
  const head = small
    ? "Any host, over plain HTTP: reached by port-forward alone."
    : "Published by TLS alone: put your issuer of cert-manager in.";
  const document = shippedDocument("kubernetes/ingress/ingress.yaml", head);
  const backend = ["spec", "rules", 0, "http", "paths", 0, "backend", "service"];
  document.setIn([...backend, "port", "number"], portOf(upstream ?? standIn));
  if (small) {
    document.deleteIn(["spec", "rules", 0, "host"]);
    document.deleteIn(["spec", "tls"]);
    document.deleteIn(["metadata", "annotations", "cert-manager.io/cluster-issuer"]);
    document.deleteIn(["metadata", "annotations", "konghq.com/protocols"]);
  } else {
    document.setIn(["spec", "rules", 0, "host"], host);
    document.setIn(["spec", "tls", 0, "hosts"], [host]);
  }
  return document;
}

/** Makes the image, and brings it where the cluster finds it. */
function building({ platform }: Wanted, image: string): Step[] {
  const bring = {
    kind: `kind load docker-image ${image}`,
    minikube: `minikube image load ${image}`,
    ...{ kubernetes: `docker push ${image}`, compose: "", host: "" },
  };
  const why = platform === "kubernetes" ? " under your registry's name, in values.yaml too" : "";
  return [
    { why: `Make the image${why}.`, command: `docker build -t ${image} .` },
    { why: "Bring it where the cluster finds it.", command: bring[platform] },
  ];
}

function steps({ platform, consumer }: Wanted, host: string): Step[] {
  const chart = "kong --repo https://charts.konghq.com --version 3.4.1";
  const small = platform !== "kubernetes";
  const forward = `kubectl -n ${namespace} port-forward service/kong-llm-kong-proxy 8000:80 &`;
  return [
    { why: "The namespace and the Secrets.", command: "kubectl apply -f secrets.yaml" },
    {
      why: "Kong with our Lua files, its controller and the plugin server.",
      command: `helm upgrade --install kong-llm ${chart} -n ${namespace} -f values.yaml --wait`,
    },
    {
      why: "Redis, plugins, the upstream, the client, network policies and the Ingress.",
      command: "kubectl apply -f objects.yaml",
    },
    ...(small ? [{ why: "Reach it from here.", command: forward }] : []),
    {
      why: "Ask it.",
      command: firstRequest(small ? "http://127.0.0.1:8000" : `https://${host}`, ".env", consumer),
    },
  ];
}
