// The configs of our plugins in a file of an operator's, wherever they stand in it: kong.yaml, objects of
// Kubernetes, several documents.

import { z } from "zod";
import { faultIn, parse11, valueIn } from "../kong/yaml-1-1";

export interface FoundConfig {
  plugin: string;
  config: object;
}

/**
 * Each plugin that has a config, those that stand outside first.
 * @throws Error where the file is no YAML
 */
export function* pluginConfigs(text: string, file: string): Generator<FoundConfig> {
  const left = parse11(text).map((document): unknown => {
    const fault = faultIn(document);
    if (fault) throw new Error(`${file} is no YAML: ${fault.reason}`);
    return valueIn(document);
  });
  while (left.length > 0) {
    const value = left.shift();
    if (Array.isArray(value)) left.push(...value);
    if (typeof value !== "object" || value === null || Array.isArray(value)) continue;
    const { name, plugin = name, config } = value as Record<string, unknown>;
    // A route of Kong may be called as a plugin is.
    const isConfig = typeof config === "object" && config !== null;
    if (typeof plugin === "string" && isConfig) yield { plugin, config };
    left.push(...Object.values(value));
  }
}

/** What `read` makes of a config; what it refuses is told by option. @throws Error */
export function optionsOf<Options>(
  { plugin }: FoundConfig,
  file: string,
  read: () => Options,
): Options {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof z.ZodError)) throw error;
    const wrong = error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
    throw new Error([`${plugin} in ${file} is not as it must be:`, ...wrong].join("\n  "));
  }
}
