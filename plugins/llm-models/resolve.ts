// Which model serves a name: a pure question over the configured aliases.

import { modelGlob } from "../../openai/model-glob";
import type { ModelsOptions } from "./schema";

/** The model of the upstream for a requested name; undefined when it is unknown and rejected. */
export type Resolve = (requested: string) => ResolvedModel | undefined;

export interface ResolvedModel {
  served: string;
  /** The served model where it is a configured name, else "other": bounds a metric's label. */
  label: string;
}

export function resolver(options: ModelsOptions): Resolve {
  const aliases = options.aliases.map(({ name, target }) => ({ matches: modelGlob(name), target }));
  const configured = new Set([...options.models, ...options.aliases.map(({ target }) => target)]);
  return (requested) => {
    const served = aliases.find(({ matches }) => matches(requested))?.target ?? requested;
    if (configured.has(served)) return { served, label: served };
    return options.unknown_models === "pass" ? { served, label: "other" } : undefined;
  };
}
