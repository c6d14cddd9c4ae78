// What the stand-in says where nobody chats: pictures, sound, moderations, rankings, what becomes of a
// conversation itself. Each answer states what its endpoint is counted by. https://platform.openai.com/docs/api-reference

import type { ModelAnswer } from "./answers";

type Fields = Record<string, unknown>;

/** Endpoints whose body is JSON, and those whose body is a form. */
export const mediaAnswerers: Record<string, (fields: Fields) => ModelAnswer> = {
  "/v1/moderations": ({ model, input }) =>
    json({ id: "modr-1", model: model ?? "stand-in", results: listOf(input).map(unflagged) }),
  "/v1/rerank": ({ documents }) =>
    json({
      results: listOf(documents).map((_, index) => ({ index, relevance_score: 1 / (index + 1) })),
      meta: { billed_units: { search_units: 1 } },
    }),
  "/v1/responses/compact": () =>
    json({
      ...{ id: "resp_1", object: "response.compaction", created_at: 1_700_000_000 },
      output: [{ type: "compaction", id: "cmp_1", encrypted_content: "c2hvcnRlcg==" }],
      usage: { input_tokens: 40, output_tokens: 10, total_tokens: 50 },
    }),
  "/v1/responses/input_tokens": () => json({ object: "response.input_tokens", input_tokens: 40 }),
  "/v1/images/generations": pictures,
  "/v1/audio/speech": ({ input }) => ({
    bytes: Buffer.from(`sound of ${input}`),
    type: "audio/mpeg",
  }),
};

export const formAnswerers: typeof mediaAnswerers = {
  "/v1/images/edits": pictures,
  "/v1/images/variations": pictures,
  "/v1/audio/transcriptions": heard,
  "/v1/audio/translations": heard,
};

/** The fields of a form that are texts. */
export function fieldsOf(body: string): Fields {
  const parts = body.matchAll(/name="(\w+)"\r\n\r\n([^\r]*)\r\n/g);
  return Object.fromEntries([...parts].map(([, name, value]) => [name, value]));
}

function pictures({ n = 1 }: Fields): ModelAnswer {
  const data = Array.from({ length: Number(n) }, (_, at) => ({ b64_json: `cGljdHVyZSAg${at}` }));
  const tokens = { input_tokens: 12, output_tokens: 100 * data.length };
  const usage = { ...tokens, total_tokens: tokens.input_tokens + tokens.output_tokens };
  return json({ created: 1_700_000_000, data, usage });
}

function heard(): ModelAnswer {
  return json({ text: "This is what was said.", usage: { type: "duration", seconds: 9 } });
}

function unflagged() {
  return { flagged: false, categories: {}, category_scores: {} };
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [value];
}

function json(value: object): ModelAnswer {
  return { json: JSON.stringify(value) };
}
