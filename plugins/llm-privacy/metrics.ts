// The Prometheus metrics of llm-privacy. Labels are names that the operator has, never what was found.

import { Counter } from "prom-client";

export const findings = new Counter({
  name: "llm_privacy_findings_total",
  help: "Personal data and secrets that were found in requests, by what recognised them and what was done: mask, refuse, report",
  labelNames: ["recogniser", "action"] as const,
});

export const refusals = new Counter({
  name: "llm_privacy_refusals_total",
  help: "Requests that llm-privacy refused, or would have in a dry run: for personal data, too much of it, what is not read, or by a prompt rule, which is named",
  labelNames: ["reason", "rule", "dry_run"] as const,
});

export const unread = new Counter({
  name: "llm_privacy_unread_total",
  help: "Requests that carried what is not read, such as pictures and files, by endpoint",
  labelNames: ["endpoint"] as const,
});
