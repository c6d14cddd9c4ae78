// What a usage costs, exactly: each part of it once, at the prices of the prompt's length, the tier
// that the answer names and the hour. The only place where prices are multiplied.

import { nanoUsdOfExact, usdOfNano } from "./money";
import { one, type Part, preparedOf } from "./prepared-price";
import type { Price, PriceOf } from "./price";
import { noUsage, type Usage } from "./usage";

/** What can be priced of a usage; what is absent is 0. */
export type Amounts = Partial<Omit<Usage, "estimated">>;

interface BillLine {
  part: Part;
  /** Tokens, pictures, seconds, searches, letters or requests. */
  count: number;
  /** The price of one, and of all of them, in zepto-dollars: exact. */
  each: bigint;
  exact: bigint;
}

export interface Bill {
  lines: BillLine[];
  /** The step that the prompt's length reached, and what made all prices dearer or cheaper. */
  above_input_tokens?: number;
  tier?: string;
  off_peak: boolean;
  /** The sum of the lines in zepto-dollars, and rounded up to what is counted. */
  exact: bigint;
  nano_usd: number;
}

/**
 * The bill for a usage. A token is billed once: where parts of the input overlap, as what its dearest
 * kind is, and parts never exceed their whole. Reasoning tokens are output tokens. `noUsage` is free.
 * @param at when the request ended, in milliseconds since 1970; without it no hour is cheaper
 * @param priceOf other models that attempts were made at; one without a price costs as `price` says
 */
export function billOf(usage: Amounts, price: Price, at?: number, priceOf?: PriceOf): Bill {
  if (usage.attempts) return billOfAttempts(usage, price, at, priceOf);
  const { steps, tiers, times, isOffPeak } = preparedOf(price);
  const inputTokens = usage.input_tokens ?? 0;
  const { above, units } = steps.find(({ above }) => inputTokens > above)!;
  const tier = usage.service_tier === undefined ? undefined : tiers.get(usage.service_tier);
  const off_peak = at !== undefined && isOffPeak(at);
  const factor = (tier ?? one) * (off_peak ? times : one);

  const lines: BillLine[] = [];
  let exact = 0n;
  for (const [part, count] of partsOf(usage)) {
    const unit = units[part];
    if (count <= 0 || unit === 0n) continue;
    const each = unit * factor;
    const line =
      part === "second"
        ? { part, count, each: each * 1000n, exact: each * milliseconds(count) }
        : { part, count, each, exact: each * BigInt(count) };
    lines.push(line);
    exact += line.exact;
  }
  return {
    lines,
    off_peak,
    exact,
    nano_usd: nanoUsdOfExact(exact),
    ...(above >= 0 && { above_input_tokens: above }),
    ...(tier !== undefined && { tier: usage.service_tier }),
  };
}

/** The tokens of each attempt at the price of its model and the step of its length; all else once. */
function billOfAttempts(usage: Amounts, price: Price, at?: number, priceOf?: PriceOf): Bill {
  const { attempts = [], service_tier } = usage;
  const beside = { ...usage, attempts: undefined, input_tokens: 0, output_tokens: 0 };
  const bill = billOf(beside, price, at);
  const bills = attempts.map(({ model, ...took }) =>
    billOf({ ...took, service_tier }, (model && priceOf?.(model)) || price, at),
  );
  const ofTokens = bills.flatMap(({ lines }) => lines.filter(({ part }) => part !== "request"));
  const lines = [...ofTokens, ...bill.lines];
  const exact = lines.reduce((sum, line) => sum + line.exact, 0n);
  return { ...Object.assign(bill, ...bills), lines, exact, nano_usd: nanoUsdOfExact(exact) };
}

/**
 * What a usage costs in US dollars: a whole number of nano-dollars. Undefined where the answer names a
 * tier that the price knows nothing of: half or twice the price would be a guess. Arguments as for billOf.
 */
export function costOf(
  usage: Amounts,
  price: Price,
  at?: number,
  priceOf?: PriceOf,
): number | undefined {
  if (!isPriced(usage, price)) return undefined;
  return usdOfNano(billOf(usage, price, at, priceOf).nano_usd);
}

// What vendors call the tier that their price lists are about (OpenAI and Anthropic, Groq), and a place.
const usualTiers = new Set(["default", "standard", "auto", "on_demand", "us"]);

/** Whether the price is known of the tier that the answer names. */
export function isPriced({ service_tier }: Amounts, price: Price): boolean {
  if (service_tier === undefined || usualTiers.has(service_tier.toLowerCase())) return true;
  return price.tiers !== undefined && Object.hasOwn(price.tiers, service_tier);
}

/**
 * What a request is reserved at before it is sent, in nano-dollars, each rounded up: its prompt and what
 * it asks for beside tokens, and each token of its answers, at the step of its length. With no discount
 * for what may be cached, an hour or a tier that may not serve it, but at the price of a dearer one, and
 * of an answer that is sound where that is dearer. A prompt costs something where anything does, so that
 * what nobody can foresee (searches, the tokens of a picture) is settled.
 * @param asked what it asks for beside tokens, and the tier that it names
 */
export function reserveOf(
  price: Price,
  inputTokens: number,
  { images = 0, audio_seconds = 0, characters = 0, service_tier = "" }: Amounts = {},
): { prompt: number; token: number } {
  const { steps, tiers } = preparedOf(price);
  const { units, isFree } = steps.find(({ above }) => inputTokens > above)!;
  const named = tiers.get(service_tier) ?? one;
  const factor = dearer(named, one) * one;
  const things = units.image * BigInt(images) + units.character * BigInt(characters);
  const prompt = units.input * BigInt(inputTokens) + units.request + things;
  const sound = units.second * 1000n * BigInt(Math.ceil(audio_seconds));
  return {
    prompt: isFree ? 0 : Math.max(1, nanoUsdOfExact((prompt + sound) * factor)),
    token: nanoUsdOfExact(dearer(units.output, units.audio_output) * factor),
  };
}

function dearer(one: bigint, other: bigint): bigint {
  return one > other ? one : other;
}

/**
 * What a request is likely to cost in US dollars, to compare models by before one of them is asked: no
 * discount, no cheaper hour, and not exact, as what it is made of is a guess.
 * @param units what it asks for beside tokens
 */
export function likelyUsd(
  price: Price,
  inputTokens: number,
  outputTokens: number,
  { images = 0, audio_seconds = 0, characters = 0 }: Amounts = {},
): number {
  const { rates } = preparedOf(price).steps.find(({ above }) => inputTokens > above)!;
  const { input_usd_per_mtok: input, output_usd_per_mtok: output, request_usd = 0 } = rates;
  const { image_usd = 0, second_usd = 0, characters_usd_per_million: million = 0 } = rates;
  const tokens = (inputTokens * input + outputTokens * output) / 1e6;
  const units = images * image_usd + audio_seconds * second_usd + (characters * million) / 1e6;
  return tokens + units + request_usd;
}

/** The parts of a usage that are billed apart, the dearest kinds of input first. */
function partsOf(usage: Amounts): [Part, number][] {
  let input = usage.input_tokens ?? 0;
  let output = usage.output_tokens ?? 0;
  const ofInput = (tokens = 0) => {
    const part = Math.min(tokens, input);
    input -= part;
    return part;
  };
  const cacheWrite1h = ofInput(usage.cache_write_1h_tokens);
  const cacheWrite = ofInput(usage.cache_write_tokens);
  const audioInput = ofInput(usage.audio_input_tokens);
  const cached = ofInput(usage.cached_input_tokens);
  const audioOutput = Math.min(usage.audio_output_tokens ?? 0, output);
  output -= audioOutput;
  return [
    ["input", input],
    ["cached_input", cached],
    ["cache_write", cacheWrite],
    ["cache_write_1h", cacheWrite1h],
    ["audio_input", audioInput],
    ["output", output],
    ["audio_output", audioOutput],
    ["image", usage.images ?? 0],
    ["second", usage.audio_seconds ?? 0],
    ["web_search", usage.web_searches ?? 0],
    ["character", usage.characters ?? 0],
    ["request", usage === noUsage ? 0 : 1],
  ];
}

// An upstream may state a fraction of a second; what is finer than a thousandth is rounded.
function milliseconds(seconds: number): bigint {
  return BigInt(Math.round(seconds * 1000));
}
