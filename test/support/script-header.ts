// What the header of a Redis script states: which KEYS and which ARGV it takes, some of them once for
// each limit or target i.

/** As in `KEYS[1]`, `KEYS[i]`, `KEYS[n+1]`, `ARGV[4i+2]`; spelt alike in header and body. */
export interface ScriptHeader {
  keys: string[];
  args: string[];
}

const comment = /^\s*--.*$/gm;

/** What the comment at the top names. */
export function statedIn(lua: string): ScriptHeader {
  const lines = lua.split("\n");
  const end = lines.findIndex((line) => !line.startsWith("--"));
  return placesIn(lines.slice(0, end).join("\n"));
}

/** What the code below uses. */
export function usedIn(lua: string): ScriptHeader {
  // A walk over all KEYS is one over KEYS[i].
  return placesIn(lua.replace(comment, "").replace(/ipairs\(KEYS\)/g, "KEYS[i]"));
}

function placesIn(text: string): ScriptHeader {
  const spelt = text.replace(/\[i \+ 1\]/g, "[i+1]").replace(/(\d) \* i( [-+] \d)?/g, "$1i$2");
  const places = (name: string) => {
    const found = spelt.matchAll(new RegExp(`${name}\\[([^\\]]+)\\]`, "g"));
    return [...new Set([...found].map(([, place]) => place!.replaceAll(" ", "")))].sort();
  };
  return { keys: places("KEYS"), args: places("ARGV") };
}

/** What is wrong with a call of that many keys and arguments; undefined where it fits. */
export function faultOf(stated: ScriptHeader, keys: number, args: number): string | undefined {
  const each = (places: string[]) => places.filter((place) => place.includes("i"));
  const once = (places: string[]) => places.filter((place) => /^\d+$/.test(place));
  // A last key beyond those of the limits may be left out.
  const last = stated.keys.some((place) => /^n\+\d$/.test(place)) ? [0, 1] : [0];
  const fits = last.some((more) => {
    const rest = keys - once(stated.keys).length - more;
    const times = each(stated.keys).length > 0 ? rest : 0;
    return rest === times && args === once(stated.args).length + each(stated.args).length * times;
  });
  if (fits) return undefined;
  return `${keys} KEYS and ${args} ARGV; its header states [${stated.keys}] and [${stated.args}]`;
}
