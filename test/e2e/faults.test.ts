// Faults that are made on purpose: what a client, /readyz, the metrics and the logs say of each, and that
// docs/troubleshooting.md is found by those very words, in both languages.

import { chmodSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, createServer } from "node:net";
import { dirname, join } from "node:path";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { freePort, installedLua, pluginDumps } from "../../dev/plugin-server";
import packageJson from "../../package.json";
import { log } from "../../stages/log";
import { type Gateway, type KongChanges, startGateway } from "../support/gateway";
import type { KongConfig } from "../support/kong-config";
import { startKong } from "../support/kong-process";
import { textOf } from "../support/yaml-files";

const isReal = process.env.GATEWAY === "kong";
const pages = ["docs/troubleshooting.md", "docs/troubleshooting.ko.md"];
const patience = { timeout: 30_000 };

interface Fault {
  edit?: (config: KongConfig) => void;
  /** What Kong is started with in place of what it needs. */
  kong?: () => Promise<KongChanges>;
  /** Breaks what Kong or the plugin server needs. @returns what mends it */
  breaks?: (gateway: Gateway) => Promise<() => Promise<void> | void>;
  ask?: (gateway: Gateway) => Promise<Response>;
  client: { status: number; code?: string; source: string | null; says?: string };
  /** The neighbour that /readyz shows as half on; without it all are well, `silent` where it cannot say. */
  readyz?: string;
  metric?: [name: string, labels: Record<string, string>, value?: number];
  /** True: the metric shows only what is broken now. */
  passes?: true;
  /** Words of a log; `...` is any text. Some only a real Kong writes. */
  logged?: string[];
  loggedByKong?: string[];
  /** False: as root nobody is refused. */
  onStandIn?: false;
}

let serial = 0;

function chat(gateway: Gateway, path = "/v1/chat/completions", more: object = {}) {
  const messages = [{ role: "user", content: `fault ${serial++}` }];
  return fetch(`${gateway.url}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-api-key": gateway.key },
    body: JSON.stringify({ model: "gpt-4", messages, ...more }),
  });
}

/** Where the driver asks: the path that Kong's configuration names, with .ask behind it. */
const askSocket = ({ pluginServer }: Gateway) =>
  join(dirname(pluginServer.socket), "counted.sock.ask");

function away(path: string): () => void {
  renameSync(path, `${path}.away`);
  return () => {
    rmSync(path, { force: true });
    renameSync(`${path}.away`, path);
  };
}

/** A socket that nobody listens at, as a server that was killed leaves it. */
async function abandoned(path: string): Promise<() => void> {
  const mend = away(path);
  const server = createServer();
  await new Promise<void>((listening) => server.listen(`${path}.new`, listening));
  chmodSync(`${path}.new`, 0o666);
  renameSync(`${path}.new`, path);
  await new Promise((closed) => server.close(closed));
  return mend;
}

/** Lua files as another version of ours installs them. */
async function luaOfAnotherVersion(): Promise<string> {
  const directory = await installedLua();
  const handler = join(directory, "kong/plugins/llm-gateway/handler.lua");
  const ours = readFileSync(handler, "utf8");
  writeFileSync(handler, ours.replace(`"${packageJson.version}"`, '"0.1.9"'));
  return directory;
}

const service = (config: KongConfig) => config.whole.services[0]!;

const faults: Record<string, Fault> = {
  "a client without a key": {
    ask: (gateway) => fetch(`${gateway.url}/v1/models`),
    client: { status: 401, code: "invalid_api_key", source: "gateway" },
    metric: ["llm_kong_answers_total", { status: "401" }],
  },
  "a key that has expired": {
    edit: ({ whole: { consumers } }) => {
      for (const credential of consumers.flatMap((one) => one.keyauth_credentials)) {
        Object.assign(credential, { tags: ["llm-expires-2020-01-01T00:00:00Z"] });
      }
    },
    client: { status: 401, code: "expired_api_key", source: "gateway" },
    metric: ["llm_requests_total", { status: "401", source: "gateway" }],
  },
  "a base_url without /v1": {
    ask: (gateway) => chat(gateway, "/chat/completions"),
    client: { status: 404, code: "unknown_endpoint", source: "gateway", says: "base_url" },
    metric: ["llm_requests_total", { status: "404", source: "gateway" }],
  },
  "a base_url without /v1, and no route for it": {
    edit: (config) => {
      const routes = service(config).routes as { name: string }[];
      service(config).routes = routes.filter(({ name }) => name !== "llm-route");
    },
    ask: (gateway) => chat(gateway, "/chat/completions"),
    client: { status: 404, source: null, says: "no Route matched with those values" },
  },
  "plain HTTP where the route wants https": {
    edit: (config) => {
      for (const route of service(config).routes as { protocols?: string[] }[]) {
        route.protocols = ["https"];
      }
    },
    client: { status: 426, source: null, says: "Please use HTTPS protocol" },
  },
  "a body that is too long": {
    edit: (config) => {
      config.options("models").max_body_bytes = 1024;
    },
    ask: (gateway) => chat(gateway, undefined, { user: "x".repeat(2000) }),
    client: { status: 413, code: "request_too_large", source: "gateway" },
    metric: ["llm_requests_total", { status: "413", source: "gateway" }],
  },
  "a limit that is used up": {
    edit: (config) => config.limit({ hour: 1 }),
    ask: async (gateway) => {
      await (await chat(gateway)).text();
      return chat(gateway);
    },
    client: { status: 429, code: "rate_limit_exceeded", source: "gateway" },
    metric: ["llm_rate_limit_refusals_total", { measure: "requests", window: "hour" }],
  },
  "a plugin server that was killed": {
    breaks: async (gateway) => {
      const mend = await abandoned(askSocket(gateway));
      await gateway.pluginServer.kill();
      return async () => {
        mend();
        await gateway.pluginServer.restart();
      };
    },
    client: { status: 503, code: "gateway_unavailable", source: "gateway" },
    readyz: "silent",
    metric: ["llm_kong_answers_total", { status: "503" }],
    logged: ["has not decided about this request", "connection refused"],
    loggedByKong: ["connect() to unix:... failed (111: Connection refused)"],
  },
  "a plugin server that listens elsewhere": {
    breaks: async (gateway) => away(askSocket(gateway)),
    client: { status: 503, code: "gateway_unavailable", source: "gateway" },
    metric: ["llm_kong_answers_total", { status: "503" }],
    logged: ["has not decided about this request", "no such file or directory"],
    loggedByKong: ["connect() to unix:... failed (2: No such file or directory)"],
  },
  "a plugin server that hangs": {
    breaks: async (gateway) => {
      // Every worker has told its configuration: what gets no answer then is a question.
      await gateway.warmUp(() => chat(gateway));
      const pid = gateway.pluginServer.pid!;
      process.kill(pid, "SIGSTOP");
      return () => void process.kill(pid, "SIGCONT");
    },
    client: { status: 503, code: "gateway_unavailable", source: "gateway" },
    readyz: "silent",
    metric: ["llm_questions_unanswered_total", { reason: "silent" }],
    logged: ["has not decided about this request: timeout"],
  },
  "a driver and a plugin server of different versions": {
    kong: async () => ({ lua: await luaOfAnotherVersion() }),
    client: { status: 503, code: "gateway_unavailable", source: "gateway" },
    readyz: "configs",
    metric: ["llm_configs_refused_total", { plugin: "other" }],
    logged: [
      "has not decided about this request",
      "the driver is of version ..., the plugin server of ...: install the Lua files",
    ],
  },
  "a driver that is told of no socket": {
    kong: async () => ({ namesSocket: false }),
    client: {
      ...{ status: 503, code: "gateway_misconfigured", source: "gateway" },
      says: "its operator must look",
    },
    logged: ["pluginserver_llm_gateway_socket is not set in kong.conf"],
  },
  "a socket that Kong may not write to": {
    breaks: async (gateway) => {
      chmodSync(askSocket(gateway), 0o600);
      return () => chmodSync(askSocket(gateway), 0o666);
    },
    client: { status: 503, code: "gateway_unavailable", source: "gateway" },
    metric: ["llm_kong_answers_total", { status: "503" }],
    loggedByKong: [
      "connect() to unix:... failed (13: Permission denied)",
      "has not decided about this request",
      "permission denied",
    ],
    onStandIn: false,
  },
  "a malformed REDIS_URL": {
    edit: (config) => {
      config.options("rate_limit").redis = { url: "{vault://env/malformed-url}" };
    },
    client: {
      ...{ status: 503, code: "gateway_misconfigured", source: "gateway" },
      says: "its operator must look",
    },
    readyz: "configs",
    metric: ["llm_configs_refused_total", { plugin: "llm-gateway" }],
    logged: ["plugin llm-gateway refuses its config: ..."],
  },
  "a key of the upstream that is not set": {
    edit: (config) => {
      config.options("upstream_key").keys = [{ value: "{vault://env/not-set-anywhere}" }];
    },
    client: {
      ...{ status: 503, code: "gateway_misconfigured", source: "gateway" },
      says: "No upstream key is configured",
    },
    readyz: "upstream keys",
    metric: ["llm_upstream_key_up", { key: "0" }, 0],
    loggedByKong: ["unable to resolve reference {vault://env/...}"],
  },
  "a key that the upstream refuses": {
    edit: (config) => {
      const keys = [{ value: "refused-key" }];
      Object.assign(config.options("upstream_key"), { keys, rest_seconds: 3600 });
    },
    ask: (gateway) => chat(gateway, undefined, { model: "stand-in-401" }),
    client: { status: 401, source: "upstream" },
    readyz: "upstream keys",
    metric: ["llm_upstream_key_up", { key: "0" }, 0],
  },
  "a Redis that is away, where no request may go uncounted": {
    edit: (config) => {
      Object.assign(config.options("rate_limit"), {
        redis: { url: "{vault://env/redis-that-is-away}" },
        on_redis_failure: "refuse",
      });
    },
    client: {
      ...{ status: 503, code: "gateway_unavailable", source: "gateway" },
      says: "cannot count requests at the moment",
    },
    readyz: "redis 127.0.0.1:1/0",
    metric: ["llm_redis_up", { address: "127.0.0.1:1/0" }, 0],
  },
  "an upstream that refuses connections": {
    edit: (config) => config.sendTo(1),
    client: { status: 502, code: "upstream_error", source: "gateway" },
    metric: ["llm_requests_total", { status: "502", source: "error" }],
    loggedByKong: ["connect() failed (111: Connection refused)"],
  },
  "an upstream whose name is unknown": {
    edit: (config) => {
      service(config).host = "nowhere.invalid";
    },
    client: { status: 503, code: "upstream_unreachable", source: "gateway" },
    metric: ["llm_requests_total", { status: "503" }],
    loggedByKong: ["DNS resolution failed"],
  },
  "an upstream that is silent": {
    edit: (config) => Object.assign(service(config), { read_timeout: 300, retries: 0 }),
    ask: (gateway) => {
      gateway.upstream.behave({ delayMs: 3000, times: 1 });
      return chat(gateway);
    },
    client: { status: 504, code: "upstream_timeout", source: "gateway" },
    metric: ["llm_requests_total", { status: "504", source: "error" }],
    loggedByKong: ["upstream timed out (110: Connection timed out)"],
  },
  "outcomes that do not arrive": {
    breaks: async ({ pluginServer }) => away(pluginServer.outcomesSocket),
    client: { status: 200, source: "upstream" },
    metric: ["llm_decisions_open", {}],
    passes: true,
  },
};

let gateway: Gateway;
/** What the plugin server and the stand-in for Kong have logged. */
let told = "";

beforeAll(async () => {
  for (const level of ["error", "warn", "info"] as const) {
    vi.spyOn(log, level).mockImplementation((...said: unknown[]) => {
      told += `${said.map((one) => (typeof one === "string" ? one : "")).join(" ")}\n`;
    });
  }
  gateway = await startGateway({
    environment: {
      MALFORMED_URL: "redis//nowhere:6379",
      REDIS_THAT_IS_AWAY: "redis://127.0.0.1:1/0",
    },
    printed: (text) => {
      told += text;
    },
  });
});
afterAll(async () => {
  vi.restoreAllMocks();
  await gateway?.stop();
});

interface Readiness {
  ready: boolean;
  neighbours: Record<string, { ok: boolean; detail: string }>;
}

/** Undefined where nobody answers: a server that hangs never does. */
async function readiness(): Promise<Readiness | undefined> {
  const signal = AbortSignal.timeout(2000);
  const url = `${gateway.pluginServer.healthUrl}/readyz`;
  const answer = await fetch(url, { signal }).catch(() => undefined);
  return answer && ((await answer.json()) as Readiness);
}

/** As a page prints it: `...` is what differs. */
function pattern(words: string): RegExp {
  const escaped = words.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return new RegExp(escaped.replaceAll("\\.\\.\\.", "[^\\n]*"));
}

function expectOnPages(words: string): void {
  for (const page of pages) {
    // In backticks, by itself or within a longer line of a log.
    const literal = [...textOf(page).matchAll(/`([^`\n]+)`/g)].map(([, text]) => text!);
    const found = literal.some((text) => text.includes(words));
    expect(found, `${page} is found by "${words}"`).toBe(true);
  }
}

async function half(name: string | undefined): Promise<void> {
  if (name === "silent") return expect(await readiness()).toBeUndefined();
  const { ready, neighbours } = (await readiness())!;
  expect(ready).toBe(true);
  const ill = Object.keys(neighbours).filter((one) => !neighbours[one]!.ok);
  if (name) expect(ill).toContain(name);
  return undefined;
}

async function measured(metric: Fault["metric"]): Promise<void> {
  if (!metric) return;
  const [name, labels, value] = metric;
  const read = async () => {
    // Kong's own answers come with the outcome of a request that was decided about.
    if (name === "llm_kong_answers_total") await (await chat(gateway)).text();
    return gateway.pluginServer.metric(name, labels);
  };
  if (value === undefined) await expect.poll(read, patience).toBeGreaterThan(0);
  else await expect.poll(read, patience).toBe(value);
  if (value === 0) expect(await gateway.pluginServer.metrics()).toContain(`${name}{`);
}

describe.each(Object.entries(faults))("%s", (_, fault) => {
  const { edit, kong, breaks, ask = chat, client, readyz, metric, passes, onStandIn } = fault;

  it.runIf(isReal || onStandIn !== false)("is told where it is looked for", async () => {
    gateway.upstream.clear();
    // A plugin server that knows of no fault before.
    await gateway.pluginServer.restart();
    await gateway.reconfigure(edit ?? (() => {}), await kong?.());
    told = "";
    const mend = await breaks?.(gateway);
    try {
      const answer = await ask(gateway);
      const body = await answer.text();
      expect(answer.status).toBe(client.status);
      expect(answer.headers.get("x-llm-source")).toBe(client.source);
      if (client.code) expect(JSON.parse(body).error.code).toBe(client.code);
      if (client.says) expect(body).toContain(client.says);
      if (client.code === "gateway_misconfigured") {
        expect(answer.headers.get("x-should-retry")).toBe("false");
        expect(answer.headers.has("retry-after")).toBe(false);
      }
      await vi.waitFor(() => half(readyz), patience);
      if (passes) await measured(metric);
    } finally {
      await mend?.();
    }
    if (!passes) await measured(metric);
    const wanted = [...(fault.logged ?? []), ...(isReal ? (fault.loggedByKong ?? []) : [])];
    for (const words of wanted) {
      await expect.poll(() => told + gateway.kongLog(), patience).toMatch(pattern(words));
    }
  });

  it("is found on the page by what was told", () => {
    const { logged = [], loggedByKong = [] } = fault;
    const { code, says, source } = client;
    const words = [...logged, ...loggedByKong, ...(code ? [code] : [])];
    if (says && !code) words.push(says);
    if (readyz && readyz !== "silent" && !readyz.startsWith("redis ")) words.push(readyz);
    if (source === "upstream" && client.status > 399) words.push("X-LLM-Source: upstream");
    if (words.length === 0) words.push(metric![0]);
    for (const one of words) expectOnPages(one);
  });
});

describe.runIf(isReal)("a Kong that does not start", () => {
  const config = () => `_format_version: "3.0"
services:
  - name: llm
    url: http://127.0.0.1:1
    routes: [{ name: all, paths: ["/"] }]
    plugins: [{ name: llm-client-key }, { name: llm-gateway, config: { cache: { ttl_second: 5 } } }]
`;

  it.each([
    ["finds no Lua files", "/nonexistent", "llm-client-key plugin is enabled but not installed"],
    [
      "has a plugin that is not enabled",
      undefined,
      "not enabled; add it to the 'plugins' configuration property",
    ],
  ])("says so where it %s", async (_, lua, words) => {
    const dumps = await pluginDumps();
    const started = startKong({
      config: config(),
      dumps,
      socket: "/nowhere",
      lua,
      environment: {},
    });
    const said = await started.then(
      () => "it has started",
      ({ message }: Error) => message,
    );
    expect(said).toContain(words);
    expectOnPages(words);
  });
});

describe("what SDKs print", () => {
  const request = { model: "gpt-4", messages: [{ role: "user" as const, content: "Hello" }] };
  const failure = (baseURL: string) =>
    new OpenAI({ baseURL, apiKey: "a-key", maxRetries: 0 }).chat.completions
      .create(request)
      .then(() => undefined)
      .catch((error: Error) => error);

  it("where nobody answers is on the page", async () => {
    const error = await failure(`http://127.0.0.1:${await freePort()}/v1`);
    expect(error).toBeInstanceOf(OpenAI.APIConnectionError);
    for (const words of ["APIConnectionError", error!.message]) expectOnPages(words);
  });

  it("where somebody else answers is on the page", async () => {
    const other = createHttpServer((_, response) => response.writeHead(404).end());
    await new Promise<void>((listening) => other.listen(0, "127.0.0.1", listening));
    try {
      const error = await failure(`http://127.0.0.1:${(other.address() as AddressInfo).port}/v1`);
      expect(error!.message).toBe("404 status code (no body)");
      expectOnPages(error!.message);
    } finally {
      other.close();
    }
  });
});

// As decK 1.62, Helm, the Ingress Controller 3.5 and Kong 3.9.3 print them.
describe("what other tools print", () => {
  it.each([
    "starting instance: no such file or directory",
    "failed decoding plugin info",
    "plugin is enabled but not installed",
    "plugin is in use but not enabled",
    "present in state file but not set",
    "schema violation",
    "unknown field",
    'no matches for kind "ServiceMonitor"',
  ])("is on the page: %s", expectOnPages);
});
