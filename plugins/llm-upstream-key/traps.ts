// Mistakes in the options of llm-upstream-key: a key where everybody can read it, a header that is not used,
// rests that nobody can share.

import { error, type Mistake, redisMissing, warning } from "../../stages/mistake";
import type { AccountOptions } from "./account-options";
import type { UpstreamKeyOptions } from "./schema";

export function traps(all: UpstreamKeyOptions): Mistake[] {
  const { providers, ...options } = all;
  const ofProviders = providers.flatMap((provider, index) =>
    [...accountTraps(provider), ...keyless(provider)].map((one) => ({
      ...one,
      path: ["providers", index, ...one.path],
    })),
  );
  return [
    ...accountTraps(options),
    ...noKeys(all),
    ...ofProviders,
    ...redisMissing(options),
    ...nothingShared(all),
  ];
}

function accountTraps(options: AccountOptions): Mistake[] {
  return [
    ...literalKeys(options),
    ...unusedHeader(options),
    ...gluedPrefix(options),
    ...options.keys.flatMap((_, index) => keyTraps(options.keys, index)),
  ];
}

/** Where no provider serves either, each request is answered with 503. */
function noKeys({ keys, auth, providers }: UpstreamKeyOptions): Mistake[] {
  if (keys.length > 0 || auth === "none" || providers.length > 0) return [];
  const message = "has no keys: give it some, or auth: none where the upstream asks for none";
  return [error([], "no-upstream-key", message)];
}

function keyTraps(keys: AccountOptions["keys"], index: number): Mistake[] {
  const { value, file } = keys[index]!;
  const path = ["keys", index];
  if (value === "" && file === "") {
    return [error(path, "no-upstream-key", "names no key: set value or file")];
  }
  if (value !== "" && file !== "") {
    return [warning([...path, "file"], "unused-file", "is not read where value is set: keep one")];
  }
  const earlier = keys.slice(0, index).some((one) => one.value === value && one.file === file);
  if (!earlier) return [];
  const message = "is the key of an entry before: both rest together; give that one a weight";
  return [warning([...path, value === "" ? "file" : "value"], "key-twice", message)];
}

/** "BearerKEY" is no scheme that a server knows. */
function gluedPrefix({ prefix }: AccountOptions): Mistake[] {
  if (!/^(?:bearer|basic|token|apikey)$/i.test(prefix)) return [];
  return [
    error(["prefix"], "glued-prefix", `needs a space at its end, before the key: "${prefix} "`),
  ];
}

/** Each request to it is answered with 503. */
function keyless({ keys, auth, name }: UpstreamKeyOptions["providers"][number]): Mistake[] {
  if (keys.length > 0 || auth === "none") return [];
  const message = `"${name}" has no keys: give it some, or auth: none where it asks for none`;
  return [error(["name"], "provider-without-keys", message)];
}

function literalKeys({ keys }: AccountOptions): Mistake[] {
  const message =
    "is a key in clear text: write {vault://env/holysheep-api-key}, or put it into a file";
  return keys.flatMap(({ value }, index) =>
    value === "" || isReference(value)
      ? []
      : [error(["keys", index, "value"], "literal-key", message)],
  );
}

/** A key that is the only one is chosen whether it rests or not. */
function nothingShared({ policy, keys, providers }: UpstreamKeyOptions): Mistake[] {
  const haveSeveral = [{ keys }, ...providers].some((one) => one.keys.length > 1);
  if (policy !== "redis" || haveSeveral) return [];
  const message = "shares nothing: no provider has a second key that could serve while one rests";
  return [warning(["policy"], "nothing-shared", message)];
}

function unusedHeader({ auth, header }: AccountOptions): Mistake[] {
  if (auth === "header" || header.toLowerCase() === "authorization") return [];
  const why = auth === "family" ? ", which sends the key as each API has it" : "";
  const message = `is not used with auth: ${auth}${why}`;
  return [error(["header"], "unused-header", message)];
}

/** Well formed or not: a reference that Kong will not know is no key that leaks. */
function isReference(text: string): boolean {
  return /^\{?\s*vault:/.test(text);
}
