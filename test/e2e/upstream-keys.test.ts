import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { pluginDumps } from "../../dev/plugin-server";
import { log } from "../../stages/log";
import { configurations, type Gateway, startGateway } from "../support/gateway";
import type { KongConfig } from "../support/kong-config";

const secret = () => `sk-test-${randomBytes(16).toString("hex")}`;

// A busy machine may take its time where nothing is promised about time.
const patience = { timeout: 30_000 };

let serial = 0;

function ask(gateway: Gateway, more: object = {}, key = gateway.key): Promise<Response> {
  const messages = [{ role: "user", content: `question ${++serial}` }];
  return fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-api-key": key },
    body: JSON.stringify({ model: "gpt-4", messages, ...more }),
  });
}

/** The key that each request reached the upstream with. */
function keysSeen({ upstream }: Gateway): (string | undefined)[] {
  return upstream.requests.map(({ headers }) => headers.authorization?.replace("Bearer ", ""));
}

function withKeys(kong: KongConfig, keys: object[], more: object = {}): void {
  Object.assign(kong.options("upstream_key"), { keys, ...more });
  kong.limit({ minute: 100_000 });
}

describe.each(configurations)("the upstream keys of %s", (_, config) => {
  const [bad, good] = [secret(), secret()];
  let mounted: string;
  let gateway: Gateway;

  beforeAll(() => {
    mounted = mkdtempSync(join(tmpdir(), "kong-llm-keys-"));
  });
  afterAll(() => rmSync(mounted, { recursive: true, force: true }));

  /** Replaces what the volume holds as Kubernetes does: a new directory, and a symlink turned. */
  function mount(name: string, key: string): void {
    const generation = `..${name}-${randomBytes(4).toString("hex")}`;
    mkdirSync(join(mounted, generation));
    writeFileSync(join(mounted, generation, name), `${key}\n`);
    symlinkSync(generation, join(mounted, `..${name}-new`));
    renameSync(join(mounted, `..${name}-new`), join(mounted, `..${name}`));
  }

  describe("in a file", () => {
    const [before, after] = [secret(), secret()];

    beforeAll(async () => {
      mount("key", before);
      symlinkSync(join("..key", "key"), join(mounted, "key"));
      const file = join(mounted, "key");
      gateway = await startGateway({ config, edit: (kong) => withKeys(kong, [{ file }]) });
    });
    afterAll(() => gateway?.stop());

    it("are used soon after they were rotated, and no request is lost", async () => {
      let going = true;
      const statuses = new Set<number>();
      const traffic = Array.from({ length: 4 }, async () => {
        while (going) {
          const answer = await ask(gateway);
          statuses.add(answer.status);
          await answer.arrayBuffer();
        }
      });
      try {
        await expect.poll(() => keysSeen(gateway).length, patience).toBeGreaterThan(10);
        expect(new Set(keysSeen(gateway))).toEqual(new Set([before]));

        mount("key", after);
        await expect.poll(() => keysSeen(gateway), patience).toContain(after);
        gateway.upstream.clear();
        await expect.poll(() => keysSeen(gateway).length, patience).toBeGreaterThan(10);
      } finally {
        going = false;
        await Promise.all(traffic);
      }

      expect(new Set(keysSeen(gateway).slice(4))).toEqual(new Set([after]));
      expect(statuses).toEqual(new Set([200]));
    });
  });

  describe("of which the upstream refuses one", () => {
    beforeAll(async () => {
      const keys = [
        { value: bad, weight: 1000 },
        { value: good, weight: 1 },
      ];
      const headers = [{ name: "OpenAI-Project", value: "proj_1" }];
      const more = { headers, rest_seconds: 3600 };
      gateway = await startGateway({ config, edit: (kong) => withKeys(kong, keys, more) });
    });
    afterAll(() => gateway?.stop());
    beforeEach(() => gateway.upstream.clear());

    it("rest while the others carry on", async () => {
      const isBad = ({ headers }: { headers: { authorization?: string } }) =>
        headers.authorization === `Bearer ${bad}`;
      gateway.upstream.behave({ match: isBad, status: 401 });
      const up = (key: string) => gateway.pluginServer.metric("llm_upstream_key_up", { key });
      await expect.poll(async () => (await ask(gateway)).status, patience).toBe(401);
      await expect.poll(() => up("0"), patience).toBe(0);
      expect(await up("1")).toBe(1);

      gateway.upstream.requests.length = 0;
      const answers = await Promise.all(Array.from({ length: 30 }, () => ask(gateway)));
      expect(answers.map(({ status }) => status)).toEqual(Array(30).fill(200));
      expect(new Set(keysSeen(gateway))).toEqual(new Set([good]));
    });

    it("go with the headers that belong to them, whatever the client sends", async () => {
      await fetch(`${gateway.url}/v1/embeddings`, {
        method: "POST",
        headers: {
          ...{ "content-type": "application/json", "x-api-key": gateway.key },
          "openai-project": "proj_of_somebody_else",
        },
        body: JSON.stringify({ model: "text-embedding-3-small", input: "x" }),
      });
      expect(gateway.upstream.requests[0]?.headers["openai-project"]).toBe("proj_1");
    });
  });
});

describe.each(configurations)("what %s tells", (_, config) => {
  it("holds no key: in nothing printed, logged, dumped, measured or answered", async () => {
    vi.stubEnv("KONG_LLM_LOG_LEVEL", "trace");
    const told: string[] = [];
    const levels = ["trace", "debug", "info", "warn", "error"] as const;
    const logs = levels.map((level) => vi.spyOn(log, level));
    const [inConfig, inFile] = [secret(), secret()];
    const directory = mkdtempSync(join(tmpdir(), "kong-llm-keys-"));
    const file = join(directory, "key");
    writeFileSync(file, inFile);
    const gateway = await startGateway({
      config,
      printed: (text) => told.push(text),
      edit: (kong) =>
        withKeys(kong, [
          { value: inConfig },
          { file },
          { value: "{vault://env/holysheep-api-key}" },
          { value: "{vault://env/not-set}" },
          { file: join(directory, "missing") },
        ]),
    });
    const keys = [inConfig, inFile, gateway.upstreamKey, gateway.key, gateway.otherKey];
    try {
      await provoke(gateway, told);
      expect(keysSeen(gateway)).toEqual(
        expect.arrayContaining([inConfig, inFile, gateway.upstreamKey]),
      );
      writeFileSync(file, `${inFile}\u0000`);
      await gateway.pluginServer.restart();
      await provoke(gateway, told);
      told.push(await gateway.pluginServer.metrics());
      for (const path of ["/readyz", "/healthz"]) {
        told.push(await (await fetch(gateway.pluginServer.healthUrl + path)).text());
      }
      told.push(JSON.stringify(await pluginDumps()), gateway.kongLog());
    } finally {
      await gateway.stop();
      told.push(JSON.stringify(logs.map(({ mock }) => mock.calls)));
      vi.unstubAllEnvs();
      vi.restoreAllMocks();
      rmSync(directory, { recursive: true, force: true });
    }

    const everything = told.join("\n");
    expect(everything).toContain('"model":"gpt-4.1"');
    expect(everything).toContain("llm_upstream_key_up");
    expect(everything).toContain("upstream key 4");
    for (const key of keys) expect(everything).not.toContain(key);
  });
});

/** Requests that go well, and then badly, so that keys rest; what their clients hear is kept. */
async function provoke(gateway: Gateway, told: string[]): Promise<void> {
  const hear = async (answers: Promise<Response>[]) => {
    for (const answer of await Promise.all(answers)) {
      const body = await answer.text().catch(() => "");
      told.push(JSON.stringify([...answer.headers]), body);
    }
  };
  await hear(Array.from({ length: 40 }, () => ask(gateway)));
  await hear([
    ...[401, 403, 429, 500].map((status) => ask(gateway, { model: `stand-in-${status}` })),
    ask(gateway, { model: "stand-in-cut", stream: true }),
    ask(gateway, { model: 7 }),
    ask(gateway, {}, `${gateway.key}-wrong`),
    ask(gateway, {}, gateway.otherKey),
  ]);
}
