import { once } from "node:events";
import { chmodSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Gate } from "../../stand-in/model-server";
import { configurations, type Gateway, startGateway } from "../support/gateway";
import type { KongConfig } from "../support/kong-config";
import { startRedis, type TestRedis } from "../support/redis";

describe.each(configurations)("when the plugin server of %s dies", (_, config) => {
  let gateway: Gateway;

  beforeAll(async () => {
    gateway = await startGateway({ config });
  });
  afterAll(() => gateway?.stop());
  beforeEach(() => gateway.upstream.clear());

  const ask = () => askSomethingNew(gateway);

  it("requests get 503 in OpenAI's shape, nothing goes upstream, and it recovers", async () => {
    expect((await ask()).status).toBe(200);
    const sent = gateway.upstream.requests.length;

    await gateway.pluginServer.kill();
    for (const answer of await Promise.all([ask(), ask(), ask()])) {
      expect(answer.status).toBe(503);
      expect(answer.headers.get("retry-after")).toBe("1");
      expect(await answer.json()).toMatchObject({ error: { code: "gateway_unavailable" } });
    }
    expect(gateway.upstream.requests).toHaveLength(sent);

    await gateway.pluginServer.restart();
    await expect.poll(async () => (await ask()).status).toBe(200);
  });

  it("in the middle of traffic, every answer is a 200 or a 503, never one it did not decide", async () => {
    let going = true;
    const statuses: number[] = [];
    const traffic = Array.from({ length: 4 }, async () => {
      while (going) {
        const answer = await ask();
        statuses.push(answer.status);
        if (answer.status === 200) expect(answer.headers.get("x-llm-model")).toBe("gpt-4.1");
        await answer.arrayBuffer();
      }
    });
    const answered = (status: number) => () => statuses.filter((each) => each === status).length;
    await expect.poll(answered(200)).toBeGreaterThan(20);
    await gateway.pluginServer.kill();
    await expect.poll(answered(503)).toBeGreaterThan(20);
    await gateway.pluginServer.restart();
    const before = answered(200)();
    await expect.poll(answered(200)).toBeGreaterThan(before + 20);
    going = false;
    await Promise.all(traffic);

    expect(new Set(statuses)).toEqual(new Set([200, 503]));
    for (const { headers } of gateway.upstream.requests) {
      expect(headers.authorization).toBe(`Bearer ${gateway.upstreamKey}`);
    }
  });
});

describe.each(configurations)("when the plugin server of %s restarts", (_, config) => {
  let gateway: Gateway;

  beforeAll(async () => {
    gateway = await startGateway({ config });
  });
  afterAll(() => gateway?.stop());

  const ask = () => askSomethingNew(gateway);

  it("between question and answer, the outcome is learned by the next one", async () => {
    const last = new Gate();
    gateway.upstream.behave({ holdLastChunk: last, times: 1 });
    const answer = ask();
    await gateway.upstream.arrived(1);
    await gateway.pluginServer.kill();
    await gateway.pluginServer.restart();
    last.open();
    expect((await answer).status).toBe(200);

    // The next request starts the instance whose options the outcome needs.
    expect((await ask()).status).toBe(200);
    await expect
      .poll(() => gateway.pluginServer.metric("llm_requests_total", { status: "200" }))
      .toBe(2);
  });
});

describe("when the plugin server stands still for longer than a driver should wait", () => {
  let gateway: Gateway;

  beforeAll(async () => {
    // By the month: in a window that slides, what was taken before the wait comes back during it.
    gateway = await startGateway({ edit: (config) => config.limit({ month: 1000 }) });
  });
  afterAll(() => gateway?.stop());

  it("the questions that wait are refused and take nothing, and the next one is answered", async () => {
    // A worker that has not told its config yet would ask when that is answered: in time.
    await gateway.warmUp(() => askSomethingNew(gateway));
    const before = left(await askSomethingNew(gateway));
    const sent = gateway.upstream.requests.length;
    const pid = gateway.pluginServer.pid!;
    process.kill(pid, "SIGSTOP");
    const asked = gateway.messages();
    const waiting = Array.from({ length: 5 }, () => askSomethingNew(gateway));
    // Ten seconds after the last of them has been asked all are late; drivers wait for fifteen.
    await expect.poll(() => gateway.messages() - asked).toBe(5);
    await sleep(10_500);
    process.kill(pid, "SIGCONT");
    for (const answer of await Promise.all(waiting)) {
      expect(answer.status).toBe(503);
      expect(await answer.json()).toMatchObject({ error: { code: "gateway_unavailable" } });
    }
    expect(gateway.upstream.requests).toHaveLength(sent);
    const next = await askSomethingNew(gateway);
    expect(next.status).toBe(200);
    expect(left(next)).toBe(before - 1);
    const { metric } = gateway.pluginServer;
    expect(await metric("llm_plugin_server_asks_total", { answer: "late" })).toBe(5);
    expect(await metric("llm_questions_unanswered_total")).toBe(0);
  });
});

describe.each([configurations[0], configurations[1]])(
  "when the plugin server of %s has taken questions and does not answer them",
  (_, config) => {
    let gateway: Gateway;
    let redis: TestRedis;

    beforeEach(async () => {
      redis = await startRedis();
      const edit = (kong: KongConfig) => kong.limit({ month: 1000 });
      gateway = await startGateway({ config, redis: redis.url, edit });
      await gateway.warmUp(() => askSomethingNew(gateway));
    });
    afterEach(async () => {
      redis?.thaw();
      await gateway?.stop();
      await redis?.stop();
    });

    const questions = 3;

    /** Its limits have asked Redis, which does not answer yet. */
    async function askedAbout(): Promise<Promise<Response>[]> {
      redis.freeze();
      const before = gateway.messages();
      const waiting = Array.from({ length: questions }, () => askSomethingNew(gateway));
      // The single plugins before the limits are asked first, and answer.
      const untilLimits = config === "kong.yaml" ? 1 : 3;
      await expect
        .poll(() => gateway.messages() - before)
        .toBeGreaterThanOrEqual(questions * untilLimits);
      for (let turn = 0; turn < 5; turn++) await gateway.pluginServer.metrics();
      return waiting;
    }

    async function refused(waiting: Promise<Response>[]): Promise<void> {
      for (const { status } of await Promise.all(waiting)) expect(status).toBe(503);
    }

    const unanswered = (reason: string) =>
      gateway.pluginServer.metric("llm_questions_unanswered_total", { reason });

    it("as it is killed, no more is counted than what went upstream and what the metric tells", async () => {
      const waiting = await askedAbout();
      await gateway.pluginServer.kill();
      await refused(waiting);
      redis.thaw();
      await gateway.pluginServer.restart();
      const counted = 1000 - left(await askSomethingNew(gateway));
      const sent = gateway.upstream.requests.length;
      expect(counted - sent).toBe(questions);
      await expect.poll(() => unanswered("closed")).toBeGreaterThanOrEqual(questions);
      expect(await unanswered("silent")).toBe(0);
    });

    it("for longer than drivers wait, each is counted once, by both sides", async () => {
      const waiting = await askedAbout();
      const pid = gateway.pluginServer.pid!;
      process.kill(pid, "SIGSTOP");
      await refused(waiting);
      process.kill(pid, "SIGCONT");
      await gateway.pluginServer.metrics();
      redis.thaw();
      const undelivered = { answer: "undelivered" };
      const { metric } = gateway.pluginServer;
      await expect.poll(() => metric("llm_plugin_server_asks_total", undelivered)).toBe(questions);
      const counted = 1000 - left(await askSomethingNew(gateway));
      expect(counted - gateway.upstream.requests.length).toBe(questions);
      await expect.poll(() => unanswered("silent")).toBe(questions);
      expect(await unanswered("closed")).toBe(0);
    });
  },
);

describe.each(configurations)("when the plugin server of %s dies with an outcome", (_, config) => {
  let gateway: Gateway;

  beforeAll(async () => {
    gateway = await startGateway({ config });
  });
  afterAll(() => gateway?.stop());

  it("that it has not acknowledged, the next one learns it, and shows that it came again", async () => {
    const last = new Gate();
    gateway.upstream.behave({ holdLastChunk: last, times: 1 });
    const answer = askSomethingNew(gateway);
    await gateway.upstream.arrived(1);
    await gateway.pluginServer.kill();
    const taken = await takeWithoutAcknowledging(gateway.pluginServer.outcomesSocket);
    last.open();
    expect((await answer).status).toBe(200);
    await taken();

    await gateway.pluginServer.restart();
    expect((await askSomethingNew(gateway)).status).toBe(200);
    const { metric } = gateway.pluginServer;
    await expect.poll(() => metric("llm_requests_total", { status: "200" })).toBe(2);
    expect(await metric("llm_outcomes_repeated_total")).toBe(1);
  });
});

describe.each([
  ["llm-gateway", "kong.yaml", 1, 1],
  ["llm-gateway without Lua files", "examples/without-lua-files/kong.yaml", 4, 3],
])("the message budget of %s", (_, config, upstream, ours) => {
  let gateway: Gateway;

  beforeAll(async () => {
    gateway = await startGateway({ config });
  });
  afterAll(() => gateway?.stop());

  it(`is ${upstream} for a request that goes upstream, and ${ours} for an answer of ours`, async () => {
    const ask = (content: string) => askFor(gateway, content);
    // The first request of each of Kong's workers tells its config; the budget is what follows.
    await gateway.warmUp(() => ask("warm up"));
    await (await ask("to the upstream")).text();
    const before = gateway.messages();
    await (await ask("to the upstream, again")).text();
    expect(gateway.messages() - before).toBe(upstream);

    await gateway.untilHit(() => ask("to the upstream"));
    const hit = gateway.messages();
    expect((await ask("to the upstream")).headers.get("x-cache-status")).toBe("Hit");
    expect(gateway.messages() - hit).toBe(ours);
  });
});

/** In place of a plugin server: reads something on this socket, and dies. Settles when it listens. */
async function takeWithoutAcknowledging(path: string): Promise<() => Promise<void>> {
  rmSync(path, { force: true });
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => {
      server.close();
      socket.destroy();
    });
  });
  await once(server.listen(path), "listening");
  // Kong's workers are unprivileged.
  chmodSync(path, 0o666);
  const closed = once(server, "close");
  return async () => {
    await closed;
  };
}

function left(answer: Response): number {
  return Number(answer.headers.get("x-ratelimit-remaining-month"));
}

let questions = 0;

/** A question that no cache knows. */
function askSomethingNew(gateway: Gateway): Promise<Response> {
  return askFor(gateway, `question ${questions++}`);
}

function askFor(gateway: Gateway, content: string): Promise<Response> {
  return fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-api-key": gateway.key },
    body: JSON.stringify({ model: "gpt-4", messages: [{ role: "user", content }] }),
  });
}
