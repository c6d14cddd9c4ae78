// A counter of dollars that stays exact however much is added: it counts whole nano-dollars, as the
// limits do, and shows dollars. Sums of doubles would drift from the sum of the usage lines.

import {
  Counter,
  type LabelValues,
  type MetricObjectWithValues,
  type MetricValue,
} from "prom-client";
import { nanoUsd, usdOfNano } from "../models/money";

export class UsdCounter<Label extends string> extends Counter<Label> {
  incUsd(labels: LabelValues<Label>, usd: number): void {
    this.inc(labels, nanoUsd(usd));
  }

  override async get(): Promise<MetricObjectWithValues<MetricValue<Label>>> {
    const metric = await super.get();
    const values = metric.values.map((one) => ({ ...one, value: usdOfNano(one.value) }));
    return { ...metric, values };
  }
}
