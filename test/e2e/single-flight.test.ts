import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Gate } from "../../stand-in/model-server";
import { configurations, type Gateway, startGateway } from "../support/gateway";
import type { KongConfig } from "../support/kong-config";
import { startRedis, type TestRedis } from "../support/redis";

// As long as it may be: so many requests at once take their time on a busy machine.
const patientMs = 45_000;

interface Body {
  stream?: boolean;
}

function ask(gateway: Gateway, content: string, body: Body = {}, signal?: AbortSignal) {
  return fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-api-key": gateway.key },
    body: JSON.stringify({ model: "gpt-4", messages: [{ role: "user", content }], ...body }),
    signal,
  });
}

/** Each answer as its status, what the cache did and its text. */
async function read(asked: Promise<Response>[]) {
  const answers = await Promise.all(asked);
  return Promise.all(
    answers.map(async (answer) => ({
      status: answer.status,
      cache: answer.headers.get("x-cache-status"),
      left: Number(answer.headers.get("x-ratelimit-remaining-month")),
      text: await answer.text(),
    })),
  );
}

const times = <T>(count: number, one: () => T) => Array.from({ length: count }, one);

async function untilWaiting(gateway: Gateway, count: number): Promise<void> {
  const waiting = () => gateway.pluginServer.metric("llm_cache_waiting_requests");
  await expect.poll(waiting).toBe(count);
}

describe.each(configurations)("equal requests at once through %s", (name, config) => {
  let gateway: Gateway;

  beforeAll(async () => {
    const edit = (kong: KongConfig) => {
      kong.options("cache").wait_ms = patientMs;
      kong.limit({ month: 1000 });
    };
    gateway = await startGateway({ config, edit });
    await gateway.warmUp(() => ask(gateway, "warm up"));
  });
  afterAll(() => gateway?.stop());
  beforeEach(() => gateway.upstream.clear());

  it("are one request upstream, and all count for the limiter", async () => {
    const answers = await read(times(100, () => ask(gateway, "what do all ask at once?")));
    expect(gateway.upstream.requests).toHaveLength(1);
    expect(answers.map(({ status }) => status)).toEqual(Array(100).fill(200));
    expect(answers.filter(({ cache }) => cache === "Hit")).toHaveLength(99);
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(new Set(answers.map(({ left }) => left)).size).toBe(100);
  });

  it("that follow a stream get all of it when it has ended", async () => {
    const last = new Gate();
    gateway.upstream.behave({ holdLastChunk: last, splitUtf8: true });
    const asked = times(20, () => ask(gateway, "모두 함께 🚀", { stream: true }));
    const leader = await Promise.race(asked);
    expect(leader.headers.get("x-cache-status")).toBe("Miss");
    await untilWaiting(gateway, 19);
    last.open();
    const answers = await read(asked);
    expect(gateway.upstream.requests).toHaveLength(1);
    expect(answers.filter(({ cache }) => cache === "Hit")).toHaveLength(19);
    expect(answers[0]?.text).toMatch(/data: \[DONE\]\n\n$/);
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
  });

  it("go upstream themselves when the first fails", async () => {
    const hold = new Gate();
    gateway.upstream.behave({ status: 500, holdHeaders: hold, times: 1 });
    const asked = times(10, () => ask(gateway, "the first one fails"));
    await gateway.upstream.arrived(1);
    await untilWaiting(gateway, 9);
    expect(gateway.upstream.requests).toHaveLength(1);
    hold.open();
    const answers = await read(asked);
    expect(answers.map(({ status }) => status).sort()).toEqual([...Array(9).fill(200), 500]);
    expect(answers.filter(({ cache }) => cache === "Miss")).toHaveLength(10);
    expect(gateway.upstream.requests).toHaveLength(10);
  });

  it("go upstream themselves when the first one's client leaves", async () => {
    const hold = new Gate();
    gateway.upstream.behave({ holdHeaders: hold, times: 1 });
    const leaving = new AbortController();
    const left = ask(gateway, "never mind", {}, leaving.signal).catch(() => "left");
    await gateway.upstream.arrived(1);
    const asked = times(5, () => ask(gateway, "never mind"));
    await untilWaiting(gateway, 5);
    leaving.abort();
    expect(await left).toBe("left");
    expect((await read(asked)).map(({ status }) => status)).toEqual(Array(5).fill(200));
    hold.open();
  });

  it(`wait no longer than wait_ms (${name})`, async () => {
    const impatient = await startGateway({
      config,
      edit: (kong) => {
        kong.options("cache").wait_ms = 200;
      },
    });
    try {
      const hold = new Gate();
      impatient.upstream.behave({ holdHeaders: hold, times: 1 });
      const slow = ask(impatient, "slow");
      await impatient.upstream.arrived(1);
      const others = await read(times(5, () => ask(impatient, "slow")));
      expect(others.map(({ status }) => status)).toEqual(Array(5).fill(200));
      hold.open();
      expect((await slow).status).toBe(200);
    } finally {
      await impatient.stop();
    }
  });
});

describe("equal requests on two plugin servers that share a Redis", () => {
  let redis: TestRedis;
  let one: Gateway;
  let other: Gateway;

  beforeAll(async () => {
    redis = await startRedis();
    const edit = (kong: KongConfig) => {
      kong.options("cache").wait_ms = patientMs;
    };
    one = await startGateway({ redis: redis.url, edit });
    other = await startGateway({
      redis: redis.url,
      edit(kong) {
        edit(kong);
        kong.sendTo(one.upstream.port);
      },
    });
    for (const gateway of [one, other]) await gateway.warmUp(() => ask(gateway, "warm up"));
  });
  afterAll(async () => {
    await other?.stop();
    await one?.stop();
    await redis?.stop();
  });
  beforeEach(() => one.upstream.clear());

  it("are one request upstream, 100 on each", async () => {
    const [here, there] = [one, other].map((gateway) =>
      times(100, () => ask(gateway, "what do both ask?")),
    );
    const answers = await read([...here!, ...there!]);
    expect(one.upstream.requests).toHaveLength(1);
    expect(answers.map(({ status }) => status)).toEqual(Array(200).fill(200));
    expect(answers.filter(({ cache }) => cache === "Hit")).toHaveLength(199);
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
  });

  it("do not wait for a plugin server that is dead, which still delivers when it is back", async () => {
    await other.reconfigure((kong) => {
      kong.options("cache").wait_ms = 2000;
      kong.sendTo(one.upstream.port);
    });
    const hold = new Gate();
    one.upstream.behave({ holdHeaders: hold, times: 1 });
    const leader = ask(one, "is anybody there?");
    await one.upstream.arrived(1);
    await one.pluginServer.kill();
    const answers = await read(times(10, () => ask(other, "is anybody there?")));
    expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(200));
    await one.pluginServer.restart();
    hold.open();
    expect((await leader).status).toBe(200);
  });
});
