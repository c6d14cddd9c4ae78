import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { register } from "prom-client";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { answerFrame } from "../kong/ask-frame";
import packageJson from "../package.json";
import { learnFrom } from "../stages/learn";
import { log } from "../stages/log";
import { neighbourStates } from "../stages/neighbours";
import { delivery } from "../stages/outcome";
import { openTicket, outcomeNeverSent } from "../stages/unheard";
import { Asks } from "./asks";
import { Instances } from "./instances";
import { asks } from "./metrics";
import { loadPlugins } from "./plugins";
import { type PluginServer, startServer } from "./server";
import { listenOn } from "./socket";

let folder: string;
let server: PluginServer;
const drivers: Driver[] = [];

beforeEach(async () => {
  log.level = "silent";
  folder = mkdtempSync(join(tmpdir(), "asks-"));
  server = await startServer({
    plugins: join(__dirname, "../plugins"),
    socket: { path: join(folder, "rpc.sock"), mode: 0o600 },
  });
});
afterEach(async () => {
  for (const driver of drivers.splice(0)) driver.socket.destroy();
  await server.stop(0);
  delivery.socket = undefined;
  rmSync(folder, { recursive: true });
});

interface Reply {
  kind: string;
  sections: string[];
}

/** Kong's side of the ask socket, as lua/ask.lua plays it. */
class Driver {
  #held = Buffer.alloc(0);
  #wake: () => void = () => {};

  private constructor(readonly socket: Socket) {
    drivers.push(this);
    socket.on("error", () => {});
    socket.on("data", (chunk: Buffer) => {
      this.#held = Buffer.concat([this.#held, chunk]);
      this.#wake();
    });
  }

  static async open(path = join(folder, "rpc.sock.ask")): Promise<Driver> {
    const socket = connect(path);
    await once(socket, "connect");
    return new Driver(socket);
  }

  async send(kind: string, ...sections: (string | Buffer)[]): Promise<Reply> {
    this.socket.write(answerFrame(kind as "N", ...sections));
    return this.reply();
  }

  async reply(): Promise<Reply> {
    for (;;) {
      const length = this.#held.length >= 4 ? this.#held.readUInt32BE(0) : undefined;
      if (length !== undefined && this.#held.length >= 4 + length) {
        const bytes = this.#held.subarray(4, 4 + length);
        this.#held = this.#held.subarray(4 + length);
        return parsed(bytes);
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  ask(question: Asked, body = ""): Promise<Reply> {
    return this.send("Q", ...asking(question), "", "", body);
  }

  tellConfig(config: object, about: object = {}): Promise<Reply> {
    const told = { id: "one", plugin: "llm-gateway", version: packageJson.version, ...about };
    return this.send("C", JSON.stringify(told), JSON.stringify(config));
  }
}

interface Asked {
  request: { id: unknown };
  asked_at?: number;
  [more: string]: unknown;
}

/** What differs with each request, and the question beside it. */
function asking({ asked_at, request: { id, ...request }, ...question }: Asked): string[] {
  return [
    { id, asked_at },
    { ...question, request },
  ].map((one) => JSON.stringify(one));
}

/** How many requests wait for the answer of an equal one. */
async function waitingRequests(): Promise<number | undefined> {
  const gauge = await register.getSingleMetric("llm_cache_waiting_requests")?.get();
  return gauge?.values[0]?.value;
}

function parsed(bytes: Buffer): Reply {
  const sections: string[] = [];
  for (let at = 1; at < bytes.length; ) {
    const end = at + 4 + bytes.readUInt32BE(at);
    sections.push(bytes.subarray(at + 4, end).toString());
    at = end;
  }
  return { kind: String.fromCharCode(bytes[0]!), sections };
}

const config = {
  models: { aliases: [{ name: "gpt-4", target: "gpt-4.1" }] },
  upstream_key: { keys: [{ value: "up-key" }] },
};
const request = {
  id: "r1",
  method: "POST",
  path: "/v1/chat/completions",
  client_ip: "127.0.0.1",
  bytes: 32,
};
const question = { config: "one", request, consumer: { id: "c", username: "alice" } };
const body = '{"model":"gpt-4","messages":[]}';

describe("server", () => {
  describe("a question of a driver", () => {
    it("is decided with one frame, which carries edits and not the body", async () => {
      const driver = await Driver.open();
      expect(await driver.tellConfig(config)).toEqual({
        kind: "N",
        sections: ['{"headers":[],"credential":false}'],
      });
      const { kind, sections } = await driver.ask(question, body);
      expect(kind).toBe("D");
      expect(sections[0]).toBe("r1");
      expect(JSON.parse(sections[1]!)).toMatchObject({
        headers: { authorization: "Bearer up-key" },
        edits: [[[9, 7, '"gpt-4.1"'], expect.anything()]],
      });
      expect(sections[1]).not.toContain("messages");
      expect(JSON.parse(sections[2]!)).toMatchObject({ id: "r1", consumer: "alice" });
    });

    it("is answered where a stage answers", async () => {
      const driver = await Driver.open();
      await driver.tellConfig(config);
      const { kind, sections } = await driver.ask({ ...question, consumer: undefined }, body);
      expect(kind).toBe("A");
      expect(JSON.parse(sections[1]!)).toMatchObject({
        status: 401,
        headers: { "X-LLM-Source": "gateway" },
      });
      expect(JSON.parse(sections[2]!).error.code).toBe("invalid_api_key");
    });

    it("is answered with texts that end with its id, by which LuaJIT tells them apart", async () => {
      const driver = await Driver.open();
      await driver.tellConfig(config);
      const decided = await driver.ask(question, body);
      const refused = await driver.ask({ ...question, consumer: undefined }, body);
      for (const text of [decided.sections[1], decided.sections[2], refused.sections[1]]) {
        expect(text).toMatch(/"id":"r1"\}$/);
      }
    });

    it("under a config that nobody has told asks for it", async () => {
      const driver = await Driver.open();
      expect((await driver.ask({ ...question, config: "never" }, body)).kind).toBe("U");
    });

    it("finds a config that another worker has told", async () => {
      await (await Driver.open()).tellConfig(config, { id: "shared" });
      const other = await Driver.open();
      expect((await other.ask({ ...question, config: "shared" }, body)).kind).toBe("D");
    });

    it("says what is wrong with a config, and never what a secret was", async () => {
      const driver = await Driver.open();
      const { kind, sections } = await driver.tellConfig({
        upstream_key: { keys: [{ value: "secret-key", weight: 0 }] },
      });
      expect(kind).toBe("E");
      expect(sections).toEqual([expect.stringMatching(/weight/), "config"]);
      expect(sections[0]).not.toContain("secret-key");
    });

    it("refuses a driver of another version in words that say what to do", async () => {
      const driver = await Driver.open();
      const { kind, sections } = await driver.tellConfig(config, { version: "0.0.1" });
      expect(kind).toBe("E");
      expect(sections).toEqual([
        expect.stringMatching(/driver is of version 0\.0\.1.*install the Lua files/),
      ]);
      expect(neighbourStates().configs).toMatchObject({ ok: false });
    });

    it("refuses a plugin that it does not have as a mistake of the operator", async () => {
      const driver = await Driver.open();
      const { kind, sections } = await driver.tellConfig(config, { plugin: "not-here" });
      expect([kind, ...sections]).toEqual(["E", "no plugin of that name here: not-here", "config"]);
      expect(await register.getSingleMetricAsString("llm_configs_refused_total")).toMatch(
        /\{plugin="other"\} [1-9]/,
      );
    });

    it.each([
      ["no JSON", '{"id":"r"}', "{"],
      ["no object", '{"id":"r"}', "null"],
      ["about nothing", "null", JSON.stringify(question)],
      ["without an id", ...asking({ ...question, request: { ...request, id: 5 } })],
    ])("that is %s is an error, and the connection goes on", async (_, ...heads) => {
      const driver = await Driver.open();
      await driver.tellConfig(config);
      expect((await driver.send("Q", ...heads, "", "", body)).kind).toBe("E");
      expect((await driver.ask(question, body)).kind).toBe("D");
    });
  });

  describe("a question that comes too late", () => {
    const limited = { ...config, rate_limit: { requests: { minute: 1 } } };
    const numbered = (id: string) => ({ ...question, request: { ...request, id } });
    const counted = async (answer: string) =>
      (await asks.get()).values.find(({ labels }) => labels.answer === answer)?.value ?? 0;

    it("is refused, and takes nothing: whoever asked it is about to give up", async () => {
      const driver = await Driver.open();
      await driver.tellConfig(limited);
      const before = await counted("late");
      for (const id of ["late-1", "late-2"]) {
        const { kind, sections } = await driver.ask(
          { ...numbered(id), asked_at: Date.now() - 10_500 },
          body,
        );
        expect([kind, sections[0]]).toEqual(["E", expect.stringContaining("too busy")]);
        expect(openTicket(id)).toBeUndefined();
      }
      expect(await counted("late")).toBe(before + 2);
      const now = { ...numbered("in-time"), asked_at: Date.now() };
      expect((await driver.ask(now, body)).kind).toBe("D");
    });

    it("for its driver, which has gone, gives back what was taken for it", async () => {
      delivery.socket = join(folder, "outcomes.sock");
      const driver = await Driver.open();
      await driver.tellConfig({ ...config, rate_limit: { tokens: { minute: 100_000 } } });
      const deterministic = '{"model":"gpt-4","temperature":0,"max_tokens":9000,"messages":[]}';
      const leader = await driver.ask(numbered("leader"), deterministic);
      expect(leader.kind).toBe("D");
      const gone = await Driver.open();
      gone.socket.write(
        answerFrame("Q" as "N", ...asking(numbered("gone")), "", "", deterministic),
      );
      await expect.poll(waitingRequests).toBe(1);
      gone.socket.destroy();
      await once(gone.socket, "close");
      // A question after that one: the server has seen that its driver has gone.
      await driver.ask({ ...question, config: "never" });

      const before = await counted("undelivered");
      const ended = outcomeNeverSent("leader")!;
      await learnFrom({ ...ended, status: 500, source: "service" });
      await expect.poll(() => counted("undelivered")).toBe(before + 1);
      await expect.poll(() => openTicket("gone")).toBeUndefined();
      const next = await driver.ask(numbered("next"), body);
      const { response_headers } = JSON.parse(next.sections[1]!);
      expect(Number(response_headers["x-ratelimit-remaining-tokens"])).toBeGreaterThan(95_000);
    });
  });

  describe("a question that comes when the server ends, and has answered all others", () => {
    it("is refused, and takes nothing", async () => {
      const ending = new Asks(new Instances(await loadPlugins(join(__dirname, "../plugins"))));
      const path = join(folder, "ending.sock");
      const listening = await listenOn({ path, mode: 0o600 }, (socket) => ending.receive(socket));
      const driver = await Driver.open(path);
      await driver.tellConfig(config);
      await ending.drained();
      const { kind, sections } = await driver.ask(
        { ...question, request: { ...request, id: "at-the-end" } },
        body,
      );
      expect([kind, sections[0]]).toEqual(["E", expect.stringContaining("ending")]);
      expect(openTicket("at-the-end")).toBeUndefined();
      ending.stop();
      await listening.close();
    });
  });

  describe("a hostile peer of the ask socket", () => {
    it("loses its connection, and the others are answered", async () => {
      const good = await Driver.open();
      await good.tellConfig(config);
      await fc.assert(
        fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 200 }), async (bytes) => {
          const bad = await Driver.open();
          bad.socket.end(Buffer.from(bytes));
          await once(bad.socket, "close");
          drivers.splice(drivers.indexOf(bad), 1);
        }),
        { numRuns: 1000 },
      );
      expect((await good.ask(question, body)).kind).toBe("D");
    }, 300_000);

    it("that leaves in the middle of a question harms nobody", async () => {
      const leaving = await Driver.open();
      leaving.socket.write(answerFrame("Q" as "N", "x".repeat(1000)).subarray(0, 500));
      leaving.socket.destroy();
      const good = await Driver.open();
      expect((await good.tellConfig(config)).kind).toBe("N");
    });
  });
});
