// docker-compose.yml: that what its services say about each other, about the image and about kong.yaml
// is true.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { variablesOf } from "../kong/deck-words";
import { parseDeclarative, renderDeclarative } from "../kong/declarative";
import { order } from "../kong/order";
import { documentsOf, filesBelow, root, textOf, textsIn } from "./support/yaml-files";

interface Service {
  image?: string;
  build?: { context: string; target: string };
  environment?: Record<string, string>;
  ports?: string[];
  volumes?: string[];
  networks?: string[];
  network_mode?: string;
  depends_on?: Record<string, { condition: string }>;
  healthcheck?: object;
  restart?: string;
  user?: string;
}

interface Compose {
  services: Record<string, Service>;
  volumes: Record<string, unknown>;
  networks: Record<string, unknown>;
}

const file = "docker-compose.yml";
const { services, volumes, networks } = documentsOf(file)[0] as Compose;
const entries = Object.entries(services);
const dockerfile = textOf("Dockerfile");
const gateways = ["kong", "kong-dbless"].map((name) => services[name]!);

function mounts({ volumes: mounted = [] }: Service) {
  return mounted.map((mount) => {
    const [source, target, mode] = mount.split(":") as [string, string, string?];
    return { source, target, mode };
  });
}

/** What Compose makes of a text without an environment. */
function withDefaults(text: string): string {
  return text.replace(/\$\{\w+(?::-([^}]*)|[^}]*)\}/g, (_whole, fallback = "") => fallback);
}

describe("docker-compose.yml", () => {
  it("has services that wait for others in a way these can fulfil", () => {
    for (const [name, { depends_on = {} }] of entries) {
      for (const [needed, { condition }] of Object.entries(depends_on)) {
        const other = services[needed];
        expect(other, `${name} needs ${needed}`).toBeDefined();
        if (condition === "service_healthy") expect(other!.healthcheck, needed).toBeDefined();
        else expect(other!.restart, needed).not.toBe("unless-stopped");
      }
    }
  });

  it("names only volumes, networks, files and stages that are there", () => {
    const stages = [...dockerfile.matchAll(/^FROM \S+ AS (\S+)$/gm)].map(([, stage]) => stage);
    for (const [name, service] of entries) {
      for (const { source } of mounts(service)) {
        const known = source.startsWith("./") ? existsSync(join(root, source)) : source in volumes;
        expect(known, `${name} mounts ${source}`).toBe(true);
      }
      for (const network of service.networks ?? []) expect(networks).toHaveProperty(network);
      if (service.build) expect(stages).toContain(service.build.target);
    }
  });

  it("publishes nothing but the proxy beyond this machine", () => {
    const beyond = entries.flatMap(([name, { ports = [] }]) =>
      ports
        .map(withDefaults)
        .flatMap((port) => (/^127\.0\.0\.1:/.test(port) ? [] : [`${name} ${port}`])),
    );
    expect(beyond).toEqual(["kong 8000:8000", "kong 8443:8443", "kong-dbless 8010:8000"]);
  });

  it("lets nobody but Kong and the dashboards out", () => {
    const outside = entries.filter(([, service]) => service.networks?.includes("outside"));
    expect(outside.map(([name]) => name)).toEqual(["kong", "kong-dbless", "prometheus", "grafana"]);
    expect(networks.inside).toEqual({ internal: true });
  });

  it("has every host of a URL as a service", () => {
    const observability = filesBelow("observability").filter((path) => /\.ya?ml$/.test(path));
    const texts = [file, ...observability].flatMap((path) => textsIn(documentsOf(path)));
    const addresses = [...texts.map(({ text }) => text), textOf("examples/compose/demo.env")]
      .map(withDefaults)
      .flatMap((text) => [...text.matchAll(/(?:https?|redis):\/\/(?:[^@/\s]*@)?([\w.-]+):\d+/g)])
      .map(([, host]) => host!);
    const targets = texts
      .filter(({ key }) => key === "targets")
      .map(({ text }) => text.split(":")[0]!);
    const hosts = new Set([...addresses, ...targets].filter((host) => host !== "127.0.0.1"));
    expect([...hosts].sort()).toEqual([
      "kong",
      "model-server",
      "plugin-server",
      "prometheus",
      "redis",
    ]);
    for (const host of hosts) expect(services).toHaveProperty(host);
  });

  it("demands every secret with a message, and both examples of an .env give each", () => {
    const variables = [...textOf(file).matchAll(/(?<!\$)\$\{(\w+)(:[-?])?([^}]*)\}/g)];
    const without = variables.filter(([, , operator]) => operator === undefined);
    expect(without.map(([text]) => text)).toEqual([]);
    const demanded = variables.filter(([, , operator]) => operator === ":?");
    for (const [, name, , message] of demanded) expect(message).toContain(`set ${name} in .env`);

    const names = [...new Set(demanded.map(([, name]) => name))].sort();
    for (const example of ["demo.env", "production.env"]) {
      const given = [...textOf(`examples/compose/${example}`).matchAll(/^(\w+)=CHANGEME$/gm)];
      expect(given.map(([, name]) => name).sort()).toEqual(names);
    }
  });

  it("runs Kong with plugins of ours, whose Lua, dumps and sockets are where Kong looks", () => {
    const [serving, preparing] = [services["plugin-server"]!, services.prepare!];
    const sockets = mounts(serving)[0]!;
    const prepared = mounts(preparing).find(({ source }) => source === "prepared")!;
    for (const gateway of gateways) {
      const environment = gateway.environment!;
      const enabled = environment.KONG_PLUGINS!.split(",");
      expect(enabled.slice(0, 2)).toEqual(["bundled", "llm-client-key"]);
      expect(environment.KONG_LUA_PACKAGE_PATH).toBe(`${prepared.target}/?.lua;;`);
      // llm-client-key is Lua alone: no server answers for it.
      const plugins = enabled.slice(2);
      expect(Object.keys(order)).toEqual(expect.arrayContaining(plugins));
      const servers = environment.KONG_PLUGINSERVER_NAMES!.split(",");
      expect(servers).toEqual(plugins.map((name) => name.replaceAll("-", "_")));
      for (const [index, server] of servers.entries()) {
        const prefix = `KONG_PLUGINSERVER_${server.toUpperCase()}`;
        expect(environment[`${prefix}_SOCKET`]).toBe(`${sockets.target}/kong-llm.sock`);
        expect(environment[`${prefix}_QUERY_CMD`]).toBe(
          `cat ${prepared.target}/dumps/${plugins[index]}.json`,
        );
      }
      expect(gateway.volumes).toEqual([
        `${sockets.source}:${sockets.target}`,
        `${prepared.source}:${prepared.target}:ro`,
      ]);
      expect(gateway.user).toBe(serving.user);
    }
    expect(textsIn(preparing).map(({ text }) => text)).toContainEqual(
      expect.stringContaining(`kong-llm install --dir ${prepared.target}\n`),
    );
    expect(preparing.image).toBe(serving.image);
  });

  it("enables every plugin of ours that kong.yaml has", () => {
    const { services } = parse(textOf("kong.yaml")) as {
      services: { plugins: { name: string }[] }[];
    };
    const named = services
      .flatMap(({ plugins }) => plugins.map(({ name }) => name))
      .filter((name) => name === "llm-client-key" || Object.hasOwn(order, name));
    expect(named).toEqual(["llm-client-key", "llm-gateway"]);
    for (const { environment } of gateways) {
      expect(environment!.KONG_PLUGINS!.split(",")).toEqual(expect.arrayContaining(named));
    }
  });

  it("builds the image from every folder that the build reads", () => {
    const built = documentsOf("tsconfig.build.json")[0] as { include: string[] };
    const copied = textOf(".dockerignore").split("\n");
    expect(copied).toEqual(
      expect.arrayContaining([...built.include, "lua"].map((path) => `!${path.split("/")[0]}`)),
    );
  });

  it("gives Kong and the rendering every variable that kong.yaml names", () => {
    const kongYaml = textOf("kong.yaml");
    for (const name of variablesOf(kongYaml))
      expect(services.prepare!.environment).toHaveProperty(name);
    const vaults = [...kongYaml.matchAll(/\{vault:\/\/env\/([\w-]+)\}/g)].map(([, name]) =>
      name!.toUpperCase().replaceAll("-", "_"),
    );
    for (const gateway of gateways) {
      for (const name of vaults) expect(gateway.environment).toHaveProperty(name);
    }
  });

  it("sends the demo to the stand-in, with the same kong.yaml", () => {
    const url = /^UPSTREAM_URL=(.*)$/m.exec(textOf("examples/compose/demo.env"))![1]!;
    const rendered = renderDeclarative(
      textOf("kong.yaml"),
      Object.fromEntries(variablesOf(textOf("kong.yaml")).map((name) => [name, "a-key"])),
      new URL(url),
    );
    const [service] = parseDeclarative(rendered).services;
    expect(service).toMatchObject({ protocol: "http", host: "model-server", port: 8080 });
    expect(dockerfile).toContain("MODEL_SERVER_ADDRESS=0.0.0.0:8080");
  });
});
