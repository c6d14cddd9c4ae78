// A regular expression of an option as the Lua pattern that Kong matches its text with when a config is
// synced (`match` of kong/db/schema/init.lua, 3.9).

const coded = String.raw`\\x[0-9a-f]{2}`;
const run = String.raw`\[((?:[^\\\]%]|${coded})+)\](\+|\*|\{[01],\d+\})?`;
const runs = new RegExp(`^\\^(?:${run})+\\$$`);

/**
 * Takes all that the regular expression takes, and more only where that bounds how often a class comes.
 * Lua has words for classes one behind the other, and none for groups: undefined for what has any.
 */
export function luaPattern(source: string): string | undefined {
  if (!runs.test(source)) return undefined;
  return source.replaceAll(new RegExp(run, "g"), (_, members: string, times = "") => {
    const plain = members.replaceAll(new RegExp(coded, "g"), (code) =>
      String.fromCharCode(Number.parseInt(code.slice(2), 16)),
    );
    return `[${plain}]${times.startsWith("{") ? (times[1] === "0" ? "*" : "+") : times}`;
  });
}
