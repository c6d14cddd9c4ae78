// The endpoints of the OpenAI API that we read, one row each: what is read of a request, what its
// answer states. What is in no row does not pass unless an operator opens it by name.

/** How a request's body is read; `form`: multipart, of which only the small parts are, or JSON. */
type BodyForm = "json" | "form" | "none";

/**
 * What an answer is counted by, beside the tokens that it may state. `call`: by nothing else
 * (moderations are free, a reranking is paid by the call).
 */
export type Counted = "tokens" | "images" | "seconds" | "characters" | "call" | "nothing";

export interface EndpointRow {
  name: EndpointName;
  method: "GET" | "POST";
  body: BodyForm;
  counts: Counted;
  /** A request can bound how many tokens its answer has. */
  bounded: boolean;
  /** The members of a JSON answer of which one holds what was asked for; none: it is no JSON. */
  result: readonly string[];
  /** The API takes a request without a model: it has one of its own, or a stored prompt names it. */
  modelOptional: boolean;
  /** It is meant right behind a version only, or alone. */
  behindVersion: boolean;
}

type Facts = Partial<Omit<EndpointRow, "name">> & Pick<EndpointRow, "counts" | "result">;

// https://platform.openai.com/docs/api-reference; rerank as Cohere, Jina and vLLM have it.
const table = {
  "chat/completions": { counts: "tokens", bounded: true, result: ["choices"] },
  completions: { counts: "tokens", bounded: true, result: ["choices"] },
  responses: {
    ...{ counts: "tokens", bounded: true, result: ["output"] },
    modelOptional: true,
  },
  // A conversation made shorter, as Codex asks for it, and what one has in tokens: neither is stored.
  "responses/compact": { counts: "tokens", result: ["output"] },
  "responses/input_tokens": { counts: "nothing", result: ["input_tokens"], modelOptional: true },
  embeddings: { counts: "tokens", result: ["data"] },
  moderations: { counts: "call", result: ["results"], modelOptional: true },
  rerank: { counts: "call", result: ["results", "data"] },
  "images/generations": { counts: "images", result: ["data"], modelOptional: true },
  "images/edits": { body: "form", counts: "images", result: ["data"], modelOptional: true },
  "images/variations": { body: "form", counts: "images", result: ["data"], modelOptional: true },
  "audio/speech": { counts: "characters", result: [] },
  "audio/transcriptions": { body: "form", counts: "seconds", result: ["text"] },
  "audio/translations": { body: "form", counts: "seconds", result: ["text"] },
  // The list, and below it each model by its name: we answer them.
  models: { method: "GET", body: "none", counts: "nothing", result: ["data"] },
  // What the caller has used, which no API of a model's vendor has there: we answer it.
  usage: { method: "GET", body: "none", counts: "nothing", result: [], behindVersion: true },
} as const satisfies Record<string, Facts>;

type EndpointName = keyof typeof table;
export type Endpoint = EndpointName | "other";

const usual = {
  method: "POST",
  body: "json",
  bounded: false,
  modelOptional: false,
  behindVersion: false,
} as const;

export const endpoints: readonly EndpointRow[] = Object.entries(table).map(([name, facts]) => ({
  ...usual,
  ...facts,
  name: name as EndpointName,
}));

const rows = new Map<string, EndpointRow>(endpoints.map((row) => [row.name, row]));

/** The row of an endpoint's name, as a ticket has it; undefined for "other". */
export function rowOf(name: string): EndpointRow | undefined {
  return rows.get(name);
}
