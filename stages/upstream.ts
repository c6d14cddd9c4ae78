// Where a request can go beside the service of its route, and what else may serve it when that fails: as
// the stages tell each other.

import type { KeyOfMany } from "./ticket";

/** A provider's host, for one request. */
export interface Upstream {
  /** Its name in the options. */
  provider: string;
  scheme: "http" | "https";
  host: string;
  port: number;
  /** Of the request, there. */
  path: string;
  /** Whether its certificate is checked. */
  verifies_tls: boolean;
  connect_timeout_ms: number;
  write_timeout_ms: number;
  read_timeout_ms: number;
}

/** What Kong must know of it to send a request there. */
export type Target = Omit<Upstream, "provider" | "path">;

export function targetOf({ provider: _name, path: _path, ...target }: Upstream): Target {
  return target;
}

/** Another way to serve a request: a model, its provider and its key, for a further try. */
export interface OtherTry {
  model: string;
  /** Its name in metrics. */
  label: string;
  /** The model that it stands in for; undefined where it is the same one. */
  fallback_from: string | undefined;
  /** Absent where the service of the route is the only provider. */
  upstream?: Upstream;
  /** The key, and what goes with it: headers of the upstream request by names in lower case. */
  headers: Record<string, string>;
  /** The same model with another key: for a key that was refused. */
  isForKey?: boolean;
  /** Which key it is, where its provider has several, and whether another one was awake. */
  key?: KeyOfMany;
  other_key?: true;
}

/** Whether Kong can go from one to the other within a request: path, scheme and checks stay as they were. */
export function isWithinReach(from: Upstream | undefined, to: Upstream | undefined): boolean {
  const members = ["scheme", "path", "verifies_tls"] as const;
  return members.every((member) => from?.[member] === to?.[member]);
}
