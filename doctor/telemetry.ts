// Whether telemetry arrives: the plugin server knows what became of its last batches, and which of its
// variables it did not understand.

import { type Examination, seenInReadyz, type Verdict } from "./verdict";

export async function telemetryArrives({ client }: Examination): Promise<Verdict> {
  const neighbours = await client.neighbours();
  if (!neighbours) return seenInReadyz;
  // telemetry/delivery.ts shows each signal that is sent, telemetry/telemetry.ts what is wrong with variables.
  const states = Object.entries(neighbours).filter(([name]) => name.startsWith("telemetry "));
  if (states.length === 0) return { result: "ok", found: "None is to be sent." };
  const ill = states.filter(([, { ok }]) => !ok).map(([, { detail }]) => detail);
  if (ill.length === 0) {
    return { result: "ok", found: states.map(([, { detail }]) => detail).join(" ") };
  }
  return {
    result: "wrong",
    found: ill.join(" "),
    todo: "Mend the OTEL_* variables of the plugin server, or its way to the receiver (docs/observability.md); kong-llm validate reads them in Helm values, Compose files and .env.",
  };
}
