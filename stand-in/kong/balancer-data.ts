// Where a request goes, and where it has been tried: ngx.ctx.balancer_data of Kong 3.9, which the
// PDK and Lua code change (kong/runloop/handler.lua, balancer_prepare).

import { isIP } from "node:net";
import type { Service } from "./config";
import type { LuaTable, LuaValue } from "./lua-value";

/** One try, as kong.log.serialize shows it. */
export interface Try {
  ip: string;
  port: number;
  /** Milliseconds since the epoch. */
  balancer_start: number;
  /** Of a try after which another was made: "next" after 403 and 404, "failed" after all else. */
  state?: "failed" | "next";
  /** The status of such a try; 502 or 504 where there was none. */
  code?: number;
}

export class BalancerData {
  /** "name", "ipv4" or "ipv6": Kong asks the retry callback only for a name. */
  type: string;
  host: string;
  port: number;
  retries: number;
  /** Milliseconds. */
  connect_timeout: number;
  write_timeout: number;
  read_timeout: number;
  readonly tries: Try[] = [];
  private readonly others = new Map<LuaValue, LuaValue>();

  constructor(service: Service) {
    this.host = service.host;
    this.port = service.port;
    const version = isIP(service.host.replace(/^\[|\]$/g, ""));
    this.type = version === 0 ? "name" : `ipv${version}`;
    this.retries = service.retries;
    this.connect_timeout = service.connect_timeout;
    this.write_timeout = service.write_timeout;
    this.read_timeout = service.read_timeout;
  }

  get(name: LuaValue): LuaValue {
    if (name === "tries") return this.tries.map((one) => ({ ...one }) as LuaTable);
    if (name === "try_count") return this.tries.length;
    return isField(name) ? this[name] : this.others.get(name);
  }

  set(name: LuaValue, value: LuaValue): void {
    if (!isField(name)) this.others.set(name, value);
    else if (typeof value === typeof this[name]) Object.assign(this, { [name]: value });
  }
}

type Field = (typeof fields)[number];

const fields = [
  "type",
  "host",
  "port",
  "retries",
  "connect_timeout",
  "write_timeout",
  "read_timeout",
] as const;

function isField(name: LuaValue): name is Field {
  return fields.includes(name as Field);
}
