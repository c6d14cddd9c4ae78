import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { log } from "../stages/log";
import { answerTo, type Result } from "./answers";
import type { Question } from "./event";
import { type EventOptions, Events } from "./events";
import type { Instance } from "./instances";
import { decode } from "./message-pack";

type Kong = Record<string, Record<string, (...args: unknown[]) => Promise<unknown>>> & {
  ctx: { shared: Record<string, (...args: unknown[]) => Promise<unknown>> };
};
type Handler = (kong: Kong) => unknown;

function deferred() {
  let resolve = () => {};
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

/** A question of Kong's, with what it was answered. */
class Asked implements Question {
  result: { EventId: number; Data: "ret" | { Method: string; Args: unknown[] } } | undefined;
  error: string | undefined;
  asker: Question["asker"];
  readonly #answered = deferred();

  answer(result: Result): void {
    const answer = decode(answerTo(1, result)) as [1, number, null, typeof this.result];
    this.result = answer[3];
    this.#answered.resolve();
  }
  fail(text: string): void {
    this.error = text;
    this.#answered.resolve();
  }
  gone(): void {
    this.asker?.questionGone(this);
  }
  async answered(): Promise<this> {
    await this.#answered.promise;
    return this;
  }
}

describe("server", () => {
  let events: Events;
  const told: unknown[] = [];

  function use(options: Partial<EventOptions> = {}): void {
    events?.stop();
    events = new Events({ firstId: 1, ...options });
  }

  function instance(handlers: Record<string, Handler>, config = "{}"): Instance {
    const plugin = {
      name: "probe",
      version: "",
      priority: 0,
      phases: [],
      schema: [],
      Plugin: Object,
    };
    return { id: 9, plugin, handlers, config, startTime: 0 } as unknown as Instance;
  }

  async function access(handler: Handler, config?: string): Promise<Asked> {
    return handle("access", { access: handler }, config);
  }

  async function handle(phase: string, handlers: Record<string, Handler>, config?: string) {
    const asked = new Asked();
    events.start(instance(handlers, config), phase, asked);
    return asked.answered();
  }

  async function step(event: number, data?: unknown, failed = false): Promise<Asked> {
    const asked = new Asked();
    events.step(event, data, failed, asked);
    return asked.answered();
  }

  beforeEach(() => {
    use();
    told.length = 0;
    vi.spyOn(log, "error").mockImplementation((...line: unknown[]) => told.push(line) as never);
  });
  afterEach(() => {
    events.stop();
    vi.useRealTimers();
    vi.restoreAllMocks();
  });

  describe("an event", () => {
    it("hands each PDK call to Kong and its result to the handler", async () => {
      const seen: unknown[] = [];
      const first = await access(async (kong) => {
        seen.push(await kong.client!.getConsumer!(), await kong.ctx.shared.get!("llm"));
      });
      expect(first.result).toEqual({
        EventId: 1,
        Data: { Method: "kong.client.get_consumer", Args: [] },
      });
      const second = await step(1, { username: "team-a" });
      expect(second.result!.Data).toEqual({ Method: "kong.ctx.shared.get", Args: ["llm"] });
      expect((await step(1)).result!.Data).toBe("ret");
      expect(seen).toEqual([{ username: "team-a" }, undefined]);
      expect(events.size).toBe(0);
    });

    it("takes calls made at once one after the other, in order", async () => {
      let results: unknown;
      const handler: Handler = async (kong) => {
        const names = ["a", "b", "c"];
        results = await Promise.all(names.map((name) => kong.request!.getHeader!(name)));
      };
      const asked: unknown[] = [];
      let next = (await access(handler)).result!.Data;
      while (next !== "ret") {
        asked.push(...next.Args);
        next = (await step(1, `${next.Args[0]}!`)).result!.Data;
      }
      expect(asked).toEqual(["a", "b", "c"]);
      expect(results).toEqual(["a!", "b!", "c!"]);
    });

    it("sends calls that nobody awaits before it returns", async () => {
      const first = await access(async (kong) => {
        void kong.log!.info!("one");
        void kong.log!.info!("two");
      });
      expect(first.result!.Data).toEqual({ Method: "kong.log.info", Args: ["one"] });
      expect((await step(1)).result!.Data).toEqual({ Method: "kong.log.info", Args: ["two"] });
      expect((await step(1)).result!.Data).toBe("ret");
    });

    it("rejects the call to which Kong answers with StepError", async () => {
      let caught: unknown;
      await access(async (kong) => {
        await kong.request!.getBody!().catch((error: unknown) => {
          caught = error;
        });
      });
      expect((await step(1, "no body", true)).result!.Data).toBe("ret");
      expect(`${caught}`).toBe("PDKError: PDK method kong.request.get_body failed: no body");
    });

    it("refuses arguments that Kong's Lua cannot read, where they are given", async () => {
      let caught: unknown;
      const first = await access(async (kong) => {
        await kong.ctx.shared.set!("when", new Date(0)).catch((error: unknown) => {
          caught = error;
        });
      });
      expect(first.result!.Data).toBe("ret");
      expect(caught).toBeInstanceOf(TypeError);
    });

    it.each(["exit", "error"])("is forgotten with kong.response.%s", async (method) => {
      const after: unknown[] = [];
      const first = await access(async (kong) => {
        await kong.response![method]!(429, "{}");
        after.push("still runs");
        await kong.response!.setHeader!("x", "y").catch((error: Error) =>
          after.push(error.message),
        );
      });
      expect(first.result!.Data).toEqual({ Method: `kong.response.${method}`, Args: [429, "{}"] });
      expect(events.size).toBe(0);
      await expect
        .poll(() => after)
        .toEqual(["still runs", "kong.response.set_header: event 1 is over"]);
      expect((await step(1)).error).toContain("no such event");
    });

    it("leaves nothing behind after 10,000 exits", async () => {
      for (let request = 0; request < 10_000; request++) {
        await access((kong) => kong.response!.exit!(429));
      }
      expect(events.size).toBe(0);
    });

    it("is answered in each step once, also when a peer steps it twice", async () => {
      await access((kong) => kong.request!.getMethod!());
      const slow = access(async (kong) => {
        await kong.request!.getMethod!();
        await new Promise(() => {});
      });
      await slow;
      const waiting = new Asked();
      events.step(2, "GET", false, waiting);
      expect((await step(2, "GET")).error).toBe("event 2 did not wait for a step");
      expect(waiting.result).toBeUndefined();
    });
  });

  describe("a handler that throws", () => {
    it.each([
      ["access", "kong.response.exit"],
      ["rewrite", "kong.response.exit"],
    ])("refuses the request in %s, in OpenAI's shape", async (phase) => {
      const { result } = await handle(phase, { [phase]: () => Promise.reject(new Error("no")) });
      const { Method, Args } = result!.Data as { Method: string; Args: unknown[] };
      expect([Method, Args[0], Args[2]]).toEqual([
        "kong.response.exit",
        500,
        { "Content-Type": "application/json" },
      ]);
      expect(JSON.parse(Args[1] as string)).toEqual({
        error: {
          message: expect.stringContaining("The gateway failed"),
          type: "server_error",
          param: null,
          code: "gateway_error",
        },
      });
      expect(events.size).toBe(0);
    });

    it("refuses in the middle of calls that it had made at once", async () => {
      await access(async (kong) => {
        void kong.log!.info!("under way");
        kong.log!.info!("never sent").catch(() => {});
        throw new Error("no");
      });
      const last = await step(1);
      expect(last.result!.Data).toMatchObject({ Method: "kong.response.exit" });
    });

    it("only ends the event in log", async () => {
      const { result } = await handle("log", { log: () => Promise.reject(new Error("no")) });
      expect(result!.Data).toBe("ret");
      expect(told).toHaveLength(1);
    });

    it("refuses a phase that the plugin does not have", async () => {
      const { result } = await handle("access", {});
      expect(result!.Data).toMatchObject({ Method: "kong.response.exit" });
    });

    it("is logged with plugin, route and request id, never with prompt or key", async () => {
      const prompt = "my private prompt about something";
      const key = "sk-0123456789abcdef";
      await access(async (kong) => {
        await kong.ctx.shared.get!("llm");
        throw new Error(`cannot use ${prompt.slice(0, 20)}`);
      }, JSON.stringify({ key }));
      await step(1, { id: "request-1", route: "chat", body: JSON.stringify({ prompt }) });
      await access(
        (kong) => kong.router!.getRoute!().then(() => Promise.reject(new Error(`bad ${key}`))),
        JSON.stringify({ key }),
      );
      await step(2, { name: "embeddings" });
      expect(told).toEqual([
        [
          expect.objectContaining({
            plugin: "probe",
            instance: 9,
            phase: "access",
            request_id: "request-1",
            route: "chat",
          }),
          "a handler failed",
        ],
        [expect.objectContaining({ route: "embeddings" }), "a handler failed"],
      ]);
      expect(JSON.stringify(told)).not.toContain("private");
      expect(JSON.stringify(told)).not.toContain(key.slice(0, 8));
      expect(JSON.stringify(told)).toContain("events.test.ts");
    });

    it("is logged with its message where that gives nothing away", async () => {
      await access(() => (undefined as unknown as { x: { y: 1 } }).x.y);
      expect(JSON.stringify(told)).toContain("Cannot read properties of undefined (reading 'x')");
    });
  });

  describe("an event that Kong leaves", () => {
    it("rejects the call that waits for Kong after the timeout, and lets the handler go", async () => {
      vi.useFakeTimers();
      use({ timeoutSeconds: 60 });
      let caught = "";
      await access((kong) =>
        kong.request!.getMethod!().catch((error: Error) => {
          caught = error.message;
        }),
      );
      await vi.advanceTimersByTimeAsync(60_000);
      expect(events.size).toBe(1);
      await vi.advanceTimersByTimeAsync(6_000);
      expect(events.size).toBe(0);
      expect(caught).toContain("event 1 is over: not_stepped");
      expect((await step(1, "GET")).error).toContain("no such event");
    });

    it("stays while Kong steps it, however long it takes in all", async () => {
      vi.useFakeTimers();
      use({ timeoutSeconds: 60 });
      await access(async (kong) => {
        for (let call = 0; call < 5; call++) await kong.request!.getMethod!();
      });
      for (let call = 0; call < 4; call++) {
        await vi.advanceTimersByTimeAsync(50_000);
        expect((await step(1, "GET")).result!.Data).toMatchObject({ Args: [] });
      }
      expect((await step(1, "GET")).result!.Data).toBe("ret");
    });

    it("is forgotten when the connection closes on which Kong waits", async () => {
      const calls: string[] = [];
      const released = deferred();
      const asked = new Asked();
      const handler: Handler = async (kong) => {
        await released.promise;
        await kong.request!.getMethod!().catch((error: Error) => calls.push(error.message));
      };
      events.start(instance({ access: handler }), "access", asked);
      asked.gone();
      expect(events.size).toBe(0);
      released.resolve();
      await expect.poll(() => calls).toEqual(["kong.request.get_method: event 1 is over"]);
    });

    it("stays when a connection closes that has had its answer", async () => {
      const first = await access((kong) => kong.request!.getMethod!());
      first.gone();
      expect((await step(1, "GET")).result!.Data).toBe("ret");
    });
  });

  describe("a handler that is too slow", () => {
    it("is refused while Kong still listens: Kong would let the request through", async () => {
      vi.useFakeTimers();
      use({ timeoutSeconds: 60 });
      const answer = access(() => new Promise(() => {}));
      await vi.advanceTimersByTimeAsync(59_000);
      expect((await answer).result!.Data).toMatchObject({ Method: "kong.response.exit" });
      expect(events.size).toBe(0);
    });

    it("may answer after 60 s, to nobody", async () => {
      vi.useFakeTimers();
      use({ timeoutSeconds: 60 });
      let caught = "";
      const answer = access(async (kong) => {
        await new Promise((late) => setTimeout(late, 61_000));
        await kong.request!.getMethod!().catch((error: Error) => {
          caught = error.message;
        });
      });
      await vi.advanceTimersByTimeAsync(62_000);
      expect((await answer).result!.Data).toMatchObject({ Method: "kong.response.exit" });
      expect(caught).toBe("kong.request.get_method: event 1 is over");
    });

    it("just ends in log", async () => {
      vi.useFakeTimers();
      use({ timeoutSeconds: 60 });
      const answer = handle("log", { log: () => new Promise(() => {}) });
      await vi.advanceTimersByTimeAsync(59_000);
      expect((await answer).result!.Data).toBe("ret");
    });
  });

  it("refuses events beyond its bound without running the plugin", async () => {
    use({ most: 1 });
    await access((kong) => kong.request!.getMethod!());
    const handler = vi.fn();
    const { Method, Args } = (await access(handler)).result!.Data as {
      Method: string;
      Args: unknown[];
    };
    expect([Method, Args[0]]).toEqual(["kong.response.exit", 503]);
    expect(handler).not.toHaveBeenCalled();
    expect(events.size).toBe(1);
  });

  it("starts its ids somewhere else in each process, and counts around", async () => {
    use({ firstId: 2 ** 31 - 1 });
    const handler: Handler = (kong) => kong.request!.getMethod!();
    expect((await access(handler)).result!.EventId).toBe(2 ** 31 - 1);
    expect((await access(handler)).result!.EventId).toBe(0);
    const starts = [1, 2, 3]
      .map(() => new Events())
      .map((one) => {
        const asked = new Asked();
        one.start(instance({ access: handler }), "access", asked);
        one.stop();
        return asked.result!.EventId;
      });
    expect(new Set(starts).size).toBe(3);
  });
});
