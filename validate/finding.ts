// One thing that is wrong with a configuration, and where it stands.

import type { Located } from "./located";

export interface Finding {
  file: string;
  /** From 1. */
  line: number;
  /** An error stops Kong, or opens or breaks the gateway; a warning is probably not what was meant. */
  severity: "error" | "warning";
  /** Short name of the check, for filters in CI. */
  rule: string;
  /** Where in the document, such as `services[llm-upstream].routes[chat].strip_path`. */
  field: string;
  /** What is wrong, and what to do. Never a key. */
  message: string;
}

/** Where something stands, in a YAML text or another one. */
export type Place = Pick<Located, "file" | "line" | "field">;

export function error(at: Place, rule: string, message: string): Finding {
  return { file: at.file, line: at.line, severity: "error", rule, field: at.field, message };
}

export function warning(at: Place, rule: string, message: string): Finding {
  return { ...error(at, rule, message), severity: "warning" };
}

/** `kong.yaml:12: error: services[a].port: is not ... [rule]`, as compilers say it. */
export function findingLine({ file, line, severity, field, message, rule }: Finding): string {
  return `${file}:${line}: ${severity}: ${field === "" ? "" : `${field}: `}${message} [${rule}]`;
}
