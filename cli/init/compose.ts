// What Compose needs: this package's docker-compose.yml with the image and the keys that were wanted.

import { type Document, isMap } from "yaml";
import { variableOf } from "../keys-written";
import { dockerfile, ownImage } from "./image";
import { kongYaml } from "./kong-yaml";
import { clientKeyIn, envFile, firstRequest, type Secrets } from "./secrets";
import { shippedDocument, written } from "./shipped";
import type { Wanted } from "./wanted";
import type { Plan, Step } from "./written-file";

const standIn = new URL("http://model-server:8080");
const head = `Kong 3.9 with Postgres, its configuration synced by decK, Redis, and the plugin server beside Kong.
  docker compose up --build -d                  starts it
  docker compose up prepare deck                after a change of kong.yaml
Without Postgres:
  docker compose up --build -d kong-dbless
The variables stand in .env, which belongs in no repository.`;

// Their files are those of a clone.
const leftOut = ["prometheus", "grafana"];

/** @param image one that a registry has; without it the image is built here */
export function composePlan(wanted: Wanted, secrets: Secrets, image: string | undefined): Plan {
  const { consumer, upstream } = wanted;
  const values = {
    ...{ HOLYSHEEP_API_KEY: secrets.upstreamKey, ...clientKeyIn(secrets, consumer) },
    ...{ POSTGRES_PASSWORD: secrets.postgresPassword, REDIS_PASSWORD: secrets.redisPassword },
  };
  return {
    files: [
      { path: "kong.yaml", text: kongYaml(wanted, upstream ?? standIn) },
      envFile(".env", "Read by Docker Compose: keys and passwords of this gateway.", values),
      { path: "docker-compose.yml", text: composeFile(wanted, image) },
      ...(image === undefined ? [dockerfile] : []),
    ],
    steps: steps(consumer, image),
  };
}

function steps(consumer: string, image: string | undefined): Step[] {
  const build = image === undefined ? "--build " : "";
  return [
    {
      why: "Start Kong, Postgres, Redis and the plugin server.",
      command: `docker compose up ${build}-d`,
    },
    {
      why: "Ask it, once decK has synced.",
      command: firstRequest("http://127.0.0.1:8000", ".env", consumer),
    },
  ];
}

function composeFile(wanted: Wanted, image: string | undefined): string {
  const document = shippedDocument("docker-compose.yml", head);
  for (const name of leftOut) document.deleteIn(["services", name]);
  document.deleteIn(["volumes", "prometheus-data"]);
  for (const name of ["plugin-server", "prepare", "model-server"]) {
    document.setIn(["services", name, "image"], image ?? ownImage);
    if (image === undefined) document.setIn(["services", name, "build"], ".");
    else document.deleteIn(["services", name, "build"]);
  }
  giveClientKey(document, wanted.consumer);
  if (wanted.upstream) document.deleteIn(["services", "model-server"]);
  else runStandIn(document);
  return written(document);
}

function giveClientKey(document: Document, consumer: string): void {
  const environment = document.getIn(["services", "prepare", "environment"]);
  if (!isMap(environment)) throw new Error("docker-compose.yml has no environment of prepare");
  environment.delete("DECK_DEMO_API_KEY");
  environment.delete("KONG_LLM_UPSTREAM");
  const name = variableOf(consumer);
  environment.set(name, `\${${name}:?set ${name} in .env}`);
}

function runStandIn(document: Document): void {
  const server = document.getIn(["services", "model-server"]);
  if (!isMap(server)) throw new Error("docker-compose.yml has no model-server");
  server.delete("profiles");
  server.set("command", ["stand-in", "--address", "0.0.0.0:8080"]);
}
