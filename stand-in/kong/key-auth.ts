// The key-auth plugin: finds the consumer of a key. Follows kong/plugins/key-auth/handler.lua 3.9;
// keys in bodies (key_in_body) are not looked for.

import type { Consumer, Credential, Entities } from "./config";
import type { KongRequest } from "./kong-request";
import { Exit } from "./lua/run";
import type { LuaValue } from "./lua-value";
import { pdkFunctions } from "./pdk/functions";
import { queryOf } from "./pdk/request";

export interface KeyAuthConfig {
  key_names: string[];
  hide_credentials: boolean;
  anonymous?: string;
  key_in_header: boolean;
  key_in_query: boolean;
  run_on_preflight: boolean;
  realm?: string;
}

type Known = Pick<Entities, "consumers" | "credentials">;
type Refusal = "Duplicate API key found" | "No API key found in request" | "Unauthorized";

/** Sets the request's consumer, or throws Exit with the 401 in place. */
export function authenticate(config: KeyAuthConfig, known: Known, request: KongRequest): void {
  if (!config.run_on_preflight && request.method === "OPTIONS") return;
  if (config.anonymous !== undefined && request.credential) return;
  const found = identify(config, known, request);
  if (typeof found !== "string") {
    setConsumer(request, found.consumer, found.credential);
  } else if (config.anonymous !== undefined) {
    setConsumer(request, anonymousOf(config.anonymous, known), undefined);
  } else {
    refuse(request, found, config.realm);
  }
}

function identify(
  config: KeyAuthConfig,
  { consumers, credentials }: Known,
  request: KongRequest,
): { consumer: Consumer; credential: Credential } | Refusal {
  const key = keyOf(config, request);
  if (Array.isArray(key)) return "Duplicate API key found";
  if (typeof key !== "string" || key === "") return "No API key found in request";
  const credential = credentials.get(key);
  const consumer = credential && consumers.get(credential.consumer.id);
  return consumer ? { consumer, credential } : "Unauthorized";
}

/** The first key found; hides it, and it alone, when the config says so. */
function keyOf(config: KeyAuthConfig, request: KongRequest): LuaValue {
  const headers = request.headers.toTable();
  const query = queryOf(request.args);
  for (const name of config.key_names) {
    let value: LuaValue = config.key_in_header ? headers[name.toLowerCase()] : undefined;
    if (value === undefined && config.key_in_query) value = query[name];
    if (Array.isArray(value)) return value;
    if (typeof value !== "string") continue;
    if (config.hide_credentials) {
      call("kong.service.request.clear_query_arg", request, name);
      call("kong.service.request.clear_header", request, name);
    }
    return value;
  }
  return undefined;
}

function setConsumer(
  request: KongRequest,
  consumer: Consumer | undefined,
  credential: Credential | undefined,
): void {
  request.consumer = consumer;
  request.credential = credential;
  const headers: [string, string | undefined][] = [
    ["X-Consumer-ID", consumer?.id],
    ["X-Consumer-Custom-ID", consumer?.custom_id],
    ["X-Consumer-Username", consumer?.username],
    ["X-Credential-Identifier", credential?.id],
    ["X-Anonymous-Consumer", credential ? undefined : "true"],
  ];
  for (const [name, value] of headers) {
    if (value === undefined) request.headers.remove(name);
    else request.headers.set(name, value);
  }
}

function anonymousOf(name: string, { consumers }: Known): Consumer | undefined {
  return (
    consumers.get(name) ?? [...consumers.values()].find((consumer) => consumer.username === name)
  );
}

function refuse(request: KongRequest, why: Refusal, realm: string | undefined): never {
  const challenge = realm === undefined ? "Key" : `Key realm="${realm}"`;
  call("kong.response.error", request, 401, why, { "WWW-Authenticate": challenge });
  throw new Exit();
}

function call(name: string, request: KongRequest, ...args: LuaValue[]): void {
  pdkFunctions.get(name)?.(request, ...args);
}
