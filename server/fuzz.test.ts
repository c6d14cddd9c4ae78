// 100,000 malformed and hostile frames against a whole server: it must live, answer and not grow.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { log } from "../stages/log";
import { KongSide } from "../test/support/kong-side";
import { FrameSplitter } from "./frames";
import { encode } from "./message-pack";
import { counts } from "./metrics";
import { type PluginServer, startServer } from "./server";

const questions = 85_000;
const brokenFrames = 15_000;

const value = fc.oneof(
  fc.constantFrom(null, 0, -1, 2 ** 32, 1.5, "", "probe", "{}", "access", "log", true, [], {}),
  fc.anything({ maxDepth: 2, withNullPrototype: false }),
  fc.string(),
);
const method = fc.oneof(
  fc.constant("plugin.HandleEvent"),
  fc.constantFrom(
    ...["HandleEvent", "Step", "StepError", "StepMultiMap", "StartInstance", "CloseInstance"].map(
      (name) => `plugin.${name}`,
    ),
    "plugin.constructor",
    "kong.response.exit",
    "",
  ),
  value,
);
const or = (...likely: unknown[]) => fc.oneof(fc.constantFrom(...likely), value);
// The ids are often those of open events and instances: see firstId below.
const argument = fc.oneof(
  { weight: 1, arbitrary: value },
  {
    weight: 4,
    arbitrary: fc.record(
      {
        InstanceId: or(0, 1, 2, 3),
        EventName: or("access", "log"),
        EventId: fc.oneof(fc.nat(3000), value),
        Data: or("return", "exit", "two-calls", 418),
        Name: or("probe"),
        Config: or("{}"),
      },
      { requiredKeys: ["InstanceId", "EventId"] },
    ),
  },
);

/** Whole messages that ask for nonsense: each must be answered. */
const question = fc
  .tuple(fc.constant(0), fc.nat(), method, fc.oneof(fc.tuple(argument), value))
  .map(encodeSafely);
/** A frame with bytes changed or its end cut off. */
const broken = fc
  .tuple(question, fc.array(fc.tuple(fc.nat(200), fc.nat(255)), { maxLength: 5 }), fc.nat(200))
  .map(([frame, changes, cut]) => {
    const bytes = Buffer.from(frame);
    for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
    return bytes.subarray(0, bytes.length - (cut % bytes.length));
  });
const noise = fc.uint8Array({ minLength: 1, maxLength: 64 }).map((bytes) => Buffer.from(bytes));

function encodeSafely(content: unknown): Buffer {
  try {
    return encode(content);
  } catch {
    return encode([0, 1, "plugin.GetStatus", []]);
  }
}

describe("server", () => {
  let folder: string;
  let server: PluginServer;
  const path = () => join(folder, "kong.sock");

  beforeEach(async () => {
    log.level = "silent";
    folder = mkdtempSync(join(tmpdir(), "fuzz-"));
    server = await startServer({
      plugins: join(__dirname, "../test/fixtures/plugins"),
      socket: { path: path(), mode: 0o600 },
      events: { firstId: 0, timeoutSeconds: 0.5 },
      instances: { firstId: 0 },
    });
  });
  afterEach(async () => {
    await server.stop(0);
    log.level = "info";
    rmSync(folder, { recursive: true });
  });

  /** Sends them over many connections, one at a time on each; settles with how many answers came. */
  async function answersTo(frames: Buffer[]): Promise<number> {
    const connections = Array.from({ length: 50 }, async (_, at) => {
      const kong = await KongSide.to(path());
      const splitter = new FrameSplitter();
      const mine = frames.filter((_, index) => index % 50 === at);
      let answers = 0;
      const sendNext = () => kong.socket.write(mine[answers]!);
      const all = new Promise<void>((counted) => {
        kong.socket.on("data", (chunk: Buffer) => {
          splitter.push(chunk, () => answers++);
          if (answers === mine.length) counted();
          else sendNext();
        });
      });
      sendNext();
      await Promise.race([all, kong.closed()]);
      kong.close();
      return answers;
    });
    return (await Promise.all(connections)).reduce((sum, answers) => sum + answers, 0);
  }

  async function sendBroken(frame: Buffer): Promise<void> {
    const kong = await KongSide.to(path());
    kong.socket.end(frame);
    await kong.closed();
  }

  it("answers after 100,000 hostile frames, and has not grown", { timeout: 300_000 }, async () => {
    const asked = fc.sample(question, 5000);
    const bad = fc.sample(fc.oneof(broken, noise), 5000);
    const before = keptBytes();

    const starter = await KongSide.to(path());
    for (let count = 0; count < 4; count++) await starter.start("probe");
    starter.close();

    let answers = 0;
    for (let sent = 0; sent < questions; sent += 1000) {
      answers += await answersTo(asked.slice(sent % 5000, (sent % 5000) + 1000));
    }
    expect(answers).toBe(questions);
    // Some of them reached plugins: open events were stepped, instances closed and started.
    expect(counts.pdkCalls).toBeGreaterThan(100);
    for (let sent = 0; sent < brokenFrames; sent += 100) {
      await Promise.all(bad.slice(sent % 5000, (sent % 5000) + 100).map(sendBroken));
    }

    const kong = await KongSide.to(path());
    const { result } = await kong.handle(await kong.start("probe"));
    expect((await kong.step(result.EventId, "return")).result.Data).toBe("ret");
    await expect.poll(() => server.events.size).toBe(0);
    // What sockets held is let go some turns after they have closed.
    await expect.poll(() => keptBytes() - before).toBeLessThan(20 * 1024 * 1024);
    kong.close();
  });
});

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** What is still referenced: what V8 has yet to throw away is no growth. */
function keptBytes(): number {
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
