import { once } from "node:events";
import { chmodSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type AnswerKind, AskSplitter, answerFrame } from "../../kong/ask-frame";
import { type Gateway, startGateway } from "../support/gateway";

/** What is written to a driver that has asked about the request of this id; then the connection ends. */
type Reply = (id: string) => (Buffer | "end")[];

const whole = { plugins: ["llm-gateway"], headers: {}, edits: [], response_headers: {}, keep: 0 };
const other = "0123456789abcdef0123456789abcdef";

function decision(change: object | string): Reply {
  const head = typeof change === "string" ? change : JSON.stringify({ ...whole, ...change });
  return (id) => [answerFrame("D", id, head, "ticket")];
}

function answer(head: unknown): Reply {
  return (id) => [answerFrame("A", id, JSON.stringify(head), "{}")];
}

function length(bytes: number): Buffer {
  const frame = Buffer.alloc(4);
  frame.writeUInt32BE(bytes);
  return frame;
}

const replies: [string, Reply][] = [
  ["half a length", () => [Buffer.from([0, 0]), "end"]],
  ["half a frame", (id) => [answerFrame("D", id, "{}", "ticket").subarray(0, 20), "end"]],
  ["nothing", () => ["end"]],
  ["the decision of another request", () => decision({})(other)],
  ["the answer of another request", () => answer({ status: 200, headers: {} })(other)],
  ["noise", () => [Buffer.from("HTTP/1.1 200 OK\r\n\r\n"), "end"]],
  ["an empty frame", () => [length(0)]],
  ["a length of 4 GB", () => [length(0xffffffff), "end"]],
  ["a length of which little comes", () => [length(60_000_000), Buffer.alloc(1000), "end"]],
  ["a kind that nobody knows", (id) => [answerFrame("Z" as AnswerKind, id, "{}", "ticket")]],
  ["what answers a config", () => [answerFrame("N", "{}")]],
  ["a failure", () => [answerFrame("E", "no")]],
  ["a failure without words", () => [answerFrame("E")]],
  ["a decision without a ticket", (id) => [answerFrame("D", id, JSON.stringify(whole))]],
  ["a decision with too much", (id) => [answerFrame("D", id, JSON.stringify(whole), "t", "more")]],
  ["signs of life, and then nothing", () => [answerFrame("W"), answerFrame("W"), "end"]],
  ...['{"headers":', "null", "5", '"text"', "[]", "{}"].map((head): [string, Reply] => [
    `a decision that is ${head}`,
    decision(head),
  ]),
  ...[
    ...[
      { headers: "text" },
      { headers: null },
      { headers: { a: 1 } },
      { headers: { a: { b: "" } } },
    ],
    ...[
      { response_headers: undefined },
      { response_headers: "text" },
      { response_headers: { a: 1 } },
    ],
    ...[{ keep: undefined }, { keep: "many" }, { keep: -1 }, { keep: 0.5 }],
    ...[{ path: 7 }, { path: "no-slash" }, { path: {} }],
    ...[{ edits: undefined }, { edits: "text" }, { edits: [5] }, { edits: [[5]] }],
    ...[
      { edits: [[[999_999, 5, "x"]]] },
      { edits: [[[-5, 2, "x"]]] },
      { edits: [[[0, 1e12, "x"]]] },
    ],
    ...[{ edits: [[[0, 2, 7]]] }, { edits: [[["a", {}, null]]] }],
    {
      edits: [
        [
          [5, 2, "x"],
          [1, 2, "x"],
        ],
      ],
    },
  ].map((change): [string, Reply] => [
    `a decision with ${JSON.stringify(change, (_, value) => value ?? null)}`,
    decision(change),
  ]),
  ...[
    ...[null, {}, { status: "200", headers: {} }, { status: 42, headers: {} }],
    ...[
      { status: 200.5, headers: {} },
      { status: 200, headers: "text" },
    ],
    { status: 200, headers: { a: { b: 1 } } },
  ].map((head): [string, Reply] => [`an answer that is ${JSON.stringify(head)}`, answer(head)]),
];

describe("a plugin server that answers a driver with", () => {
  let gateway: Gateway;
  let server: Server;
  let reply: Reply = () => ["end"];
  let unanswered = 0;
  const sockets = new Set<Socket>();

  beforeAll(async () => {
    gateway = await startGateway();
    await gateway.pluginServer.kill();
    const path = `${gateway.pluginServer.socket}.ask`;
    rmSync(path, { force: true });
    server = createServer(converse);
    await once(server.listen(path), "listening");
    chmodSync(path, 0o666);
  });
  afterAll(() => gateway?.stop());

  function converse(socket: Socket): void {
    const splitter = new AskSplitter();
    sockets.add(socket);
    socket.on("error", () => undefined).on("close", () => sockets.delete(socket));
    socket.on("data", (chunk: Buffer) =>
      splitter.push(chunk, ({ kind, sections }) => {
        if (kind === "C") {
          const { outcomesSocket } = gateway.pluginServer;
          const needs = { headers: [], credential: false, outcomes_socket: outcomesSocket };
          socket.write(answerFrame("N", JSON.stringify(needs)));
          return;
        }
        const { id } = JSON.parse(`${sections[0]}`) as { id: string };
        const parts = reply(id);
        if (!hasAnswer(parts)) unanswered++;
        for (const part of parts) {
          if (part === "end") socket.end();
          else socket.write(part);
        }
      }),
    );
  }

  const ask = () =>
    fetch(`${gateway.url}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-api-key": gateway.key },
      body: JSON.stringify({ model: "gpt-4", messages: [{ role: "user", content: "hello" }] }),
    });

  it.each(replies)(
    "%s has the request refused in OpenAI's shape, and nothing goes upstream",
    async (_, given) => {
      reply = given;
      // The second meets a connection that the first may have left.
      for (const refused of [await ask(), await ask()]) {
        expect(refused.status).toBe(503);
        expect(await refused.json()).toMatchObject({ error: { code: "gateway_unavailable" } });
      }
      expect(gateway.upstream.requests).toHaveLength(0);
    },
  );

  it("anything, and is then replaced by ours, is no longer noticed, and ours learns what it left unanswered", async () => {
    server.close();
    for (const socket of sockets) socket.destroy();
    await gateway.pluginServer.restart();
    expect((await ask()).status).toBe(200);
    const told = () => gateway.pluginServer.metric("llm_questions_unanswered_total");
    expect(unanswered).toBeGreaterThan(0);
    // Each of Kong's workers tells its own when it has learned where to.
    await expect.poll(async () => (await ask()).ok && told()).toBe(unanswered);
  });
});

/** Whether a whole frame is among it that is more than a sign of life. */
function hasAnswer(parts: (Buffer | "end")[]): boolean {
  const bytes = Buffer.concat(parts.filter((part) => part !== "end"));
  for (let at = 0; at + 4 < bytes.length; ) {
    const end = at + 4 + bytes.readUInt32BE(at);
    if (end > bytes.length) return false;
    if (bytes[at + 4] !== "W".charCodeAt(0)) return true;
    at = end;
  }
  return false;
}
