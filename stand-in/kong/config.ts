// The entities of a DB-less Kong: services, routes, consumers and credentials as a real one answers
// them to plugins, with its ids and defaults.

import { createHash } from "node:crypto";
import type {
  DeclarativeConfig,
  DeclarativeConsumer,
  DeclarativePlugin,
  DeclarativeRoute,
  DeclarativeService,
} from "../../kong/declarative";
import { DeclarativeError } from "../../kong/declarative-error";
import { bytesOf, deepBytesOf } from "./lua-value";

export const workspaceId = "0dc6f45b-8f8d-40d2-a504-473544ee190b";

interface Stored {
  id: string;
  created_at: number;
  updated_at: number;
  tags?: string[];
}

export interface Service extends Stored {
  ws_id: string;
  name?: string;
  protocol: "http" | "https";
  host: string;
  port: number;
  path?: string;
  retries: number;
  connect_timeout: number;
  write_timeout: number;
  read_timeout: number;
  enabled: boolean;
  tls_verify?: boolean;
}

export interface Route extends Stored {
  ws_id: string;
  name?: string;
  service?: { id: string };
  hosts?: string[];
  paths?: string[];
  methods?: string[];
  headers?: Record<string, string[]>;
  protocols: string[];
  strip_path: boolean;
  preserve_host: boolean;
  regex_priority: number;
  path_handling: "v0" | "v1";
  https_redirect_status_code: number;
  request_buffering: boolean;
  response_buffering: boolean;
}

export interface Consumer extends Stored {
  username?: string;
  custom_id?: string;
}

export interface Credential {
  id: string;
  key: string;
  consumer: { id: string };
  tags?: string[];
  created_at: number;
}

/** Where a plugin applies; nothing set is everywhere. */
export interface Scope {
  route?: string;
  service?: string;
  consumer?: string;
}

export interface ScopedPlugin {
  entry: DeclarativePlugin;
  scope: Scope;
}

export interface Entities {
  routes: { route: Route; service: Service | undefined }[];
  consumers: Map<string, Consumer>;
  /** By the exact bytes of the key. */
  credentials: Map<string, Credential>;
  plugins: ScopedPlugin[];
}

/** @throws DeclarativeError when an entity names another that is not there */
export function entitiesOf(config: DeclarativeConfig, now: number): Entities {
  const entities: Entities = {
    routes: [],
    consumers: new Map(),
    credentials: new Map(),
    plugins: [],
  };
  const known = new Known(Math.floor(now / 1000));
  for (const entry of config.services) addService(entities, known, entry);
  for (const entry of config.routes) {
    const name = typeof entry.service === "object" ? entry.service.name : entry.service;
    addRoute(entities, known, entry, name === undefined ? undefined : known.service(name));
  }
  for (const entry of config.consumers) addConsumer(entities, known, entry);
  for (const entry of config.plugins) addPlugin(entities, entry, known.scopeOf(entry));
  return entities;
}

/** Entities found by id or name, and what all of them carry. */
class Known {
  readonly services = new Map<string, Service>();
  readonly routes = new Map<string, string>();
  readonly consumers = new Map<string, string>();

  constructor(private readonly now: number) {}

  stored(kind: string, id: string | undefined, name: string, tags?: string[] | null): Stored {
    const stored = {
      id: id ?? idOf(kind, name),
      created_at: this.now,
      updated_at: this.now,
    };
    return tags ? { ...stored, tags } : stored;
  }

  service(name: string): Service {
    return find(this.services, "service", name);
  }

  scopeOf(entry: DeclarativePlugin): Scope {
    const { route, service, consumer } = entry;
    return {
      ...(route && { route: find(this.routes, "route", route) }),
      ...(service && { service: this.service(service).id }),
      ...(consumer && { consumer: find(this.consumers, "consumer", consumer) }),
    };
  }
}

function find<Found>(known: Map<string, Found>, kind: string, name: string): Found {
  const found = known.get(name);
  if (found === undefined) throw new DeclarativeError(`there is no ${kind} "${name}"`);
  return found;
}

function addService(entities: Entities, known: Known, entry: DeclarativeService): void {
  const { routes, plugins, url, id, tags, path, tls_verify, ...rest } = entry;
  const target = url === undefined ? { path } : targetOf(url);
  const host = target.host ?? rest.host;
  if (host === undefined) throw new DeclarativeError(`service "${rest.name}" has no host`);
  const service = inBytes<Service>({
    ...known.stored("services", id, rest.name ?? host, tags),
    ...rest,
    ...target,
    // Kong's default, for https too: only the shorthand `url` knows 443.
    port: target.port ?? rest.port ?? 80,
    host,
    ...(tls_verify != null && { tls_verify }),
    ws_id: workspaceId,
  });
  known.services.set(service.id, service);
  if (rest.name) known.services.set(rest.name, service);
  for (const plugin of plugins) addPlugin(entities, plugin, { service: service.id });
  for (const route of routes) addRoute(entities, known, route, service);
}

function targetOf(url: string): Partial<Service> {
  const { protocol, hostname, port, pathname } = new URL(url);
  const scheme = protocol === "https:" ? "https" : "http";
  return {
    protocol: scheme,
    host: hostname,
    port: port === "" ? (scheme === "https" ? 443 : 80) : Number(port),
    ...(pathname !== "/" && { path: pathname }),
  };
}

function addRoute(
  entities: Entities,
  known: Known,
  entry: DeclarativeRoute,
  service: Service | undefined,
): void {
  const { plugins, id, tags, service: _service, ...rest } = entry;
  if (rest.path_handling !== "v0") {
    throw new DeclarativeError(`route "${rest.name}": the stand-in knows only path_handling v0`);
  }
  const name = rest.name ?? `${service?.name}:${entities.routes.length}`;
  const route = inBytes<Route>({
    ...known.stored("routes", id, name, tags),
    ...rest,
    ...(service && { service: { id: service.id } }),
    ws_id: workspaceId,
  });
  entities.routes.push({ route, service });
  known.routes.set(route.id, route.id);
  if (rest.name) known.routes.set(rest.name, route.id);
  for (const plugin of plugins) addPlugin(entities, plugin, { route: route.id });
}

function addConsumer(entities: Entities, known: Known, entry: DeclarativeConsumer): void {
  const { username, custom_id, id, tags, keyauth_credentials, plugins } = entry;
  const name = username ?? custom_id;
  if (name === undefined) {
    throw new DeclarativeError("a consumer needs a username or a custom_id");
  }
  const consumer = inBytes<Consumer>({
    ...known.stored("consumers", id, name, tags),
    ...(username && { username }),
    ...(custom_id && { custom_id }),
  });
  entities.consumers.set(consumer.id, consumer);
  known.consumers.set(consumer.id, consumer.id);
  if (username) known.consumers.set(username, consumer.id);
  for (const { key, id: credentialId, tags: marks } of keyauth_credentials) {
    const bytes = bytesOf(key);
    if (entities.credentials.has(bytes)) {
      throw new DeclarativeError(`consumer "${name}": a key of theirs is another credential's too`);
    }
    entities.credentials.set(bytes, {
      id: credentialId ?? idOf("keyauth_credentials", key),
      ...{ key: bytes, consumer: { id: consumer.id } },
      ...(marks && { tags: marks.map(bytesOf) }),
      created_at: consumer.created_at,
    });
  }
  for (const plugin of plugins) addPlugin(entities, plugin, { consumer: consumer.id });
}

function addPlugin(entities: Entities, entry: DeclarativePlugin, scope: Scope): void {
  if (entry.enabled) entities.plugins.push({ entry, scope });
}

/** Requests, Lua and the socket know strings as bytes, so entities hold them so too. */
function inBytes<Entity>(entity: Entity): Entity {
  return deepBytesOf(entity) as Entity;
}

/** The same name has the same id at every start, as in a DB-less Kong. */
export function idOf(kind: string, name: string): string {
  const hex = createHash("sha1").update(`${kind}:${name}`).digest("hex");
  const variant = ((Number.parseInt(hex[16]!, 16) & 0x3) | 0x8).toString(16);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `5${hex.slice(13, 16)}`,
    variant + hex.slice(17, 20),
    hex.slice(20, 32),
  ].join("-");
}
