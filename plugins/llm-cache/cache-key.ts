// Which requests are the same request: pure. What changes the answer changes the key, and what one
// tenant was answered has a key that no other tenant's request can have.

import { hash } from "node:crypto";
import type { Consumer } from "../../stages/exchange";
import { canonicalJson } from "./canonical-json";
import type { CacheOptions } from "./schema";

/** Who shares answers: requests of one identity may be answered with each other's entries. */
export type Identity = readonly [scope: "consumer" | "tag" | "shared", ...members: string[]];

/** The identity that a request is cached under; undefined when its scope needs a consumer. */
export function identify(
  consumer: Consumer | undefined,
  { scope, tag_prefix }: Pick<CacheOptions, "scope" | "tag_prefix">,
): Identity | undefined {
  if (scope === "shared") return ["shared"];
  if (!consumer) return undefined;
  if (scope === "consumer") return ["consumer", consumer.id];
  const teams = (consumer.tags ?? []).filter((tag) => tag.startsWith(tag_prefix));
  return teams.length > 0 ? ["tag", ...teams.sort()] : ["consumer", consumer.id];
}

export interface KeyParts {
  identity: Identity;
  /** The Kong service: the same body gets another answer from another upstream. */
  service: string;
  /** The path that the client asked for; it names the endpoint, and with some upstreams the model. */
  path: string;
  /** As the client wrote it: with some upstreams it names a version of the API. */
  query?: string;
  /** Of the API, as headers name them: the version and what is switched on of it. */
  versions?: readonly string[];
  /** The body as it goes upstream, with the resolved model: valid JSON. */
  body: string;
  ignoreFields: readonly string[];
  /** Members that change nothing, at any depth, and what they are. */
  marks?: ReadonlyMap<string, RegExp>;
}

/** The key as 64 hexadecimal digits. The stream member is part of the body, so streams stand apart. */
export function cacheKey(parts: KeyParts): string {
  const { identity, service, path, query, versions = [], body, ignoreFields, marks } = parts;
  const ignored = [...new Set(ignoreFields)].sort();
  // The ignored names are in the key too: an answer stored while a field was ignored must not be
  // found once that field counts.
  const asked: unknown[] = [identity, service, path.replace(/\/$/, ""), ignored];
  if (query) asked.push(query);
  if (versions.length > 0) asked.push(versions);
  return hash("sha256", `${JSON.stringify(asked)}\n${canonicalJson(body, ignored, marks)}`, "hex");
}
