import { once } from "node:events";
import { rmSync } from "node:fs";
import { createServer, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { examine } from "../../doctor/examination";
import { type CommandEnd, runKongLlm } from "../support/command";
import { type Gateway, startGateway } from "../support/gateway";
import type { KongConfig } from "../support/kong-config";

// /v1/echo answers with the headers that it got; all else goes on to the stand-in model server.
let modelPort = 0;
// nginx passes on chunks as they come, also where it buffers; an answer that only its connection ends it holds.
let endsByClosing = false;
const echo: Server = createServer((incoming, response) => {
  if (incoming.url === "/v1/echo") {
    response.end(JSON.stringify(incoming.headers));
    return;
  }
  const { method, url: path, headers } = incoming;
  const onward = request({ port: modelPort, method, path, headers }, (answer) => {
    const { "transfer-encoding": _chunked, ...headers } = answer.headers;
    if (endsByClosing) response.removeHeader("transfer-encoding");
    response.writeHead(answer.statusCode ?? 502, endsByClosing ? headers : answer.headers);
    response.flushHeaders();
    answer.pipe(response);
  });
  incoming.pipe(onward);
});

// One for all faults of a file: each is a configuration that Kong starts with anew.
let gateway: Gateway;

beforeAll(async () => {
  echo.listen(0, "127.0.0.1");
  await once(echo, "listening");
});
afterAll(() => {
  echo.close();
  echo.closeAllConnections();
});

function inFrontOf(file: string): void {
  beforeAll(async () => {
    gateway = await startGateway({ config: file, edit: sendToEcho });
  });
  afterAll(() => gateway?.stop());
}

beforeEach(() => {
  endsByClosing = false;
  gateway.upstream.clear();
  gateway.upstream.behave({ match: isStream, chunkDelayMs: 60 });
});

function sendToEcho(config: KongConfig): void {
  modelPort = Number(config.whole.services[0]!.port);
  config.sendTo((echo.address() as AddressInfo).port);
  config.options("models").other_endpoints = ["echo"];
}

function configure(edit: (config: KongConfig) => void = () => {}): Promise<void> {
  return gateway.reconfigure((config) => {
    sendToEcho(config);
    edit(config);
  });
}

function isStream({ json }: { json?: Record<string, unknown> }): boolean {
  return json?.stream === true;
}

const options = () => ({
  url: new URL(gateway.url),
  key: gateway.key,
  healthUrl: new URL(gateway.pluginServer.healthUrl),
  echoPath: "/v1/echo",
});

async function faults(): Promise<string[]> {
  const diagnoses = await examine(options());
  return diagnoses.filter(({ result }) => result === "wrong").map(({ question }) => question);
}

function config(kong: KongConfig, plugin: string): Record<string, unknown> {
  return kong.plugin(plugin)!.config;
}

type Fault = [name: string, off: (kong: KongConfig) => void, ...questions: string[]];

const guardsOff: Fault[] = [
  [
    "key-auth lets anonymous requests in",
    (kong) => {
      kong.whole.consumers.push({ username: "anybody", keyauth_credentials: [] });
      config(kong, "key-auth").anonymous = "anybody";
    },
    "a key is asked for",
  ],
  [
    "llm-client-key is missing",
    (kong) => {
      for (const service of kong.whole.services) {
        service.plugins = service.plugins.filter(({ name }) => name !== "llm-client-key");
      }
    },
    "a key works as x-api-key and as Bearer",
  ],
  [
    "llm-gateway is not on a route",
    (kong) => {
      const [service] = kong.whole.services;
      const plugins = service!.plugins.filter(({ name }) => name !== "llm-gateway");
      const routes = [{ name: "echo", paths: ["/v1/echo"], strip_path: false }];
      kong.whole.services.push({ ...service, name: "echo", routes, plugins });
    },
    "decisions are carried out",
  ],
  [
    "the upstream key goes into a header that the upstream does not read",
    (kong) => {
      kong.options("upstream_key").header = "x-other";
    },
    "the upstream takes our key",
  ],
  [
    "there is no upstream key",
    (kong) => {
      kong.options("upstream_key").keys = [];
    },
    "the upstream takes our key",
  ],
  ["nothing is limited", (kong) => kong.limit({}), "the limiter counts"],
  [
    "the cache is for other endpoints",
    (kong) => {
      kong.options("cache").endpoints = ["embeddings"];
    },
    "the cache hits",
  ],
  [
    "responses are buffered",
    (kong) => {
      const routes = kong.whole.services.flatMap(({ routes }) => routes as object[]);
      for (const route of routes) Object.assign(route, { response_buffering: true });
      endsByClosing = true;
      // What is over sooner cannot be told from a fast answer.
      gateway.upstream.behave({ match: isStream, chunkDelayMs: 150 });
    },
    "streams stream",
  ],
];

// Where Kong has our Lua files, none of it can be missing from a configuration.
const luaOff: Fault[] = [
  [
    "gather.lua shows no key to key-auth",
    (kong) => changeSnippet(kong, "pre-function", "  show_key()\n", ""),
    "a key works as x-api-key and as Bearer",
  ],
  [
    "present.lua is missing",
    (kong) => {
      config(kong, "post-function").header_filter = [];
    },
    "refusals have OpenAI's shape",
    // It also notes for report.lua what kind of answer passes.
    "the cache hits",
  ],
  [
    "carry-out.lua is missing",
    (kong) => {
      config(kong, "post-function").access = [];
    },
    "decisions are carried out",
  ],
  [
    "neither key-auth nor carry-out.lua hides the key",
    (kong) => {
      config(kong, "key-auth").hide_credentials = false;
      changeSnippet(kong, "post-function", 'local KEY = "apikey"', 'local KEY = "-no-key"');
    },
    "your key stays here",
  ],
  [
    "report.lua is missing",
    (kong) => {
      config(kong, "post-function").log = [];
    },
    "answers are learned from",
  ],
];

/** Of the phase access. */
function changeSnippet(kong: KongConfig, plugin: string, part: string, by: string): void {
  const [lua] = config(kong, plugin).access as string[];
  expect(lua).toContain(part);
  config(kong, plugin).access = [lua!.replace(part, by)];
}

describe("kong-llm doctor", () => {
  inFrontOf("kong.yaml");

  it("finds nothing wrong and nothing unknown with a gateway as it should be", async () => {
    await configure();
    const diagnoses = await examine(options());
    expect(diagnoses.filter(({ result }) => result !== "ok")).toEqual([]);
    expect(diagnoses).toHaveLength(12);
  });

  it.each(guardsOff)("when %s, finds exactly that", async (_guard, off, ...questions) => {
    await configure(off);
    expect(await faults()).toEqual(questions);
  });

  it("finds nothing wrong where key-auth hides no key, as our Lua does", async () => {
    await configure((kong) => {
      config(kong, "key-auth").hide_credentials = false;
    });
    expect(await faults()).toEqual([]);
  });

  it("when the outcomes socket is gone, finds exactly that", async () => {
    await configure();
    rmSync(gateway.pluginServer.outcomesSocket);
    expect(await faults()).toEqual(["answers are learned from"]);
    await gateway.pluginServer.restart();
  });

  it("says what cannot be told without the plugin server's metrics and an echo", async () => {
    await configure((kong) => kong.limit({}));
    const { url, key } = options();
    const diagnoses = await examine({ url, key });
    expect(diagnoses.filter(({ result }) => result === "wrong")).toEqual([]);
    const unknown = diagnoses.filter(({ result }) => result === "unknown");
    expect(unknown.map(({ question }) => question)).toEqual([
      "decisions are carried out",
      "your key stays here",
      "the limiter counts",
      "answers are learned from",
      "Kong makes second tries",
      "telemetry arrives",
    ]);
    for (const { found, todo } of unknown) {
      expect(found).toMatch(/^Cannot tell/);
      expect(todo).toBeTruthy();
    }
  });

  // The plugin server shows it for five minutes: nothing after this looks at all questions.
  it("when Kong makes no second tries although they are asked for, finds exactly that", async () => {
    await configure((kong) => {
      kong.plugin("llm-gateway")!.config.second_tries = { most: 1 };
    });
    expect(await faults()).toEqual(["Kong makes second tries"]);
  });

  describe("as a command", () => {
    it("prints a table that holds no key, and exits with 1 when something is wrong", async () => {
      await configure((kong) => kong.limit({}));
      const { healthUrl } = gateway.pluginServer;
      const { code, stdout } = await doctor("--url", gateway.url, "--health-url", healthUrl);
      expect(code).toBe(1);
      expect(stdout).toMatch(/^ok {7}a key is asked for {2,}Without a key/m);
      expect(stdout).toMatch(/^WRONG {4}the limiter counts {2,}.*\n +-> Give rate_limit/m);
      expect(stdout).not.toContain(gateway.key);
    });

    it("exits with 2 when there is no gateway", async () => {
      const { code, stderr } = await doctor("--url", "http://127.0.0.1:1");
      expect(code).toBe(2);
      expect(stderr).toContain("cannot be reached");
    });
  });
});

describe("kong-llm doctor, where Kong has none of our Lua files", () => {
  inFrontOf("examples/without-lua-files/kong.yaml");

  it("finds nothing wrong and nothing unknown with a gateway as it should be", async () => {
    await configure();
    const diagnoses = await examine(options());
    expect(diagnoses.filter(({ result }) => result !== "ok")).toEqual([]);
  });

  it.each(luaOff)("when %s, finds exactly that", async (_guard, off, ...questions) => {
    await configure(off);
    expect(await faults()).toEqual(questions);
  });
});

function doctor(...args: string[]): Promise<CommandEnd> {
  return runKongLlm(["doctor", ...args], { KONG_LLM_DOCTOR_KEY: gateway.key });
}
