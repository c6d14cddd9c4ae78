// The `kong` object that a handler gets: any path of names ending in a call becomes one PDK call, as
// in kong-pdk (kong.client.getConsumer() calls kong.client.get_consumer).

import { callHead } from "./answers";

const lastCalls = new Set(["kong.response.exit", "kong.response.error"]);

/** A method of Kong's plugin development kit, or a part of the way to one. Made once, then shared. */
export class PdkMethod {
  readonly #children = new Map<string, PdkMethod>();
  #head: Buffer | undefined;
  /** Kong leaves the request in these calls and never steps their event again (mp_rpc.lua, 3.9). */
  readonly isLast: boolean;

  constructor(readonly name: string) {
    this.isLast = lastCalls.has(name);
  }

  /** The beginning of every answer that hands this call to Kong. */
  get head(): Buffer {
    this.#head ??= callHead(this.name);
    return this.#head;
  }

  child(name: string): PdkMethod {
    const known = this.#children.get(name);
    if (known) return known;
    const made = new PdkMethod(`${this.name}.${snakeCase(name)}`);
    // Kong has some 200; names that a plugin makes up must not pile up.
    if (this.#children.size < mostChildren) this.#children.set(name, made);
    return made;
  }
}

const mostChildren = 200;
const kong = new PdkMethod("kong");

/** Finds a method by its whole name, "kong.response.exit". */
export function pdkMethod(name: string): PdkMethod {
  const [, ...names] = name.split(".");
  return names.reduce((method, part) => method.child(part), kong);
}

export type PdkCall = (method: PdkMethod, args: unknown[]) => Promise<unknown>;

/** Makes the object; every call on it goes to `call`. */
export function kongObject(call: PdkCall): unknown {
  return new Proxy(callable, new Place(kong, call));
}

// A proxy can be called only when its target can; which method it stands for is in its handler.
const callable = () => undefined;

class Place implements ProxyHandler<typeof callable> {
  constructor(
    readonly method: PdkMethod,
    readonly call: PdkCall,
  ) {}

  get(_target: unknown, name: string | symbol): unknown {
    // A proxy that had `then` would be called when a handler returns or awaits it.
    if (typeof name === "symbol" || name === "then") return undefined;
    return new Proxy(callable, new Place(this.method.child(name), this.call));
  }

  // biome-ignore lint/suspicious/noExplicitAny: as the trap is declared; a caller types what it gets
  apply(_target: unknown, _self: unknown, args: unknown[]): any {
    return this.call(this.method, args);
  }
}

/** getConsumer -> get_consumer, getTls1VersionStr -> get_tls1_version_str. */
export function snakeCase(name: string): string {
  return name.replace(/([a-z0-9])([A-Z])/g, "$1_$2").toLowerCase();
}
