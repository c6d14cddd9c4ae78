// How a configuration means to run our plugins, as its content tells: by drivers (Lua files, of which
// llm-client-key is one), or without Lua files, by the snippets in pre- and post-function.

import { clientKey } from "../kong/client-key";
import { type SnippetName, snippet } from "../kong/snippets";
import { type PluginEntry, runningOn, type Way } from "./configuration";
import type { Located } from "./located";

export const functions = ["pre-function", "post-function"] as const;

/** Where a snippet belongs. */
export interface Place {
  plugin: (typeof functions)[number];
  phase: string;
}

/** llm-client-key is Lua alone, so nobody has it without Lua files. */
export function isByDrivers(way: Way): boolean {
  return runningOn(way, clientKey.name) !== undefined;
}

/** A snippet of ours is somewhere on the way, be it hidden or in the wrong phase. */
export function isBySnippets(way: Way): boolean {
  const entries = functions.flatMap((plugin) => way.plugins.get(plugin) ?? []);
  return !isByDrivers(way) && entries.some((entry) => snippetsIn(entry).length > 0);
}

/** Somebody takes the key from wherever an SDK puts it, and shows it to key-auth as x-api-key. */
export function showsKey(way: Way): boolean {
  const at = findSnippet(way, "gather", { plugin: "pre-function", phase: "access" });
  return isByDrivers(way) || (at !== undefined && isCurrent(at, "gather"));
}

/** The snippet in the instance that runs. */
export function findSnippet(
  way: Way,
  name: SnippetName,
  { plugin, phase }: Place,
): Located | undefined {
  const running = runningOn(way, plugin);
  return running && inPhase(running, phase).find((one) => nameIn(one) === name);
}

export function inPhase({ config }: PluginEntry, phase: string): Located[] {
  return config?.get(phase)?.items() ?? [];
}

/** The snippets of ours in any phase. */
export function snippetsIn({ config }: PluginEntry): Located[] {
  return (config?.members() ?? []).flatMap(([, phase]) => phase.items().filter(nameIn));
}

/** Every snippet of ours opens with its file's name; those of version 0.1 stood in kong/. */
export function nameIn(at: Located): string | undefined {
  return /^\s*-- (?:lua\/snippets|kong)\/([a-z-]+)\.lua/.exec(at.text ?? "")?.[1];
}

export function isOfFirstVersion(at: Located): boolean {
  return /^\s*-- kong\//.test(at.text ?? "");
}

const current = new Map<SnippetName, string>();

/** It is that of this version, for whichever plugins it guards. */
export function isCurrent(at: Located, name: SnippetName): boolean {
  const wanted = current.get(name) ?? code(snippet(name, []));
  current.set(name, wanted);
  return code(at.text ?? "") === wanted;
}

// EXPECTED is what differs between gateways; white space at line ends is YAML's.
function code(text: string): string {
  return text
    .replace(/^local EXPECTED = .*$/m, "")
    .replace(/[ \t]+$/gm, "")
    .trim();
}
