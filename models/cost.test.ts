import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Amounts, billOf, costOf, likelyUsd, reserveOf } from "./cost";
import { exactUsdText } from "./money";
import type { Price } from "./price";
import { noUsage } from "./usage";

const flat = (usd: number): Price => ({ input_usd_per_mtok: usd, output_usd_per_mtok: usd });
const usage = { input_tokens: 1000, output_tokens: 500, cached_input_tokens: 400 };

describe("cost", () => {
  it("is made of each kind of token, per million", () => {
    const price = { ...flat(2), output_usd_per_mtok: 8, cached_input_usd_per_mtok: 0.5 };
    expect(costOf(usage, price)).toBe((600 * 2 + 400 * 0.5 + 500 * 8) / 1e6);
  });

  it("is likely what input, output and the request cost at the step of the prompt's length", () => {
    const price: Price = {
      ...{ input_usd_per_mtok: 2, output_usd_per_mtok: 8, request_usd: 0.01 },
      ...{ cached_input_usd_per_mtok: 0.5 },
    };
    expect(likelyUsd(price, 1000, 500)).toBeCloseTo(0.016, 12);
    expect(likelyUsd(flat(0), 1000, 500)).toBe(0);
  });

  it("takes a kind without a price of its own as what it is a part of", () => {
    const parts = { cached_input_tokens: 100, cache_write_tokens: 100, cache_write_1h_tokens: 100 };
    const sound = { audio_input_tokens: 100, audio_output_tokens: 100 };
    expect(costOf({ ...usage, ...parts, ...sound }, flat(8))).toBe(0.012);
    const written = { ...flat(8), cache_write_usd_per_mtok: 10 };
    expect(costOf({ input_tokens: 100, cache_write_1h_tokens: 100 }, written)).toBe(0.001);
  });

  it("bills a token once where an upstream states more parts than there is whole", () => {
    const more = { input_tokens: 10, cached_input_tokens: 10, cache_write_tokens: 8 };
    const price = {
      ...flat(1),
      ...{ cached_input_usd_per_mtok: 0.1, cache_write_usd_per_mtok: 1.25 },
    };
    const { lines } = billOf({ ...more, output_tokens: 1, audio_output_tokens: 5 }, price);
    expect(lines.map(({ part, count }) => [part, count])).toEqual([
      ["cached_input", 2],
      ["cache_write", 8],
      ["audio_output", 1],
    ]);
  });

  it("counts pictures, seconds of sound, searches, letters and the request itself", () => {
    const pieces = {
      image_usd: 0.04,
      second_usd: 0.0001,
      web_search_usd: 0.01,
      request_usd: 0.005,
    };
    const price = { ...flat(0), ...pieces, characters_usd_per_million: 15 };
    const usage = { images: 3, audio_seconds: 12.5, web_searches: 2, characters: 100 };
    expect(costOf(usage, price)).toBe(0.12 + 0.00125 + 0.02 + 0.0015 + 0.005);
  });

  it("is nothing for a hit, a refusal and a failed call, whatever a request costs", () => {
    expect(costOf(noUsage, { ...flat(8), request_usd: 1 })).toBe(0);
  });

  it("is that of each attempt by its own model and length, and of all else once", () => {
    const long = { above_input_tokens: 1500, input_usd_per_mtok: 100, output_usd_per_mtok: 100 };
    const price = { ...flat(2), request_usd: 1, web_search_usd: 0.5, steps: [long] };
    const attempts = [
      { input_tokens: 1000, output_tokens: 100 },
      { input_tokens: 1000, output_tokens: 100, model: "dear" },
      { input_tokens: 1000, output_tokens: 100, model: "unknown" },
    ];
    const all = { input_tokens: 3000, output_tokens: 300, web_searches: 1, attempts };
    const priceOf = (model: string) => (model === "dear" ? flat(10) : undefined);
    expect(costOf(all, price, 0, priceOf)).toBe(1.5154);
    expect(costOf(all, price)).toBe(1.5066);
  });

  describe("of a long prompt", () => {
    const long = { above_input_tokens: 200_000, input_usd_per_mtok: 6, output_usd_per_mtok: 22.5 };
    const longer = { above_input_tokens: 400_000, input_usd_per_mtok: 9, output_usd_per_mtok: 30 };
    const price = { ...flat(3), output_usd_per_mtok: 15, steps: [long, longer] };

    it.each([
      [200_000, 0.615],
      [200_001, 1.222506],
      [400_001, 3.630009],
    ])("is that of the step for the whole request: %i tokens", (input_tokens, usd) => {
      expect(costOf({ input_tokens, output_tokens: 1000 }, price)).toBe(usd);
    });

    it("is reserved at that step, its answer too", () => {
      expect(reserveOf(price, 200_000)).toEqual({ prompt: 600_000_000, token: 15_000 });
      expect(reserveOf(price, 200_001)).toEqual({ prompt: 1_200_006_000, token: 22_500 });
    });
  });

  it("is reserved with what is asked for beside tokens, at the price of a dearer tier only", () => {
    const things = { image_usd: 0.04, second_usd: 0.0001, characters_usd_per_million: 15 };
    const price = { ...flat(2), ...things, tiers: { flex: 0.5, priority: 1.75 } };
    const prompt = (asked: Amounts) => reserveOf(price, 1000, asked).prompt;
    expect(prompt({})).toBe(2_000_000);
    expect(prompt({ images: 3 })).toBe(122_000_000);
    expect(prompt({ audio_seconds: 61 })).toBe(8_100_000);
    expect(prompt({ characters: 1 })).toBe(2_015_000);
    expect(reserveOf(price, 1000, { service_tier: "flex" })).toEqual(reserveOf(price, 1000));
    expect(reserveOf(price, 1000, { service_tier: "priority", images: 1 })).toEqual({
      prompt: 1.75 * 42_000_000,
      token: 3500,
    });
  });

  it("is reserved as something wherever anything costs something, so that it is settled", () => {
    expect(reserveOf({ ...flat(0), web_search_usd: 0.01 }, 50).prompt).toBe(1);
    expect(reserveOf({ ...flat(0), output_usd_per_mtok: 40 }, 50).prompt).toBe(1);
    expect(reserveOf(flat(0), 50).prompt).toBe(0);
  });

  it("is reserved as sound where an answer may be that", () => {
    expect(reserveOf({ ...flat(2), audio_output_usd_per_mtok: 64 }, 1).token).toBe(64_000);
    expect(reserveOf({ ...flat(2), audio_output_usd_per_mtok: 1 }, 1).token).toBe(2000);
  });

  describe("of a service tier", () => {
    const price = { ...flat(2), tiers: { flex: 0.5, priority: 1.75 } };
    const at = (service_tier?: string) => costOf({ ...usage, service_tier }, price);

    it("is multiplied by what the tier takes that the answer names", () => {
      expect([at("flex"), at("priority")]).toEqual([0.0015, 0.00525]);
    });

    it("is as without one for the tier that price lists are about", () => {
      expect([at("default"), at("standard"), at("on_demand")]).toEqual([at(), at(), at()]);
    });

    it("is as without one for a place that costs no more by this price", () => {
      expect(at("us")).toBe(at());
      const dearer = { ...flat(2), tiers: { us: 1.1 } };
      expect(costOf({ ...usage, service_tier: "us" }, dearer)).toBeCloseTo(at()! * 1.1, 9);
    });

    it("is not known for a tier that has no price", () => {
      expect(at("scale")).toBeUndefined();
      expect(costOf({ ...usage, service_tier: "flex" }, flat(2))).toBeUndefined();
    });
  });

  it("is lower in off-peak hours, by when the request ended", () => {
    const price = { ...flat(2), off_peak: { times: 0.5, hours: ["16:30-24:00"] } };
    const ended = (hour: number) => costOf(usage, price, Date.UTC(2026, 0, 1, hour));
    expect([ended(16), ended(17), costOf(usage, price)]).toEqual([0.003, 0.0015, 0.003]);
  });

  it("is rounded up once, to a billionth of a dollar", () => {
    const bill = billOf({ input_tokens: 1, output_tokens: 1 }, flat(0.0004));
    expect(exactUsdText(bill.exact)).toBe("0.0000000008");
    expect(bill.nano_usd).toBe(1);
  });

  it("equals an exact rational reference, whatever the usage, the steps, the tier and the hour", () => {
    fc.assert(
      fc.property(anyUsage, anyPrice, fc.nat(23), (amounts, price, hour) => {
        const at = Date.UTC(2026, 0, 1, hour);
        const [numerator, denominator] = reference(amounts, price, hour);
        const bill = billOf(amounts, price, at);
        expect(bill.exact * denominator).toBe(numerator * 10n ** 21n);
        const sum = bill.lines.reduce((sum, { exact }) => sum + exact, 0n);
        expect(sum).toBe(bill.exact);
        const nano = (numerator * 10n ** 9n + denominator - 1n) / denominator;
        expect(BigInt(bill.nano_usd)).toBe(nano);
      }),
      { numRuns: 500 },
    );
  });
});

// Prices with up to nine decimal places, as the finest that can be given.
const usdPerMtok = fc.integer({ min: 0, max: 1e12 }).map((billionths) => billionths / 1e9);
const factor = fc.integer({ min: 1, max: 5000 }).map((thousandths) => thousandths / 1000);

const tokenRates = {
  input_usd_per_mtok: usdPerMtok,
  output_usd_per_mtok: usdPerMtok,
  cached_input_usd_per_mtok: usdPerMtok,
  cache_write_usd_per_mtok: usdPerMtok,
  cache_write_1h_usd_per_mtok: usdPerMtok,
  audio_input_usd_per_mtok: usdPerMtok,
  audio_output_usd_per_mtok: usdPerMtok,
};
const rates = fc.record({ ...tokenRates, image_usd: usdPerMtok, request_usd: usdPerMtok });

const anyPrice = fc
  .record({
    base: rates,
    step: fc.record(tokenRates),
    above_input_tokens: fc.integer({ min: 1, max: 1e6 }),
    flex: factor,
    times: factor,
  })
  .map(({ base, step, above_input_tokens, flex, times }) => ({
    ...base,
    steps: [{ above_input_tokens, ...step }],
    tiers: { flex },
    off_peak: { times, hours: ["00:00-06:00"] },
  }));

const tokens = fc.nat(1e6);
const anyUsage = fc
  .record({
    ...{ input: tokens, cached: tokens, write: tokens, write1h: tokens, sound: tokens },
    ...{ output: tokens, spoken: tokens, images: fc.nat(10) },
    service_tier: fc.constantFrom(undefined, "default", "flex"),
  })
  .map(({ input, cached, write, write1h, sound, output, spoken, images, service_tier }) => ({
    input_tokens: input + cached + write + write1h + sound,
    cached_input_tokens: cached,
    cache_write_tokens: write,
    cache_write_1h_tokens: write1h,
    audio_input_tokens: sound,
    output_tokens: output + spoken,
    audio_output_tokens: spoken,
    ...{ images, service_tier },
  }));

type Exact = [numerator: bigint, denominator: bigint];

/** The same by school arithmetic on fractions: nothing is shared with what is tested. */
function reference(amounts: Amounts, price: Price, hour: number): Exact {
  const step = price.steps!.find((one) => amounts.input_tokens! > one.above_input_tokens);
  const { steps, tiers, off_peak, ...base } = price;
  const rates = { ...base, ...step };
  const plain =
    amounts.input_tokens! -
    amounts.cached_input_tokens! -
    amounts.cache_write_tokens! -
    amounts.cache_write_1h_tokens! -
    amounts.audio_input_tokens!;
  const perMillion: [number, number][] = [
    [plain, rates.input_usd_per_mtok],
    [amounts.cached_input_tokens!, rates.cached_input_usd_per_mtok!],
    [amounts.cache_write_tokens!, rates.cache_write_usd_per_mtok!],
    [amounts.cache_write_1h_tokens!, rates.cache_write_1h_usd_per_mtok!],
    [amounts.audio_input_tokens!, rates.audio_input_usd_per_mtok!],
    [amounts.output_tokens! - amounts.audio_output_tokens!, rates.output_usd_per_mtok],
    [amounts.audio_output_tokens!, rates.audio_output_usd_per_mtok!],
  ];
  const each: [number, number][] = [
    [amounts.images!, rates.image_usd!],
    [1, rates.request_usd!],
  ];
  const terms = [
    ...perMillion.map(([count, usd]) => product([BigInt(count), 1_000_000n], fraction(usd))),
    ...each.map(([count, usd]) => product([BigInt(count), 1n], fraction(usd))),
  ];
  const sum = terms.reduce(([a, b], [c, d]): Exact => [a * d + c * b, b * d], [0n, 1n] as Exact);
  const times = amounts.service_tier === "flex" ? fraction(tiers!.flex!) : ([1n, 1n] as Exact);
  const hours = hour < 6 ? fraction(off_peak!.times) : ([1n, 1n] as Exact);
  return product(product(sum, times), hours);
}

function product([a, b]: Exact, [c, d]: Exact): Exact {
  return [a * c, b * d];
}

/** All the generated numbers have at most nine places. */
function fraction(value: number): Exact {
  const [whole, decimals] = value.toFixed(9).split(".");
  return [BigInt(`${whole}${decimals}`), 10n ** 9n];
}
