// How numbers, money and times are written for a reader of either language.

import { type Html, html } from "./html";
import type { Language } from "./language";

export interface Format {
  count(value: number): string;
  /** Shortened from ten thousand on: 1.2M, 120만. */
  short(value: number): string;
  /** Cents, and finer where less than a cent would show nothing. */
  usd(value: number): string;
  /** What one request cost: in hundredths of a cent. */
  usdOfOne(value: number): string;
  /** From 0 to 1. */
  percent(value: number): string;
  seconds(milliseconds: number): string;
  /** The time of a moment of today, else with its date; in UTC, which the page's script makes local. */
  time(iso: string): Html;
}

export function formatOf(language: Language): Format {
  const count = new Intl.NumberFormat(language);
  const short = new Intl.NumberFormat(language, { notation: "compact", maximumFractionDigits: 1 });
  const currency = { style: "currency", currency: "USD", currencyDisplay: "narrowSymbol" } as const;
  const cents = new Intl.NumberFormat(language, currency);
  const fine = new Intl.NumberFormat(language, {
    ...currency,
    minimumSignificantDigits: 1,
    maximumSignificantDigits: 2,
  });
  const ofOne = new Intl.NumberFormat(language, { ...currency, minimumFractionDigits: 4 });
  const percent = new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: 1 });
  const seconds = new Intl.NumberFormat(language, {
    ...{ style: "unit", unit: "second", unitDisplay: "narrow" },
    maximumFractionDigits: 2,
  } as const);
  return {
    count: (value) => count.format(value),
    short: (value) => (Math.abs(value) < 10_000 ? count : short).format(value),
    usd: (value) => (value !== 0 && Math.abs(value) < 0.01 ? fine : cents).format(value),
    usdOfOne: (value) => (value === 0 ? cents : ofOne).format(value),
    percent: (value) => percent.format(value),
    seconds: (milliseconds) => seconds.format(milliseconds / 1000),
    time: (iso) => {
      const text = iso.slice(0, 19).replace("T", " ");
      return html`<time datetime="${iso}">${text} UTC</time>`;
    },
  };
}
