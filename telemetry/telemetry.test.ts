import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { register } from "prom-client";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { log } from "../stages/log";
import { neighbourStates } from "../stages/neighbours";
import { type OtlpReceiver, startOtlpReceiver } from "../test/support/otlp-receiver";
import type { Signal } from "./delivery";
import { isTelling, listenToEnds, tellOfEnd } from "./ended";
import { ended } from "./ended.fixture";
import { readSettings } from "./settings";
import { startTelemetry, type Telemetry } from "./telemetry";

const run = promisify(execFile);

describe("telemetry", () => {
  let receiver: OtlpReceiver;
  let telemetry: Telemetry | undefined;

  beforeEach(async () => {
    log.level = "silent";
    receiver = await startOtlpReceiver();
  });
  afterEach(async () => {
    receiver.answerWith(200);
    await telemetry?.stop();
    telemetry = undefined;
    await receiver.close();
    vi.unstubAllEnvs();
    vi.restoreAllMocks();
    log.level = "info";
  });

  async function start(environment: Record<string, string> = {}, signals: Signal[] = ["traces"]) {
    const all = { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, ...environment };
    // The exporters read what is theirs by themselves.
    for (const [name, value] of Object.entries(all)) vi.stubEnv(name, value);
    telemetry = await startTelemetry(readSettings(signals, process.env)!);
  }

  const spans = async (result: string) => {
    const told = await register.getSingleMetric("llm_telemetry_spans_total")!.get();
    return told.values.find(({ labels }) => labels.result === result)?.value;
  };

  // First: neighbours are of the whole process.
  it("shows in /readyz which of its variables were not understood, and nothing where all were", async () => {
    await start();
    expect(neighbourStates()).not.toHaveProperty("telemetry settings");
    await telemetry?.stop();
    await start({ OTEL_TRACES_SAMPLER: "always" });
    expect(neighbourStates()["telemetry settings"]).toEqual({
      ok: false,
      detail: expect.stringMatching(/^OTEL_TRACES_SAMPLER is always, .* is taken\.$/),
    });
  });

  it("is sent as protobuf, the specification's default, with what waits at the end", async () => {
    await start({}, ["traces", "metrics"]);
    tellOfEnd(ended());
    await telemetry!.stop();
    expect(receiver.received.map(({ path, headers }) => [path, headers["content-type"]])).toEqual(
      expect.arrayContaining([
        ["/v1/traces", "application/x-protobuf"],
        ["/v1/metrics", "application/x-protobuf"],
      ]),
    );
    const wire = receiver.received.map(({ bytes }) => bytes.toString("latin1")).join("");
    expect(wire).toContain("chat gpt-4.1");
    expect(wire).toContain("gen_ai.client.operation.duration");
  });

  it("is compressed, and has a path of its own, where the environment says so", async () => {
    await start({
      OTEL_EXPORTER_OTLP_COMPRESSION: "gzip",
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${receiver.url}/otlp/traces`,
    });
    tellOfEnd(ended());
    await telemetry!.stop();
    expect(receiver.received).toMatchObject([
      { path: "/otlp/traces", headers: { "content-encoding": "gzip" } },
    ]);
  });

  it("is sampled by ratio, the same traces wherever they pass", async () => {
    await start({
      OTEL_TRACES_SAMPLER: "parentbased_traceidratio",
      OTEL_TRACES_SAMPLER_ARG: "0.25",
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
    });
    for (let n = 0; n < 400; n++) tellOfEnd(ended());
    await telemetry!.stop();
    const sampled = receiver.spans().length;
    expect(sampled).toBeGreaterThan(40);
    expect(sampled).toBeLessThan(160);
  });

  it("is told of by the name that the operator has given", async () => {
    await start({ OTEL_SERVICE_NAME: "llm-seoul", OTEL_EXPORTER_OTLP_PROTOCOL: "http/json" });
    tellOfEnd(ended());
    await telemetry!.stop();
    expect(receiver.received[0]!.bytes.toString()).toContain('"stringValue":"llm-seoul"');
  });

  it("drops and counts what is beyond the queue, and keeps no more", async () => {
    await start({ OTEL_BSP_MAX_QUEUE_SIZE: "10", OTEL_EXPORTER_OTLP_PROTOCOL: "http/json" });
    for (let n = 0; n < 1000; n++) tellOfEnd(ended());
    const dropped = await spans("dropped");
    await telemetry!.stop();
    expect(receiver.spans().length + dropped!).toBe(1000);
    expect(receiver.spans().length).toBeLessThanOrEqual(20);
  });

  it("holds up no stop where the receiver is silent", async () => {
    receiver.fallSilent();
    await start();
    tellOfEnd(ended());
    await telemetry!.stop();
    expect(receiver.received).toHaveLength(1);
    expect(receiver.spans()).toEqual([]);
  });

  it("says once what is wrong, in words without what was sent or came back, and when it is well", async () => {
    const said = vi.spyOn(log, "warn");
    const well = vi.spyOn(log, "info");
    await start({ OTEL_BSP_MAX_EXPORT_BATCH_SIZE: "1", OTEL_EXPORTER_OTLP_PROTOCOL: "http/json" });
    receiver.answerWith(400);
    const state = () => neighbourStates()["telemetry traces"];
    for (let n = 0; n < 5; n++) tellOfEnd(ended());
    await expect.poll(state).toMatchObject({ ok: false, detail: expect.stringContaining("400") });
    await expect.poll(() => spans("failed")).toBeGreaterThan(1);
    expect(said.mock.calls).toEqual([
      [{ signal: "traces", reason: "it answers 400" }, "telemetry is not delivered"],
    ]);
    receiver.answerWith(200);
    tellOfEnd(ended());
    await expect.poll(state).toMatchObject({ ok: true });
    expect(well).toHaveBeenCalledWith({ signal: "traces" }, "telemetry is delivered again");
  });

  it("never throws at who tells it", () => {
    const said = vi.spyOn(log, "error").mockImplementation(() => {});
    listenToEnds(() => {
      throw new Error("a bug of ours");
    });
    expect(() => tellOfEnd(ended())).not.toThrow();
    listenToEnds(undefined);
    expect(said).toHaveBeenCalledOnce();
  });

  it("is nobody's concern before and after", async () => {
    expect(isTelling()).toBe(false);
    await start();
    expect(isTelling()).toBe(true);
    await telemetry!.stop();
    expect(isTelling()).toBe(false);
  });
});

describe("without telemetry", () => {
  it("no package of OpenTelemetry's SDK is loaded", async () => {
    const root = join(__dirname, "..");
    const loaded = (then: string) => `
      require("./server/server.ts"); require("./plugins/llm-gateway/index.ts");
      (async () => {
        ${then}
        const all = Object.keys(require.cache);
        // prom-client loads the API, which does nothing by itself.
        console.log(all.length > 100, all.some((file) => /@opentelemetry.(?!api.)/.test(file)));
      })();`;
    const told = async (then: string) => {
      const args = ["--import", "tsx", "-e", loaded(then)];
      return (await run(process.execPath, args, { cwd: root })).stdout.trim();
    };
    expect(await told("")).toBe("true false");
    expect(await told('require("./telemetry/sdk.ts");')).toBe("true true");
  });
});
