// Which endpoint a path is, as strictly as any server behind us may read it: what one of them could
// fold into an endpoint (escapes, parameters, capitals, doubled slashes) is that endpoint or nothing.

import { modelGlob } from "../models/glob";
import { rowOf } from "./endpoint";
import type { EndpointRow } from "./family";

type Found = EndpointRow | "other" | "misspelt";

// Nearly all requests are for the same few paths, and each is asked about several times.
const known = new Map<string, Found>();
const mostKnown = 1000;
const mostKnownChars = 200;

/**
 * The endpoint at a path as the client spelt it, below any prefix of plain segments (/v1,
 * /openai/v1). `other`: well spelt, and not in the table. `misspelt`: some server could take it for
 * what it does not say; it must not go upstream.
 * @param path without the query
 */
export function endpointAt(method: string, path: string): Found {
  const key = `${method} ${path}`;
  const before = known.get(key);
  if (before !== undefined) return before;
  const found = find(method, path);
  if (known.size >= mostKnown) known.clear();
  if (path.length <= mostKnownChars) known.set(key, found);
  return found;
}

function find(method: string, path: string): Found {
  if (method === "GET" && modelIdIn(path) !== undefined) return rowOf("models")!;
  const segments = plainSegments(path);
  if (!segments || couldBeFolded(segments)) return "misspelt";
  const row = rowAtEnd(segments);
  if (row?.method === "POST" && isDoubled(segments, row)) return "misspelt";
  if (row?.method === method) return row;
  // What is stored of an endpoint's answers is listed and deleted at its path: that is another
  // thing. No other method is known there, and some servers ignore the method.
  const isStored = ["GET", "HEAD", "DELETE", "OPTIONS"].includes(method);
  return row?.method === "POST" && !isStored ? "misspelt" : "other";
}

/** As above in one word, for who cannot refuse: what is misspelt is told from no other. */
export function endpointOf(method: string, path: string): string {
  const found = endpointAt(method, path);
  return typeof found === "string" ? "other" : found.name;
}

/**
 * The model that a path names in place of its body, and the plain path: Azure's SDK asks
 * /openai/deployments/NAME/chat/completions, older ones /engines/NAME/completions. A path without a
 * version gets the first. Undefined for any other path.
 */
export function deploymentAt(path: string): { model: string; path: string } | undefined {
  if (!/\/(?:deployments|engines)\//.test(path)) return undefined;
  const found = /^(.*?)(?:\/openai)?\/(?:deployments|engines)\/([^/]+)(\/.+)$/.exec(path);
  if (!found) return undefined;
  const [, prefix = "", name = "", rest = ""] = found;
  const model = decodedName(name);
  const plain = `${prefix || "/v1"}${rest}`;
  const isPlain =
    rowOf(rest.slice(1)) !== undefined && typeof endpointAt("POST", plain) === "object";
  return model !== undefined && isPlain ? { model, path: plain } : undefined;
}

/**
 * The plain path of what Azure's SDK asks without a deployment and without a version, as in
 * /openai/responses; undefined for any other: behind a version (/openai/v1, /v1beta/openai) it is an
 * upstream's own.
 */
export function unversionedAt(path: string): string | undefined {
  const found = /^\/openai\/(.+)$/.exec(path);
  return found && rowOf(found[1]!) ? `/v1/${found[1]}` : undefined;
}

/** The name behind /models/, decoded; "" for the list; undefined for a path that is neither. */
export function modelIdIn(path: string): string | undefined {
  const found = /^(.*?)\/models(?:\/(.+))?$/.exec(path);
  if (!found || (found[1] !== "" && !plainSegments(found[1]!))) return undefined;
  return found[2] === undefined ? "" : decodedName(found[2]);
}

/**
 * Tells by which glob of `other_endpoints` a path is open: that is its label, too. A glob matches
 * what stands behind the first version segment (/v1, /v1beta/openai), or all of a path that has none.
 * Sessions of realtime are never open: nobody could read what passes in them.
 */
export function openedBy(globs: readonly string[]): (path: string) => string | undefined {
  const compiled = globs.map((glob) => ({ glob, matches: modelGlob(glob) }));
  return (path) => {
    const name = otherNameOf(path);
    if (name === undefined || /^realtime(?:\/|$)/i.test(name)) return undefined;
    return compiled.find(({ matches }) => matches(name))?.glob;
  };
}

function otherNameOf(path: string): string | undefined {
  const segments = plainSegments(path);
  if (!segments || couldBeFolded(segments)) return undefined;
  const at = segments.findIndex((segment) => version.test(segment));
  const behind = segments.slice(at + 1);
  if (at >= 0 && behind[0] === "openai") behind.shift();
  return behind.join("/");
}

const version = /^v\d+[a-z]*\d*$/;

// Nothing here that any server decodes, cuts off or folds; a dot at the end is one that Windows drops.
const plain = /^(?!\.)[A-Za-z0-9._~:@-]*[A-Za-z0-9_~:@-]$/;

/** The segments of a path that are spelt plainly and joined by single slashes; else undefined. */
function plainSegments(path: string): string[] | undefined {
  const [first, ...segments] = path.split("/");
  const isPlain = first === "" && segments.length > 0 && segments.every((one) => plain.test(one));
  return isPlain ? segments : undefined;
}

function rowAtEnd(segments: readonly string[]): EndpointRow | undefined {
  return rowBehind(segments, 2) ?? rowBehind(segments, 1);
}

/** The row whose name the last segments are; the version may be in the path of the service. */
function rowBehind(segments: readonly string[], count: number): EndpointRow | undefined {
  const row = rowOf(segments.slice(-count).join("/"));
  const before = segments.at(-count - 1);
  const isMeant = !row?.behindVersion || before === undefined || version.test(before);
  return isMeant ? row : undefined;
}

// Express ignores case; Rails cuts a format off, as in completions.json.
function couldBeFolded(segments: readonly string[]): boolean {
  const folded = segments.map((segment) => segment.toLowerCase());
  if (folded.some((one, at) => one === "models" && segments[at] !== one)) return true;
  const last = folded.length - 1;
  const row = rowAtEnd(folded.with(last, folded[last]!.replace(/\..*$/, "")));
  if (row?.method !== "POST") return false;
  return row !== rowAtEnd(segments) || namesModelBefore(folded, row);
}

// A base_url that ends in /v1/chat/completions, or in the /v1 that an SDK adds by itself.
function isDoubled(segments: readonly string[], { name }: EndpointRow): boolean {
  const before = segments.slice(0, -name.split("/").length);
  if (version.test(before.at(-1) ?? "")) before.pop();
  return version.test(before.at(-1) ?? "") || rowAtEnd(before)?.method === "POST";
}

const carriers = ["deployments", "engines", "models"];

/** A path that names a model before its endpoint may say another one than its body. */
function namesModelBefore(folded: readonly string[], { name }: EndpointRow): boolean {
  const before = folded.slice(0, -name.split("/").length);
  return before.some((segment) => carriers.includes(segment));
}

/** A name in a path, decoded once: undefined where it is no name, or spells another path. */
function decodedName(spelt: string): string | undefined {
  let name: string;
  try {
    name = decodeURIComponent(spelt);
  } catch {
    return undefined;
  }
  const isName = /^[^\p{Cc}\\;#?]{1,200}$/u.test(name) && !name.includes("%");
  const isWalk = name.split("/").some((part) => part === "" || /^\.+$/.test(part));
  return isName && !isWalk ? name : undefined;
}
