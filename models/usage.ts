// What a request took of a model, in one form for every API: what limits, bills and metrics count.
// Parts are always inside their whole, as OpenAI states them and OpenTelemetry's gen_ai.usage.* does;
// Anthropic states input without its cached parts, and is brought into this form where it is read.

export interface Usage {
  /** All of the prompt, what was read from and written to the upstream's prompt cache included. */
  input_tokens: number;
  /** The part of the input that the upstream read from its own prompt cache. */
  cached_input_tokens: number;
  /** The parts of the input that it wrote there, to be kept for 5 minutes and for 1 hour. */
  cache_write_tokens: number;
  cache_write_1h_tokens: number;
  /** The part of the input that was sound. */
  audio_input_tokens: number;
  /** All of the answer, reasoning included. */
  output_tokens: number;
  /** The part of the output that a reasoning model kept to itself. */
  reasoning_tokens: number;
  /** The part of the output that is sound. */
  audio_output_tokens: number;
  /** Pictures that were made. */
  images: number;
  /** Seconds of sound that were read, where an endpoint counts those and no tokens. */
  audio_seconds: number;
  /** Searches of the web that the upstream made by itself; it bills them one by one. */
  web_searches: number;
  /** Letters of a text that was spoken, where an endpoint counts those. */
  characters: number;
  /** The tier that the answer names, as in "flex" or "priority"; undefined where it names none. */
  service_tier?: string;
  /** Where the upstream asked models several times for it: what each took of the tokens above. */
  attempts?: readonly Attempt[];
  /** The upstream said nothing: these are our own estimates. */
  estimated: boolean;
}

/** Billed by itself: at the price of the model that it names, where it names one. */
export interface Attempt extends Partial<Omit<Usage, "attempts" | "estimated">> {
  model?: string;
}

/** What a hit, a refusal and a failed call take. */
export const noUsage: Usage = {
  input_tokens: 0,
  cached_input_tokens: 0,
  cache_write_tokens: 0,
  cache_write_1h_tokens: 0,
  audio_input_tokens: 0,
  output_tokens: 0,
  reasoning_tokens: 0,
  audio_output_tokens: 0,
  images: 0,
  audio_seconds: 0,
  web_searches: 0,
  characters: 0,
  estimated: false,
};
