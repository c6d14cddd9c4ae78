// The Lua of ours that pre- and post-function carry: there, in its phase, of this version, and not
// hidden by another instance of the same plugin.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { llmWays, oursOn, type PluginEntry, runningOn, type Way } from "../configuration";
import type { Located } from "../located";
import { perRoute, type Trap } from "./trap";

interface Snippet {
  file: string;
  plugin: "pre-function" | "post-function";
  phase: string;
  /** What happens without it. */
  without: string;
}

const snippets: Snippet[] = [
  {
    file: "gather.lua",
    plugin: "pre-function",
    phase: "access",
    without: "every request is answered with 503",
  },
  {
    file: "carry-out.lua",
    plugin: "post-function",
    phase: "access",
    without: "nothing that is decided is done, and nothing stops a request when the plugins fail",
  },
  {
    file: "present.lua",
    plugin: "post-function",
    phase: "header_filter",
    without: "clients get no headers of ours and errors in Kong's shape",
  },
  {
    file: "tap.lua",
    plugin: "post-function",
    phase: "body_filter",
    without: "answers are neither counted nor cached",
  },
  {
    file: "report.lua",
    plugin: "post-function",
    phase: "log",
    without: "answers are neither counted nor cached",
  },
];

const read = new Map<string, string>();

/** The file of this version, read when it is first asked for: other commands do not need it. */
function textOf(file: string): string {
  const text = read.get(file) ?? readFileSync(join(__dirname, "../../lua", file), "utf8");
  read.set(file, text);
  return text;
}

const traps: Trap[] = snippets.flatMap((snippet) => [missing(snippet), stale(snippet)]);

function missing(snippet: Snippet): Trap {
  const { file, plugin, phase, without } = snippet;
  return (configuration) =>
    perRoute(llmWays(configuration), "lua-missing", (way) => {
      const [running, ...hidden] = way.plugins.get(plugin) ?? [];
      if (running && isIn(running, file, phase)) return undefined;
      const elsewhere = running && phasesWith(running, file)[0];
      if (elsewhere) {
        return {
          at: elsewhere,
          what: `${file} does not work here`,
          todo: `it belongs into ${phase}`,
        };
      }
      if (running && hidden.some((other) => isIn(other, file, phase))) {
        return {
          at: running.at,
          what: `hides the ${plugin} with our Lua`,
          todo: "Kong runs only the most specific instance, so put the Lua into this one too",
        };
      }
      return {
        at: oursOn(way)[0]!.at,
        what: `${plugin} has no ${file} in ${phase}`,
        todo: `without it ${without}`,
      };
    });
}

function stale({ file, plugin, phase }: Snippet): Trap {
  return (configuration) =>
    perRoute(llmWays(configuration), "lua-stale", (way) => {
      const [running] = way.plugins.get(plugin) ?? [];
      const at = running && written(running, phase).find((one) => isNamed(one, file));
      if (!at || sameCode(at.text ?? "", textOf(file))) return undefined;
      return {
        at,
        what: `is not the ${file} of this version`,
        todo: "put the new one in its place, as it stands in kong.yaml",
      };
    });
}

/** carry-out.lua lets a request pass only when the plugins that it names have decided. */
const unguarded: Trap = (configuration) =>
  perRoute(llmWays(configuration), "lua-expected", (way) => {
    const names = expectedOn(way);
    const unnamed = names && oursOn(way).find(({ name }) => !names.list.includes(name));
    if (!unnamed) return undefined;
    return {
      at: unnamed.at,
      what: `EXPECTED of carry-out.lua does not name ${unnamed.name}`,
      todo: "when its server fails, requests pass without it; name it there",
    };
  });

const expectedInVain: Trap = (configuration) =>
  perRoute(llmWays(configuration), "lua-expected", (way) => {
    const names = expectedOn(way);
    const ours = oursOn(way).map(({ name }) => name);
    const absent = names?.list.filter((name) => !ours.includes(name)) ?? [];
    // Where another is not named, the list is simply that of another route.
    const isOther = ours.some((name) => !names?.list.includes(name));
    if (!names || absent.length === 0 || isOther) return undefined;
    return {
      at: names.at,
      what: `EXPECTED of carry-out.lua names ${absent.join(", ")}, which does not run`,
      todo: "every request is answered with 503; take it out",
    };
  });

function expectedOn(way: Way): { at: Located; list: string[] } | undefined {
  const running = runningOn(way, "post-function");
  const at = running && written(running, "access").find((one) => isNamed(one, "carry-out.lua"));
  const list = /^local EXPECTED = \{(.*)\}/m.exec(at?.text ?? "")?.[1];
  if (!at || list === undefined) return undefined;
  return { at, list: [...list.matchAll(/"([^"]+)"/g)].map(([, name]) => name ?? "") };
}

function isIn(entry: PluginEntry, file: string, phase: string): boolean {
  return written(entry, phase).some((one) => isNamed(one, file));
}

function phasesWith({ config }: PluginEntry, file: string): Located[] {
  return (config?.members() ?? []).flatMap(([, phase]) =>
    phase.items().filter((one) => isNamed(one, file)),
  );
}

function written({ config }: PluginEntry, phase: string): Located[] {
  return config?.get(phase)?.items() ?? [];
}

/** Every snippet of ours opens with its file's name. */
function isNamed(snippet: Located, file: string): boolean {
  // Version 0.1 kept these files in kong/.
  const opening = /^\s*-- (?:lua|kong)\/([a-z-]+\.lua)/.exec(snippet.text ?? "");
  return opening?.[1] === file;
}

// EXPECTED is what differs between gateways; white space at line ends is YAML's.
function sameCode(one: string, other: string): boolean {
  const code = (text: string) =>
    text
      .replace(/^local EXPECTED = .*$/m, "")
      .replace(/[ \t]+$/gm, "")
      .trim();
  return code(one) === code(other);
}

export const luaTraps: Trap[] = [...traps, unguarded, expectedInVain];
