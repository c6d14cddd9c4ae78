import { describe, expect, it } from "vitest";
import { endpointOf } from "../../families/endpoint-path";
import { RequestBody } from "../../openai/request-body";
import type { Answer, Consumer, Exchange } from "../../stages/exchange";
import { prepareStage } from "../../stages/stage";
import { privacyOptions } from "./schema";
import { stage } from "./stage";

interface Asked {
  path?: string;
  consumer?: Consumer;
  query?: string;
  canRestore?: boolean;
  form?: Record<string, string | false>;
}

/** What becomes of a body under options. */
async function ask(options: object, body: object | string | undefined, asked: Asked = {}) {
  const { path = "/v1/chat/completions", consumer, query, canRestore = true, form } = asked;
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const parsed = text === undefined ? undefined : RequestBody.parse(text);
  if (parsed && "problem" in parsed) throw new Error(parsed.problem);
  const exchange: Exchange = {
    request: { id: "r1", method: "POST", path, client_ip: "192.0.2.1", query, form },
    consumer,
    body: parsed,
    upstreamHeaders: {},
    responseHeaders: {},
    ticket: {
      ...{ id: "r1", started_at: 0, method: "POST", endpoint: endpointOf("POST", path) },
      ...{ stream: false, stages: {} },
    },
    keep: 0,
    canRestore,
  };
  const decided = await prepareStage(stage, privacyOptions.parse(options)).decide(exchange);
  const answer: Answer | undefined = decided && "answer" in decided ? decided.answer : undefined;
  return { exchange, answer, text: parsed?.text, restore: exchange.restore };
}

const saying = (...contents: unknown[]) => ({
  model: "m",
  messages: contents.map((content) => ({ role: "user", content })),
});
const contentsOf = (text: string | undefined) =>
  JSON.parse(text!).messages.map(({ content }: { content: unknown }) => content);

describe("llm-privacy", () => {
  it("puts one placeholder for equal values, and others for others, in the order of the conversation", async () => {
    const { text, restore } = await ask(
      {},
      saying("010-1234-5678, 010-9999-8888", "again 010-1234-5678 and kim@example.com"),
    );
    expect(contentsOf(text)).toEqual(["[PHONE_1], [PHONE_2]", "again [PHONE_1] and [EMAIL_1]"]);
    expect(restore).toEqual({
      PHONE_1: "010-1234-5678",
      PHONE_2: "010-9999-8888",
      EMAIL_1: "kim@example.com",
    });
  });

  it("masks a value wherever else it stands, as an answer has it that nothing explains", async () => {
    const account = "123456-78-901234";
    const { text, restore, exchange } = await ask(
      {},
      {
        model: "m",
        messages: [
          { role: "assistant", content: `${account}, 9${account}, a010-1234-5678` },
          { role: "user", content: `국민은행 ${account}, 010-1234-5678` },
          { role: "assistant", tool_calls: [{ function: { arguments: `{"to":"${account}"}` } }] },
        ],
      },
    );
    expect(contentsOf(text)).toEqual([
      `[BANK_ACCOUNT_1], 9${account}, a[PHONE_1]`,
      "국민은행 [BANK_ACCOUNT_1], [PHONE_1]",
      undefined,
    ]);
    expect(text).toContain('{\\"to\\":\\"[BANK_ACCOUNT_1]\\"}');
    expect(restore).toEqual({ BANK_ACCOUNT_1: account, PHONE_1: "010-1234-5678" });
    expect(exchange.ticket.personal_data).toEqual({ bank_account: 3, phone: 2 });
  });

  it("keeps the names of a conversation whose model thought of one without its brackets", async () => {
    const thinking = "PHONE_1 is [PHONE_1]: 010-1234-5678";
    const body = {
      model: "m",
      messages: [
        { role: "user", content: "010-1234-5678" },
        { role: "assistant", content: [{ type: "thinking", thinking, signature: "s" }] },
      ],
    };
    const { text } = await ask({}, body, { path: "/v1/messages" });
    expect(contentsOf(text)[0]).toBe("[PHONE_1]");
    expect(contentsOf(text)[1][0].thinking).toBe("PHONE_1 is [PHONE_1]: [PHONE_1]");
  });

  it("keeps the placeholders of a conversation in its next turn, whatever tools come to it", async () => {
    const { messages } = saying("010-1234-5678");
    const first = await ask({}, { messages, tools: [] });
    const tool = { type: "function", function: { name: "f", description: "call 02-555-0123" } };
    const next = await ask({}, { messages: [...messages, ...messages], tools: [] });
    expect(contentsOf(next.text)[0]).toBe(contentsOf(first.text)[0]);
    const behind = await ask({}, { messages, tools: [tool] });
    const before = await ask({}, { tools: [tool], messages });
    expect(contentsOf(behind.text)).toEqual(contentsOf(before.text));
  });

  it("leaves every byte beside what it masks as the client sent it", async () => {
    const body =
      '{ "model":"m" , "x": 1.50, "messages":[{"role":"user","content":"\\uc804\\ud654 010-1234-5678\\n\\/ok"}]}';
    const { text } = await ask({}, body);
    expect(text).toBe(body.replace("010-1234-5678", "[PHONE_1]"));
  });

  it("masks each of two members of one name, and values that are spelt with escapes", async () => {
    const body =
      '{"model":"m","messages":[{"role":"user","content":"kim@example.com","content":"\\u0030\\u0031\\u0030-1234-5678"}]}';
    const { text, restore } = await ask({}, body);
    expect(text).toBe(
      '{"model":"m","messages":[{"role":"user","content":"[EMAIL_1]","content":"[PHONE_1]"}]}',
    );
    expect(restore).toEqual({ EMAIL_1: "kim@example.com", PHONE_1: "010-1234-5678" });
  });

  it("reads arguments and results of tools as the JSON that they are", async () => {
    const given = JSON.stringify({ card: 4111111111111111, note: "tel\n010-1234-5678" });
    const { text } = await ask(
      {},
      {
        model: "m",
        messages: [
          {
            role: "assistant",
            tool_calls: [{ id: "call_1", function: { name: "f", arguments: given } }],
          },
          { role: "tool", tool_call_id: "call_1", content: '{"account":"110-123-456789"}' },
        ],
      },
    );
    const [called, result] = JSON.parse(text!).messages;
    expect(JSON.parse(called.tool_calls[0].function.arguments)).toEqual({
      card: "[CARD_1]",
      note: "tel\n[PHONE_1]",
    });
    expect(result.content).toBe('{"account":"[BANK_ACCOUNT_1]"}');
  });

  it("masks every part of every family", async () => {
    const value = "kim@example.com";
    const parts = [
      [
        "/v1/responses",
        {
          store: false,
          input: [{ type: "message", content: [{ type: "input_text", text: value }] }],
        },
      ],
      ["/v1/responses", { store: false, instructions: value, input: value }],
      ["/v1/completions", { prompt: [value] }],
      ["/v1/embeddings", { input: [value, value] }],
      ["/v1/moderations", { input: value }],
      ["/v1/rerank", { query: value, documents: [{ text: value }] }],
      ["/v1/images/generations", { prompt: value }],
      ["/v1/audio/speech", { input: value, voice: "a" }],
      [
        "/v1/messages",
        {
          system: [{ type: "text", text: value }],
          messages: [
            {
              role: "user",
              content: [
                { type: "tool_result", tool_use_id: "t", content: [{ type: "text", text: value }] },
                { type: "tool_use", id: "t", name: "f", input: { id: value, [value]: 1 } },
                {
                  type: "document",
                  source: { type: "text", media_type: "text/plain", data: value },
                },
              ],
            },
          ],
        },
      ],
      ["/v1/messages/count_tokens", { messages: [{ role: "user", content: value }] }],
    ] as const;
    for (const [path, body] of parts) {
      const { text } = await ask({}, { model: "m", ...body }, { path });
      expect(text, path).not.toContain(value);
      expect(text, path).toContain("[EMAIL_1]");
    }
  });

  it("leaves a number that the API wants as one", async () => {
    const body = { model: "m", seed: 4111111111111111, messages: [] };
    expect((await ask({ action: "refuse" }, body)).text).toBe(JSON.stringify(body));
  });

  it("looks into no bytes, and takes a text for none because of its name", async () => {
    const bytes = `data:image/png;base64,${"0101234567800000".repeat(20)}`;
    const part = { type: "image_url", image_url: { url: bytes } };
    const looked = await ask({}, saying([part, { type: "text", data: "call 010-1234-5678" }]));
    expect(looked.text).toContain(bytes);
    expect(looked.text).toContain("call [PHONE_1]");
  });

  it("does not mix up a placeholder that stands in the client's own text", async () => {
    const names = "[PHONE_1], [phone_2], PHONE\\_3, [Phone 4], phone_5";
    const { text, restore } = await ask({}, saying(`${names}: 010-1234-5678`));
    // The last of them is one of a program's, and never put back.
    expect(contentsOf(text)).toEqual([`${names}: [PHONE_5]`]);
    expect(restore).toEqual({ PHONE_5: "010-1234-5678" });
  });

  it("refuses by the first rule that is for a consumer, and tells what was found and not the text", async () => {
    const options = {
      recognisers: [{ name: "card", action: "refuse" }],
      rules: [{ tags: ["team-pay"], recognisers: [{ name: "card", action: "report" }] }],
    };
    const body = saying("4111 1111 1111 1111");
    const { answer } = await ask(options, body);
    expect(answer?.status).toBe(400);
    expect(answer?.error?.code).toBe("personal_data");
    expect(answer?.body).toContain("card");
    expect(answer?.body).not.toContain("4111");
    const team = { id: "c", tags: ["team-pay"] };
    const reported = await ask(options, body, { consumer: team });
    expect(reported.answer).toBeUndefined();
    expect(reported.text).toContain("4111 1111 1111 1111");
    expect(reported.exchange.ticket.personal_data).toEqual({ card: 1 });
  });

  it("changes and refuses nothing in a dry run, and counts", async () => {
    const options = {
      dry_run: true,
      action: "refuse",
      prompt_rules: [{ name: "no", deny: ["."] }],
    };
    const { answer, text, exchange } = await ask(options, saying("010-1234-5678"));
    expect(answer).toBeUndefined();
    expect(text).toContain("010-1234-5678");
    expect(exchange.ticket.personal_data).toEqual({ phone: 1 });
  });

  it("does not look for what passes", async () => {
    const options = { recognisers: [{ name: "*", action: "pass" }] };
    const { text, exchange } = await ask(options, saying("010-1234-5678"));
    expect(text).toContain("010-1234-5678");
    expect(exchange.ticket.personal_data).toBeUndefined();
  });

  it("finds what an operator adds, by pattern and by list", async () => {
    const options = {
      patterns: [{ name: "contract", pattern: "C-[0-9]{6}" }],
      lists: [{ name: "customer", words: ["홍길동", "Jane Roe"] }],
    };
    const { text, restore } = await ask(
      options,
      saying("홍길동은 C-123456, jane roe 010-1234-5678; Jane Roes"),
    );
    expect(contentsOf(text)).toEqual([
      "[CUSTOMER_1]은 [CONTRACT_1], [CUSTOMER_2] [PHONE_1]; Jane Roes",
    ]);
    expect(restore?.CUSTOMER_2).toBe("jane roe");
    const parted = JSON.parse(JSON.stringify(options).normalize("NFD")) as object;
    for (const form of ["NFC", "NFD"]) {
      const { text: masked } = await ask(parted, saying("홍길동은".normalize(form)));
      expect(contentsOf(masked)).toEqual([`[CUSTOMER_1]${"은".normalize(form)}`]);
    }
    const hidden = await ask(options, saying("홍\u200b길동 Ｃ-123456"));
    expect(contentsOf(hidden.text)).toEqual(["[CUSTOMER_1] [CONTRACT_1]"]);
  });

  it("names an end user by a keyed hash where its identifier is personal", async () => {
    const body = { ...saying("hello"), user: "kim@example.com" };
    const asked = { consumer: { id: "c1" } };
    const { text, restore } = await ask({ identifier_key: "k" }, body, asked);
    const again = await ask({ identifier_key: "k" }, body, asked);
    const other = await ask({ identifier_key: "k2" }, body, asked);
    expect(JSON.parse(text!).user).toMatch(/^user_[0-9a-f]{32}$/);
    expect(again.text).toBe(text);
    expect(other.text).not.toBe(text);
    expect(restore).toBeUndefined();
    expect(JSON.parse((await ask({}, { ...body, user: "u-17" })).text!).user).toBe("u-17");
  });

  it("names values of a conversation that is stored upstream by themselves", async () => {
    const input = (value: string) => ({ model: "m", input: value });
    const asked = { path: "/v1/responses", consumer: { id: "c1" } };
    const first = await ask({ identifier_key: "k" }, input("kim@example.com"), asked);
    const next = await ask(
      { identifier_key: "k" },
      { ...input("lee@example.com, kim@example.com"), previous_response_id: "resp_1" },
      asked,
    );
    const [name] = Object.keys(first.restore!);
    expect(name).toMatch(/^EMAIL_[0-9A-F]{10}$/);
    expect(next.restore).toHaveProperty(name!, "kim@example.com");
    expect(Object.keys(next.restore!)).toHaveLength(2);
  });

  // What is left of it is encrypted: [EMAIL_1] in it was another address in a later turn.
  it("names values of a conversation that the upstream makes shorter so, too", async () => {
    const said = { role: "user", content: "kim@example.com" };
    const asked: [string, object][] = [
      ["/v1/responses/compact", { input: [said] }],
      ["/v1/responses", { input: [said, { type: "compaction_trigger" }], store: false }],
      ["/v1/responses", { input: [{ type: "compaction_trigger" }, said], store: false }],
    ];
    const names = [];
    for (const [path, body] of asked) {
      const { restore } = await ask({ identifier_key: "k" }, { model: "m", ...body }, { path });
      names.push(...Object.keys(restore!));
    }
    expect(names).toEqual([expect.stringMatching(/^EMAIL_[0-9A-F]{10}$/), names[0], "EMAIL_1"]);
  });

  it("refuses where values could not be put back, unless they shall not be", async () => {
    const there = { canRestore: false };
    expect((await ask({}, saying("hello"), there)).answer?.status).toBe(503);
    const { answer, text, restore } = await ask({ restore: false }, saying("010-1234-5678"), there);
    expect(answer).toBeUndefined();
    expect(text).toContain("[PHONE_1]");
    expect(restore).toBeUndefined();
  });

  it("refuses what cannot be masked: in the query, the name of a model or of a member", async () => {
    const codes = [
      await ask({}, saying("hello"), { query: "q=kim%40example.com" }),
      await ask({}, { ...saying("hello"), model: "010-1234-5678" }),
      await ask({}, { ...saying("hello"), "kim@example.com": 1 }),
    ].map(({ answer }) => answer?.error?.code);
    expect(codes).toEqual(["personal_data", "personal_data", "personal_data"]);
  });

  it("lets pictures and files pass, or refuses them, and never a text of a form that it could not read", async () => {
    const picture = saying([
      { type: "image_url", image_url: { url: "https://example.com/a.png" } },
    ]);
    expect((await ask({}, picture)).answer).toBeUndefined();
    expect((await ask({ unread: "refuse" }, picture)).answer?.error?.code).toBe("unread_content");
    expect((await ask({ unread: "refuse" }, saying("hello"))).answer).toBeUndefined();
    const path = "/v1/audio/transcriptions";
    const form = { model: "m", "timestamp_granularities[]": false } as const;
    expect((await ask({}, { model: "m" }, { path, form })).answer).toBeUndefined();
    const long = { ...form, prompt: false } as const;
    expect((await ask({}, { model: "m" }, { path, form: long })).answer?.status).toBe(400);
  });

  it("refuses by prompt rules, by name and without the text", async () => {
    const rule = (more: object) => ({ prompt_rules: [{ name: "ours", ...more }] });
    const refused = async (more: object, ...said: string[]) => {
      const { answer } = await ask(rule(more), saying(...said));
      expect(answer?.body ?? "").not.toContain("secret");
      return answer && `${answer.status} ${answer.error?.code}`;
    };
    expect(await refused({ deny: ["(?i)secret"] }, "a Secret")).toBe("400 prompt_rule");
    expect(await refused({ deny: ["(?i)secret"] }, "nothing")).toBeUndefined();
    expect(await refused({ require: ["^Team: "] }, "hello")).toBe("400 prompt_rule");
    expect(await refused({ require: ["^Team: "] }, "Team: a", "hello")).toBeUndefined();
    expect(await refused({ max_prompt_chars: 4 }, "hello")).toBe("400 prompt_rule");
    expect(await refused({ max_prompt_chars: 5 }, "hello")).toBeUndefined();
    expect(await refused({ scripts: ["hangul"] }, "hello")).toBe("400 prompt_rule");
    expect(
      await refused({ scripts: ["hangul"] }, "안녕하세요, 이 API는 어떻게 쓰나요?"),
    ).toBeUndefined();
    expect(await refused({ deny: ["(?i)secret", "비밀"] }, "s\u200becret")).toBe("400 prompt_rule");
    expect(await refused({ deny: ["비밀"] }, "비밀".normalize("NFD"))).toBe("400 prompt_rule");
    expect(await refused({ max_prompt_chars: 2 }, "😀😀")).toBeUndefined();
    expect(await refused({ scripts: ["hangul"] }, "Ｈｅｌｌｏ")).toBe("400 prompt_rule");
    expect(await refused({ scripts: ["latin"] }, "Tiếng Việt thế nào")).toBeUndefined();
    expect(await refused({ endpoints: ["embeddings"] }, "hello")).toBe("403 prompt_rule");
    expect(await refused({ tags: ["other"], deny: ["."] }, "hello")).toBeUndefined();
  });
});
