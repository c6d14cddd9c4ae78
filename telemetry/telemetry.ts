// Telemetry as the plugin server starts and stops it. Loads OpenTelemetry's packages only here and now:
// without it neither start nor memory know of them.

import { log } from "../stages/log";
import { showNeighbour } from "../stages/neighbours";
import { listenToEnds } from "./ended";
import type { TelemetrySettings } from "./settings";

export interface Telemetry {
  /** Sends what waits, for a moment at most. */
  stop(): Promise<void>;
}

// A receiver that does not answer must not hold up who stops us.
const farewellMs = 3000;

export async function startTelemetry(settings: TelemetrySettings): Promise<Telemetry> {
  const { openSender } = await import("./sdk.js");
  const { traces, metrics, sampling, warnings } = settings;
  const sender = openSender(settings);
  listenToEnds(sender.tell);
  for (const warning of warnings) log.warn(warning);
  if (warnings.length > 0) {
    const detail = `${warnings.join("; ")}.`;
    showNeighbour("telemetry settings", () => ({ ok: false, detail }));
  }
  log.info({ traces, metrics, sampling }, "telemetry goes to an OTLP receiver");
  return {
    async stop() {
      listenToEnds(undefined);
      let timer: NodeJS.Timeout | undefined;
      const patience = new Promise((resolve) => {
        timer = setTimeout(resolve, farewellMs);
      });
      await Promise.race([sender.stop(), patience]);
      clearTimeout(timer);
    },
  };
}
