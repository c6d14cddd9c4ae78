// JSON log lines on stderr: stdout belongs to what was asked for (dumps, usage lines).

import pino from "pino";

export const log = pino(
  {
    name: "kong-llm",
    level: process.env.KONG_LLM_LOG_LEVEL ?? "info",
    base: undefined,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  },
  pino.destination({ dest: 2, sync: true }),
);
