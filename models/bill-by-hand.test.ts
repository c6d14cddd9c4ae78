// Ten requests of the four models that HolySheep's guides name. Each number is derived on paper in the
// comment above it, from the catalogue's prices, and compared with what the gateway bills.

import { describe, expect, it } from "vitest";
import { catalogue } from "./catalogue";
import { type Amounts, billOf, costOf, isPriced } from "./cost";
import { usdOfNano } from "./money";
import type { Price } from "./price";

interface Request {
  model: string;
  usage: Amounts;
  /** By the relay's price, and by the vendor's list. */
  relay_usd: number | undefined;
  list_usd: number;
}

const requests: Request[] = [
  {
    // relay: 1,000 + 500 = 1,500 tokens x 8 / 1,000,000 = 0.012
    // list:  1,000 x 2 = 2,000; 500 x 8 = 4,000; 6,000 / 1,000,000 = 0.006
    model: "gpt-4.1",
    usage: { input_tokens: 1000, output_tokens: 500 },
    relay_usd: 0.012,
    list_usd: 0.006,
  },
  {
    // relay: 12,345 + 678 = 13,023 x 8 = 104,184 / 1,000,000 = 0.104184 (no price for cached input)
    // list:  12,345 - 10,240 = 2,105 x 2 = 4,210; 10,240 x 0.5 = 5,120; 678 x 8 = 5,424;
    //        4,210 + 5,120 + 5,424 = 14,754 / 1,000,000 = 0.014754
    model: "gpt-4.1",
    usage: { input_tokens: 12_345, cached_input_tokens: 10_240, output_tokens: 678 },
    relay_usd: 0.104184,
    list_usd: 0.014754,
  },
  {
    // relay: it has no price for a tier, so nobody knows
    // list:  800 x 2 = 1,600; 200 x 8 = 1,600; 3,200 x 1.75 (priority) = 5,600 -> 0.0056
    model: "gpt-4.1",
    usage: { input_tokens: 800, output_tokens: 200, service_tier: "priority" },
    relay_usd: undefined,
    list_usd: 0.0056,
  },
  {
    // relay: 2,500 + 1,500 = 4,000 x 15 = 60,000 -> 0.06
    // list:  2,500 x 3 = 7,500; 1,500 x 15 = 22,500; 30,000 -> 0.03
    model: "claude-sonnet-4.5",
    usage: { input_tokens: 2500, output_tokens: 1500 },
    relay_usd: 0.06,
    list_usd: 0.03,
  },
  {
    // relay: 30,000 + 400 = 30,400 x 15 = 456,000 -> 0.456
    // list:  30,000 - 20,000 - 5,000 - 3,000 = 2,000 x 3 = 6,000; read 20,000 x 0.3 = 6,000;
    //        written 5,000 x 3.75 = 18,750; for an hour 3,000 x 6 = 18,000; 400 x 15 = 6,000;
    //        6,000 + 6,000 + 18,750 + 18,000 + 6,000 = 54,750 -> 0.05475
    model: "claude-sonnet-4-5-20250929",
    usage: {
      ...{ input_tokens: 30_000, cached_input_tokens: 20_000 },
      ...{ cache_write_tokens: 5000, cache_write_1h_tokens: 3000, output_tokens: 400 },
    },
    relay_usd: 0.456,
    list_usd: 0.05475,
  },
  {
    // relay: 250,000 + 1,000 = 251,000 x 15 = 3,765,000 -> 3.765
    // list:  more than 200,000, so all of it dearer: 250,000 x 6 = 1,500,000; 1,000 x 22.5 = 22,500;
    //        1,522,500 -> 1.5225
    model: "claude-sonnet-4.5",
    usage: { input_tokens: 250_000, output_tokens: 1000 },
    relay_usd: 3.765,
    list_usd: 1.5225,
  },
  {
    // relay: 7 + 13 = 20 x 2.5 = 50 -> 0.00005
    // list:  7 x 0.3 = 2.1; 13 x 2.5 = 32.5; 34.6 -> 0.0000346
    model: "gemini-2.5-flash",
    usage: { input_tokens: 7, output_tokens: 13 },
    relay_usd: 0.00005,
    list_usd: 0.0000346,
  },
  {
    // relay: 9,000 + 321 = 9,321 x 2.5 = 23,302.5 -> 0.0233025
    // list:  9,000 - 6,000 (sound) - 1,000 (cached) = 2,000 x 0.3 = 600; 6,000 x 1 = 6,000;
    //        1,000 x 0.03 = 30; 321 x 2.5 = 802.5; 7,432.5 -> 0.0074325
    model: "gemini-2.5-flash",
    usage: {
      ...{ input_tokens: 9000, audio_input_tokens: 6000, cached_input_tokens: 1000 },
      output_tokens: 321,
    },
    relay_usd: 0.0233025,
    list_usd: 0.0074325,
  },
  {
    // relay: 3 + 5 = 8 x 0.42 = 3.36 -> 0.00000336
    // list:  3 x 0.28 = 0.84; 5 x 0.42 = 2.1; 2.94 -> 0.00000294
    model: "deepseek-v3.2",
    usage: { input_tokens: 3, output_tokens: 5 },
    relay_usd: 0.00000336,
    list_usd: 0.00000294,
  },
  {
    // relay: 99,999 + 1 = 100,000 x 0.42 = 42,000 -> 0.042
    // list:  99,999 - 99,998 = 1 x 0.28 = 0.28; 99,998 x 0.028 = 2,799.944; 1 x 0.42 = 0.42;
    //        2,800.644 -> 0.002800644
    model: "deepseek-v3.2",
    usage: { input_tokens: 99_999, cached_input_tokens: 99_998, output_tokens: 1 },
    relay_usd: 0.042,
    list_usd: 0.002800644,
  },
];

describe("a bill by hand", () => {
  const priceOf = (model: string) => catalogue().find(model)!;

  it.each(requests)("of $model comes to $$relay_usd, and to $$list_usd by the list", (request) => {
    const { price, list } = priceOf(request.model);
    expect(costOf(request.usage, price)).toBe(request.relay_usd);
    expect(costOf(request.usage, list!)).toBe(request.list_usd);
  });

  it("sums to the last digit", () => {
    const sum = (kind: (model: string) => Price) =>
      usdOfNano(
        requests
          .filter(({ model, usage }) => isPriced(usage, kind(model)))
          .reduce((sum, { model, usage }) => sum + billOf(usage, kind(model)).nano_usd, 0),
      );
    // 0.012 + 0.104184 + 0.06 + 0.456 + 3.765 + 0.00005 + 0.0233025 + 0.00000336 + 0.042
    //   = 0.116184 + 0.516 + 3.765 + 0.02335250 + 0.04200336 = 4.46253986
    expect(sum((model) => priceOf(model).price)).toBe(4.46253986);
    // 0.006 + 0.014754 + 0.0056 + 0.03 + 0.05475 + 1.5225 + 0.0000346 + 0.0074325 + 0.00000294
    //   + 0.002800644 = 0.026354 + 0.08475 + 1.5225 + 0.0074671 + 0.002803584 = 1.643874684
    expect(sum((model) => priceOf(model).list!)).toBe(1.643874684);
  });
});
