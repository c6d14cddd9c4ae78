import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import type OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LuaWorker } from "../stand-in/kong/lua/worker";
import { type LuaFiles, luaFiles, luaPlugin } from "../stand-in/kong/lua-files.fixture";
import { pdkFunctions } from "../stand-in/kong/pdk/functions";
import { requestWith } from "../stand-in/kong/request.fixture";

type Delta = OpenAI.ChatCompletionChunk.Choice.Delta;

const values = {
  PHONE_1: "010-1234-5678",
  PHONE_12: "02-555-0123",
  EMAIL_1: "kim@example.com",
  PRIVATE_KEY_1: 'line "one"\nline two',
};
const json = "application/json";
const stream = "text/event-stream";

interface Given {
  type?: string;
  values?: Record<string, string>;
}

describe("restore.lua", () => {
  let files: LuaFiles;
  let worker: LuaWorker;
  beforeAll(() => {
    const restoring = `function plugin:access(conf)
      local restore = require("kong_llm.restore")
      local state, shown, untouched = { content_type = conf.type }, {}, 0
      for n, chunk in ipairs(conf.chunks) do
        local put = restore.filter(state, conf.values, chunk, n == #conf.chunks)
        shown[n] = put or chunk
        untouched = untouched + (put and 0 or 1)
      end
      kong.ctx.shared.untouched = untouched
      kong.ctx.shared.result = require("cjson").encode(shown)
    end`;
    const modules = ["restore", "restore-events", "event-texts", "end-of-text", "put-back"].map(
      (name) => [
        `kong_llm/${name}.lua`,
        readFileSync(join(__dirname, `../lua/${name}.lua`), "utf8"),
      ],
    );
    files = luaFiles({ ...Object.fromEntries(modules), ...luaPlugin("restore", restoring) });
    worker = new LuaWorker(pdkFunctions, () => {}, { packagePath: files.directory });
    worker.plugin("restore");
  });
  afterAll(async () => {
    await worker.exit();
    files.remove();
  });

  /** What the client gets of each chunk, and how many of them went on as they came. */
  async function run(chunks: string[], given: Given = {}) {
    const request = requestWith();
    const config = { chunks, type: stream, values, ...given };
    const access = worker.phasesOf({ name: "restore", id: "1" }, config).get("access")!;
    await worker.access(access, request);
    // A text of Lua is bytes.
    const bytes = Buffer.from(String(worker.getMember(request, "shared", "result")), "latin1");
    const shown = JSON.parse(bytes.toString()) as string[];
    return { shown, untouched: Number(worker.getMember(request, "shared", "untouched")) };
  }
  const all = async (chunks: string[], given?: Given) => (await run(chunks, given)).shown.join("");

  describe("in a JSON body", () => {
    const body = (content: string) => JSON.stringify({ choices: [{ message: { content } }] });
    const contentIn = (text: string) => JSON.parse(text).choices[0].message.content;

    it("takes the spellings of a model, and no longer or other name for one", async () => {
      const said =
        "[PHONE_1] PHONE_1, [phone_1]는 phone_1\n[Phone_1] PHONE_1 [PHONE_12] PHONE_123 MY_PHONE_1 PHONE_1_x [PHONE_2] [PHONE_1";
      const [phone, other] = [values.PHONE_1, values.PHONE_12];
      expect(contentIn(await all([body(said)], { type: json }))).toBe(
        `${phone} ${phone}, ${phone}는 phone_1\n${phone} ${phone} ${other} PHONE_123 MY_PHONE_1 PHONE_1_x [PHONE_2] [${phone}`,
      );
    });

    it("takes the spelling of Markdown, which escapes an underscore, and leaves other names so", async () => {
      const said = String.raw`PHONE\_1, [PHONE\_12] \[phone\_1\] [PRIVATE\_KEY\_1] MY\_PHONE\_1 snake\_case PHONE\_2`;
      const [phone, other, key] = [values.PHONE_1, values.PHONE_12, values.PRIVATE_KEY_1];
      const shown = String.raw`${phone}, ${other} \[${phone}\] ${key} MY\_PHONE\_1 snake\_case PHONE\_2`;
      expect(contentIn(await all([body(said)], { type: json }))).toBe(shown);
      expect(await all([said], { type: "text/plain" })).toBe(shown);
      const written = await all([body(JSON.stringify({ said }))], { type: json });
      expect(JSON.parse(contentIn(written))).toEqual({ said: shown });
    });

    it("takes a name in italics, with a space or a hyphen in its brackets, and leaves others so", async () => {
      const said =
        "_PHONE_1_ __PHONE_12__ _[EMAIL_1]_ [PHONE 1] [private-key 1] [PHONE 2] [a b] _x_PHONE_1_";
      const [phone, other, mail] = [values.PHONE_1, values.PHONE_12, values.EMAIL_1];
      expect(contentIn(await all([body(said)], { type: "Application/JSON" }))).toBe(
        `_${phone}_ __${other}__ _${mail}_ ${phone} ${values.PRIVATE_KEY_1} [PHONE 2] [a b] _x_PHONE_1_`,
      );
    });

    it("escapes a value as often as the text that it stands in", async () => {
      const call = JSON.stringify({ key: "[PRIVATE_KEY_1]" });
      const message = {
        content: "[PRIVATE_KEY_1]",
        tool_calls: [{ function: { arguments: call } }],
      };
      const shown = await all([JSON.stringify({ choices: [{ message }] })], { type: json });
      const put = JSON.parse(shown).choices[0].message;
      expect(put.content).toBe(values.PRIVATE_KEY_1);
      expect(JSON.parse(put.tool_calls[0].function.arguments)).toEqual({
        key: values.PRIVATE_KEY_1,
      });
      const written = contentIn(await all([body(call)], { type: json }));
      expect(JSON.parse(written)).toEqual({ key: values.PRIVATE_KEY_1 });
    });

    it("shows the values, however the body is cut", async () => {
      const call = JSON.stringify({ to: "[EMAIL_1]", n: "a\nPHONE_1\\", key: "[PRIVATE_KEY_1]" });
      const message = {
        content: 'say "[PHONE_1]"\\ \u0001PHONE_12 한글',
        tool_calls: [{ function: { name: "f", arguments: call } }],
      };
      const text = JSON.stringify({ choices: [{ index: 0, message }], usage: { total_tokens: 3 } });
      const whole = await all([text], { type: json });
      expect(whole).toContain(values.PHONE_1);
      for (let at = 1; at < text.length; at++) {
        expect(await all([text.slice(0, at), text.slice(at)], { type: json })).toBe(whole);
      }
      expect(await all([...text], { type: json })).toBe(whole);
    });

    it("is known by its beginning, where the upstream names no type or a wrong one", async () => {
      const text = body("[PRIVATE_KEY_1] for [PHONE_1]");
      const whole = await all([text], { type: json });
      for (const type of ["", "text/plain", "text/html; charset=utf-8", "text/event-stream"]) {
        expect(await all(["\n ", text.slice(0, 40), text.slice(40)], { type }), type).toBe(
          `\n ${whole}`,
        );
      }
      expect(await all(['[PHONE_1] says "hi"'], { type: "text/plain" })).toBe(
        `${values.PHONE_1} says "hi"`,
      );
    });

    it("holds back no more than a placeholder of what has come", async () => {
      const { shown } = await run([...body("words and more words [PHONE_1] and more")], {
        type: json,
      });
      let held = 0;
      for (const piece of shown) {
        held = piece === "" ? held + 1 : 0;
        expect(held).toBeLessThan("[PRIVATE_KEY_1]".length);
      }
    });

    it("puts values into plain text as they are, and into nothing that is no text", async () => {
      expect(await all(["[PRIVATE", "_KEY_1] a"], { type: "text/plain" })).toBe(
        `${values.PRIVATE_KEY_1} a`,
      );
      expect(await run(["[PHONE_1]"], { type: "audio/mpeg" })).toEqual({
        shown: ["[PHONE_1]"],
        untouched: 1,
      });
    });
  });

  describe("in a stream", () => {
    const event = (data: object | string) =>
      `data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`;
    const delta = (content: string, index = 0) =>
      event({ id: "c", choices: [{ index, delta: { content }, finish_reason: null }] });
    const finish = (index = 0) =>
      event({ id: "c", choices: [{ index, delta: {}, finish_reason: "stop" }] });
    const done = event("[DONE]");

    /** What each choice says in a stream. */
    function saidIn(text: string): string[] {
      const said: string[] = [];
      for (const data of eventsIn(text)) {
        for (const { index, delta } of data.choices ?? []) {
          said[index] = (said[index] ?? "") + (delta.content ?? "");
        }
      }
      return said;
    }

    it("puts together what comes in pieces, and sends each event when it comes", async () => {
      const pieces = ["call ", "[", "PH", "ONE", "_1", "]", " or [", "ph", "one_1", "2] now"];
      const chunks = [...pieces.map((piece) => delta(piece)), finish(), done];
      const { shown, untouched } = await run(chunks);
      expect(saidIn(shown.join(""))).toEqual([`call ${values.PHONE_1} or ${values.PHONE_12} now`]);
      expect(shown.every((chunk) => chunk !== "")).toBe(true);
      expect(untouched).toBeGreaterThanOrEqual(3);
      expect(shown.at(-1)).toBe(done);
    });

    it("is known by its beginning, where the upstream names no type or a wrong one", async () => {
      const parted = [delta("call [PHO"), delta("NE_1]"), finish(), done];
      const chunks = [": PROCESSING\n\n", ...parted];
      for (const type of ["", "text/plain", "application/json", "application/octet-stream"]) {
        expect(saidIn(await all(chunks, { type })), type).toEqual([`call ${values.PHONE_1}`]);
        expect(saidIn(await all(parted, { type })), type).toEqual([`call ${values.PHONE_1}`]);
      }
    });

    it("is read event by event where no empty line sets them apart", async () => {
      const parted = [delta("call [PHO"), delta("NE_1] or [PHONE"), delta("_12]"), finish(), done];
      const text = parted.join("").replaceAll("\n\n", "\n");
      for (const chunks of [[text], [...text], [`${text}\n`]]) {
        expect(saidIn(await all(chunks))).toEqual([`call ${values.PHONE_1} or ${values.PHONE_12}`]);
      }
    });

    it("leaves chunks without placeholders as they came", async () => {
      const chunks = ["Nothing", " to do_it here", ".\n", "[1]", " {a}"].map((piece) =>
        delta(piece),
      );
      const { shown, untouched } = await run([...chunks, ": ping\n\n", finish(), done]);
      expect(shown).toEqual([...chunks, ": ping\n\n", finish(), done]);
      expect(untouched).toBe(chunks.length + 3);
    });

    it("gives what it held back before the choice ends, or the stream", async () => {
      const ends: string[][] = [
        [finish(), done],
        [done],
        [],
        [event({ error: { message: "cut" } })],
        [event({ choices: [], usage: { total_tokens: 1 } })],
      ];
      for (const end of ends) {
        const shown = await all([delta("see PHONE"), delta("_1"), ...end]);
        expect(saidIn(shown)).toEqual([`see ${values.PHONE_1}`]);
        expect(shown.endsWith(end.join(""))).toBe(true);
        expect(saidIn(await all([delta("half [PHO"), ...end]))).toEqual(["half [PHO"]);
      }
    });

    it("keeps an escape whole whose letter begins a name, as one of an operator's own may", async () => {
      const values = { NAME_1: "Kim", TAX_ID_1: "12-3", RESIDENT_NUMBER_1: "900101-1234568" };
      for (const pieces of [
        ["first", "\n"],
        ["\r", "\n\n", "\tb\n", "end"],
        ["\nNA", "ME_1", "\n"],
      ]) {
        const chunks = [...pieces.map((piece) => delta(piece)), finish(), done];
        const { shown } = await run(chunks, { values });
        expect(saidIn(shown.join(""))).toEqual([pieces.join("").replace("NAME_1", "Kim")]);
      }
    });

    it("says the role of a message and the name of a call once", async () => {
      const first = { role: "assistant", content: "see PHONE" };
      const call = {
        index: 0,
        id: "call_1",
        type: "function",
        function: { name: "f", arguments: "" },
      };
      const tool = {
        index: 0,
        delta: { tool_calls: [{ ...call, function: { name: "f", arguments: "EMAIL_1" } }] },
      };
      const shown = eventsIn(
        await all([
          event({ choices: [{ index: 0, delta: first }] }),
          event({ choices: [tool] }),
          finish(),
          done,
        ]),
      );
      const deltas = shown.flatMap(({ choices }) =>
        choices.map(({ delta }: { delta: Delta }) => delta),
      );
      const joined = (pick: (delta: Delta) => string | undefined) =>
        deltas.map((one) => pick(one) ?? "").join("");
      expect(joined(({ role }) => role)).toBe("assistant");
      expect(joined(({ tool_calls }) => tool_calls?.[0]?.id)).toBe("call_1");
      expect(joined(({ tool_calls }) => tool_calls?.[0]?.function?.name)).toBe("f");
      expect(joined(({ tool_calls }) => tool_calls?.[0]?.function?.arguments)).toBe(values.EMAIL_1);
    });

    it("holds on while the upstream only keeps its connection alive", async () => {
      const text = (delta: string) =>
        event({ type: "response.output_text.delta", output_index: 0, delta });
      const shown = await all([text("see [PHO"), event({ type: "keepalive" }), text("NE_1]")]);
      expect(shown).not.toContain("PHO");
      expect(shown).toContain(values.PHONE_1);
    });

    it("keeps choices apart", async () => {
      const chunks = [
        ...[delta("[PHO", 0), delta("[EMA", 1), delta("NE_1] a", 0), delta("IL_1", 1)],
        ...[finish(0), delta("] b", 1), finish(1), done],
      ];
      expect(saidIn(await all(chunks))).toEqual([`${values.PHONE_1} a`, `${values.EMAIL_1} b`]);
    });

    it("keeps choices apart that come in one event, of completions too", async () => {
      const both = (first: object, second: object) =>
        event({
          choices: [
            { index: 0, ...first },
            { index: 1, ...second },
          ],
        });
      const one = (index: number, more: object) => event({ choices: [{ index, ...more }] });
      const said = (content: string) => ({ delta: { content }, finish_reason: null });
      const chat = await all([
        both(said("a [PHO"), said("b [EMA")),
        ...[one(1, said("IL_1]")), one(0, said("NE_1]"))],
        both({ delta: {}, finish_reason: "stop" }, said(" PHONE_1")),
        ...[one(1, { delta: {}, finish_reason: "stop" }), done],
      ]);
      expect(saidIn(chat)).toEqual([
        `a ${values.PHONE_1}`,
        `b ${values.EMAIL_1} ${values.PHONE_1}`,
      ]);
      const text = await all([
        both({ text: "a [PHO" }, { text: "b [EMA" }),
        ...[one(1, { text: "IL_1]" }), one(0, { text: "NE_1]", finish_reason: "stop" }), done],
      ]);
      const texts = ["", ""];
      for (const { choices } of eventsIn(text)) {
        for (const { index, text } of choices) texts[index] += text;
      }
      expect(texts).toEqual([`a ${values.PHONE_1}`, `b ${values.EMAIL_1}`]);
    });

    it("escapes twice in the arguments of tools, each for itself", async () => {
      const call = (index: number, text: string) =>
        event({
          choices: [
            { index: 0, delta: { tool_calls: [{ index, function: { arguments: text } }] } },
          ],
        });
      const pieces: [number, string][] = [
        ...([
          [0, '{"k": "[PRIVATE'],
          [1, '{"p":"PHO'],
          [0, '_KEY_1]"}'],
          [1, 'NE_1"}'],
        ] as const),
      ].map(([index, text]) => [index, text]);
      const shown = await all([
        ...pieces.map(([index, text]) => call(index, text)),
        finish(),
        done,
      ]);
      const said = ["", ""];
      for (const { choices } of eventsIn(shown)) {
        for (const { index, function: f } of choices[0].delta.tool_calls ?? [])
          said[index] += f.arguments;
      }
      expect(said.map((text) => JSON.parse(text))).toEqual([
        { k: values.PRIVATE_KEY_1 },
        { p: values.PHONE_1 },
      ]);
    });

    it("knows the blocks of messages, and leaves thinking as it was signed", async () => {
      const named = (data: { type: string }) => `event: ${data.type}\n${event(data)}`;
      const piece = (index: number, delta: object) =>
        named({ type: "content_block_delta", ...{ index, delta } });
      const chunks = [
        named({ type: "message_start" }),
        ...["see [PHO", "NE_1] and PHONE_1"].map((thinking) =>
          piece(0, { type: "thinking_delta", thinking }),
        ),
        named({ type: "content_block_stop", ...{ index: 0 } }),
        ...["at EMAIL", "_1"].map((text) => piece(1, { type: "text_delta", text })),
        named({ type: "content_block_stop", ...{ index: 1 } }),
        ...['{"k":"[PRIVATE_', 'KEY_1]"}'].map((partial_json) =>
          piece(2, { type: "input_json_delta", partial_json }),
        ),
        named({ type: "content_block_stop", ...{ index: 2 } }),
        named({ type: "message_stop" }),
      ];
      const said: Record<string, string> = {};
      const shown = await all(chunks);
      for (const { index, delta = {} } of eventsIn(shown)) {
        const text = delta.thinking ?? delta.text ?? delta.partial_json ?? "";
        if (index !== undefined) said[index] = (said[index] ?? "") + text;
      }
      expect(said[0]).toBe(`see ${values.PHONE_1} and PHONE_1`);
      expect(said[1]).toBe(`at ${values.EMAIL_1}`);
      expect(JSON.parse(said[2]!)).toEqual({ k: values.PRIVATE_KEY_1 });
      const stops = shown.split("\n\n").filter((one) => one.includes("block_stop"));
      expect(stops.every((one) => one.startsWith("event: content_block_stop\n"))).toBe(true);
    });

    it("knows the events of responses", async () => {
      const text = (delta: string) =>
        event({ type: "response.output_text.delta", output_index: 0, content_index: 0, delta });
      const called = (delta: string) =>
        event({ type: "response.function_call_arguments.delta", output_index: 1, delta });
      const chunks = [
        ...[text("to [EMAIL"), called('{"k":"[PRIVATE_KEY'), text("_1"), called('_1]"}')],
        event({ type: "response.output_text.done", output_index: 0, text: "to [EMAIL_1" }),
        event({
          type: "response.completed",
          response: { output: [{ arguments: '{"k":"[PRIVATE_KEY_1]"}' }] },
        }),
      ];
      let [said, args] = ["", ""];
      const events = eventsIn(await all(chunks));
      for (const { type, delta = "" } of events) {
        if (type === "response.output_text.delta") said += delta;
        if (type === "response.function_call_arguments.delta") args += delta;
      }
      expect(said).toBe(`to [${values.EMAIL_1}`);
      expect(JSON.parse(args)).toEqual({ k: values.PRIVATE_KEY_1 });
      expect(events.at(-2).text).toBe(`to [${values.EMAIL_1}`);
      expect(JSON.parse(events.at(-1).response.output[0].arguments)).toEqual({
        k: values.PRIVATE_KEY_1,
      });
    });

    it("says the same however the stream is cut and what is said is parted", async () => {
      const said = `say "[PHONE_1]", PHONE_12.\nphone_1 [phone_1] [EMAIL_1]x[PRIVATE_KEY_1] 한글 [PRIVATE\\_KEY\\_1]\nPHONE\\_1, _PHONE_12_ [phone 1] [a b] MY\\_NAME [PHONE_9] [PHO`;
      const expected = said
        .replace("[PHONE_1]", values.PHONE_1)
        .replace("PHONE_12", values.PHONE_12)
        .replace("[phone_1]", values.PHONE_1)
        .replace("PHONE\\_1", values.PHONE_1)
        .replace("_PHONE_12_", `_${values.PHONE_12}_`)
        .replace("[phone 1]", values.PHONE_1)
        .replace("[PRIVATE\\_KEY\\_1]", values.PRIVATE_KEY_1)
        .replace("[EMAIL_1]", values.EMAIL_1)
        .replace("[PRIVATE_KEY_1]", values.PRIVATE_KEY_1);
      const sizes = fc.infiniteStream(fc.nat({ max: 6 }));
      const pieces = fc.infiniteStream(fc.nat({ max: 80 }));
      await fc.assert(
        fc.asyncProperty(sizes, pieces, async (sizes, pieces) => {
          const events = cut(said, sizes).map((piece) => delta(piece));
          const shown = await all(cut([...events, finish(), done].join(""), pieces));
          expect(saidIn(shown)).toEqual([expected]);
        }),
        { numRuns: 60 },
      );
      const text = [...said].map((piece) => delta(piece)).join("") + done;
      expect(saidIn(await all([...text]))).toEqual([expected]);
    });

    it("shows no half of a placeholder where a stream is cut", async () => {
      const text = delta("see [PHONE_1]") + delta("more");
      for (let at = 1; at < text.length; at++) {
        const shown = await all([text.slice(0, at)]);
        if (text.slice(0, at).includes("[PHONE_1]")) expect(shown).toContain(values.PHONE_1);
        expect(shown).not.toContain("[PHONE_1]");
      }
    });
  });
});

// biome-ignore lint/suspicious/noExplicitAny: events of three APIs
function eventsIn(text: string): any[] {
  return text
    .split("\n")
    .filter((line) => line.startsWith("data: {"))
    .map((line) => JSON.parse(line.slice(6)));
}

function cut(text: string, sizes: Iterable<number>): string[] {
  const chunks: string[] = [];
  let at = 0;
  for (const size of sizes) {
    chunks.push(text.slice(at, at + size + 1));
    at += size + 1;
    if (at >= text.length) return chunks;
  }
  return chunks;
}
