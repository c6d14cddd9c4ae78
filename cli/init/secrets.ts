// The secrets of a gateway that `kong-llm init` writes, and the env file that keeps them.

import { randomBytes } from "node:crypto";
import { newKey } from "../../kong/consumer-key";
import { variableOf } from "../keys-written";
import type { WrittenFile } from "./written-file";

export interface Secrets {
  /** Of the first client app; shown once. */
  clientKey: string;
  upstreamKey: string;
  redisPassword: string;
  postgresPassword: string;
}

/** What the operator puts a value in for. */
export const missing = "CHANGEME";

/** @param upstreamKey of the environment; a stand-in takes any */
export function newSecrets(upstreamKey: string | undefined, isStandIn: boolean): Secrets {
  const password = () => randomBytes(24).toString("hex");
  return {
    clientKey: newKey(),
    upstreamKey: isStandIn ? "stand-in" : upstreamKey || missing,
    redisPassword: password(),
    postgresPassword: password(),
  };
}

/** @param values by variable, each on a line that shells, Compose and systemd read alike */
export function envFile(path: string, about: string, values: Record<string, string>): WrittenFile {
  const lines = Object.entries(values).map(([name, value]) => {
    // Quotes and dollars mean something else to each of them.
    if (/["'$\\`\s#]/.test(value))
      throw new Error(`the value of ${name} has characters of a shell`);
    return `${name}=${value}\n`;
  });
  return { path, text: `# ${about}\n${lines.join("")}`, secret: true };
}

export function clientKeyIn({ clientKey }: Secrets, consumer: string): Record<string, string> {
  return { [variableOf(consumer)]: clientKey };
}

/** A request that takes the key from the env file, so that it stands in no history of commands. */
export function firstRequest(address: string, envPath: string, consumer: string): string {
  const key = `$(sed -n 's/^${variableOf(consumer)}=//p' ${envPath})`;
  const body = '{"model": "gpt-4", "messages": [{"role": "user", "content": "Hello"}]}';
  return [
    `curl -i ${address}/v1/chat/completions -H "x-api-key: ${key}" \\`,
    `  -H 'content-type: application/json' -d '${body}'`,
  ].join("\n");
}
