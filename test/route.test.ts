// How well llm-route reads requests, beside what people would say of them: corpus.yaml by which it was
// made, and unseen.yaml by which it was not.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { optionsIn, tallyOf } from "../cli/route";
import { RequestBody } from "../openai/request-body";
import { tierOf } from "../plugins/llm-route/choose";
import { explainBy } from "../plugins/llm-route/explain";
import { readingOf } from "../plugins/llm-route/reading";
import { SignReader } from "../plugins/llm-route/signs";
import { defaultWords } from "../plugins/llm-route/words";

const names = ["small", "standard", "strong"] as const;
type Tier = (typeof names)[number];

const tiers = names.map((name, place) => ({ name, upTo: Math.floor(((place + 1) * 100) / 3) }));
const reader = new SignReader(defaultWords());

function corpus(name: string): Record<Tier, string[]> {
  return parse(readFileSync(join(__dirname, "route", `${name}.yaml`), "utf8"));
}

function bodyOf(content: string): RequestBody {
  const text = JSON.stringify({ model: "auto", messages: [{ role: "user", content }] });
  const body = RequestBody.parse(text);
  if (!(body instanceof RequestBody)) throw new Error(body.problem);
  return body;
}

function tierFor(content: string): Tier {
  const reading = readingOf("chat/completions", bodyOf(content), reader, true);
  return names[tierOf({ tiers, rules: [] }, reading, { headers: {}, at: 0 }).tier]!;
}

/** How many requests of each tier got which, and the share that got their own. */
function agreement(name: string) {
  const got = Object.fromEntries(
    Object.entries(corpus(name)).map(([tier, requests]) => {
      const tiers = requests.map(tierFor);
      return [tier, names.map((one) => tiers.filter((other) => other === one).length)];
    }),
  ) as Record<Tier, number[]>;
  const all = names.flatMap((tier) => got[tier]).reduce((sum, count) => sum + count, 0);
  const own = names.reduce((sum, tier, place) => sum + got[tier][place]!, 0);
  return { got, all, own, share: own / all };
}

/** The share of the strongest tier's requests that got the smallest. */
const underestimated = ({ strong }: Record<Tier, number[]>) =>
  strong[0]! / strong.reduce((sum, count) => sum + count, 0);

/** What `kong-llm route try` says of the corpus with the choice of examples/cheapest. */
function saving(): string {
  const file = join(__dirname, "../examples/cheapest/kong.yaml");
  const { route } = optionsIn(readFileSync(file, "utf8"), file);
  const explain = explainBy(route, "auto");
  const found = names.flatMap((tier) =>
    corpus("corpus")[tier].map((content) =>
      explain("chat/completions", bodyOf(content), { headers: {}, at: 0 }),
    ),
  );
  return tallyOf(found, route.choices[0]!);
}

describe("llm-route › the shipped words and weights", () => {
  it("agree with people in nine of ten requests that they were made by, in both languages", () => {
    const { all, share, got } = agreement("corpus");
    expect(all).toBeGreaterThanOrEqual(300);
    expect(share).toBeGreaterThanOrEqual(0.9);
    expect(underestimated(got)).toBeLessThanOrEqual(0.03);
    const texts = names.flatMap((tier) => corpus("corpus")[tier]);
    const korean = texts.filter((text) => /[가-힣]/.test(text)).length;
    expect(korean / all).toBeGreaterThan(0.45);
    expect(korean / all).toBeLessThan(0.6);
  });

  it("send no hard request to the smallest tier that they have never seen", () => {
    expect(underestimated(agreement("unseen").got)).toBeLessThanOrEqual(0.03);
  });

  it("hold no request twice", () => {
    const texts = ["corpus", "unseen"].flatMap((name) =>
      names.flatMap((tier) => corpus(name)[tier]),
    );
    expect(new Set(texts).size).toBe(texts.length);
  });

  it.each(["docs/routing.md", "docs/routing.ko.md"])(
    "are told of in %s as they are",
    (page) => {
      const text = readFileSync(join(__dirname, "..", page), "utf8");
      for (const name of ["corpus", "unseen"]) {
        const { got, own, all, share } = agreement(name);
        for (const tier of names) expect(text).toContain(`| ${tier} | ${got[tier].join(" | ")} |`);
        expect(text).toContain(`${own} / ${all} (${(share * 100).toFixed(0)} %)`);
      }
      expect(text).toContain(saving());
    },
    60_000,
  );
});
