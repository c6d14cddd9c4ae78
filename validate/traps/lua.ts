// Where a configuration is for a Kong without Lua files: the snippets that pre- and post-function
// carry. All there, each in its phase, of this version, and not hidden by another instance.

import type { SnippetName } from "../../kong/snippets";
import { llmWays, oursOn, type Way } from "../configuration";
import type { Located } from "../located";
import {
  findSnippet,
  inPhase,
  isBySnippets,
  isCurrent,
  nameIn,
  type Place,
  snippetsIn,
} from "../snippets";
import { perRoute, type Trap } from "./trap";

interface Needed extends Place {
  name: SnippetName;
  /** What happens without it. */
  without: string;
}

const needed: Needed[] = [
  {
    name: "gather",
    plugin: "pre-function",
    phase: "access",
    without: "every request is answered with 503",
  },
  {
    name: "carry-out",
    plugin: "post-function",
    phase: "access",
    without: "nothing that is decided is done, and nothing stops a request when the plugins fail",
  },
  {
    name: "present",
    plugin: "post-function",
    phase: "header_filter",
    without: "clients get no headers of ours and errors in Kong's shape, and nothing is cached",
  },
  {
    name: "tap",
    plugin: "post-function",
    phase: "body_filter",
    without: "answers are neither counted nor cached",
  },
  {
    name: "report",
    plugin: "post-function",
    phase: "log",
    without: "answers are neither counted nor cached",
  },
];

const missing = needed.map(
  ({ name, plugin, phase, without }): Trap =>
    (configuration) =>
      perRoute(llmWays(configuration).filter(isBySnippets), "lua-missing", (way) => {
        if (findSnippet(way, name, { plugin, phase })) return undefined;
        const [running, ...hidden] = way.plugins.get(plugin) ?? [];
        const elsewhere = running && snippetsIn(running).find((one) => nameIn(one) === name);
        if (elsewhere) {
          return {
            at: elsewhere,
            what: `${name}.lua does not work here`,
            todo: `it belongs into ${phase}`,
          };
        }
        const isHidden = hidden.some((other) =>
          inPhase(other, phase).some((one) => nameIn(one) === name),
        );
        if (running && isHidden) {
          return {
            at: running.at,
            what: `hides the ${plugin} with our Lua`,
            todo: "Kong runs only the most specific instance, so put the Lua into this one too",
          };
        }
        return {
          at: oursOn(way)[0]!.at,
          what: `${plugin} has no ${name}.lua in ${phase}`,
          todo: `without it ${without}`,
        };
      }),
);

const stale = needed.map(
  ({ name, plugin, phase }): Trap =>
    (configuration) =>
      perRoute(llmWays(configuration).filter(isBySnippets), "lua-stale", (way) => {
        const at = findSnippet(way, name, { plugin, phase });
        if (!at || isCurrent(at, name)) return undefined;
        return {
          at,
          what: `is not the ${name}.lua of this version`,
          todo: "put the new one in its place, as it stands in examples/without-lua-files/kong.yaml",
        };
      }),
);

/** carry-out.lua lets a request pass only when the plugins that it names have decided. */
const unguarded: Trap = (configuration) =>
  perRoute(llmWays(configuration).filter(isBySnippets), "lua-expected", (way) => {
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
  perRoute(llmWays(configuration).filter(isBySnippets), "lua-expected", (way) => {
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

/** Nothing but our Lua files can put masked values back. */
const restoresInVain: Trap = (configuration) =>
  perRoute(llmWays(configuration).filter(isBySnippets), "privacy-without-lua", (way) => {
    for (const { name, config } of oursOn(way)) {
      const isOwn = name === "llm-privacy";
      const options = isOwn ? config : config?.get("privacy");
      const enabled = options?.get("enabled")?.value ?? isOwn;
      const restore = options?.get("restore")?.value ?? true;
      const at = options ?? oursOn(way).find((one) => one.name === name)?.at;
      if (!at || enabled !== true || restore !== true) continue;
      return {
        at,
        what: "puts masked values back, which needs our Lua files in Kong",
        todo: "install them, or set restore to false: until then requests are answered with 503",
      };
    }
    return undefined;
  });

function expectedOn(way: Way): { at: Located; list: string[] } | undefined {
  const at = findSnippet(way, "carry-out", { plugin: "post-function", phase: "access" });
  const list = /^local EXPECTED = \{(.*)\}/m.exec(at?.text ?? "")?.[1];
  if (!at || list === undefined) return undefined;
  return { at, list: [...list.matchAll(/"([^"]+)"/g)].map(([, name]) => name ?? "") };
}

export const luaTraps: Trap[] = [...missing, ...stale, unguarded, expectedInVain, restoresInVain];
