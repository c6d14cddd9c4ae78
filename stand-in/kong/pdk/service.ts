// kong.service.*: where a request goes. kong/pdk/service.lua 3.9.

import type { BalancerData } from "../balancer-data";
import type { KongRequest } from "../kong-request";
import { Failure, LuaError, type LuaValue } from "../lua-value";
import {
  accessAndBalancer,
  accessPhase,
  type PdkFunction,
  responsePhases,
  text,
  within,
} from "./pdk-function";

const retargeting = within(accessAndBalancer, {
  set_target(request, host, port) {
    const name = text(host, "host must be a string");
    const balancer = balancerOf(request);
    balancer.port = integer("port", port, 0, 65535);
    balancer.host = name;
    request.upstreamHost = name;
    return undefined;
  },
  set_tls_verify(request, on) {
    if (typeof on !== "boolean") throw new LuaError("argument must be a boolean");
    request.verifiesTls = on;
    return true;
  },
});

const choosing = within(accessPhase, {
  set_upstream(_request, host) {
    const name = text(host, "host must be a string");
    return new Failure(`could not find an Upstream named '${name}'`);
  },
  set_retries(request, retries) {
    balancerOf(request).retries = integer("retries", retries, 0, 32767);
    return undefined;
  },
  set_timeouts(request, connecting, writing, reading) {
    const balancer = balancerOf(request);
    const most = 2147483646;
    balancer.connect_timeout = integer("connect_timeout", connecting, 1, most);
    balancer.write_timeout = integer("write_timeout", writing, 1, most);
    balancer.read_timeout = integer("read_timeout", reading, 1, most);
    return undefined;
  },
});

export const service: Record<string, PdkFunction> = { ...retargeting, ...choosing };

/** kong.service.response.*: what the upstream answered, before plugins changed it. */
export const serviceResponse: Record<string, PdkFunction> = within(responsePhases, {
  get_status: ({ upstreamStatuses }) => upstreamStatuses.at(-1),
  get_headers: ({ upstreamHeaders }) => upstreamHeaders?.toTable() ?? {},
  get_header({ upstreamHeaders }, name) {
    const known = text(name, "name must be a string").replaceAll("_", "-");
    return upstreamHeaders?.get(known);
  },
});

function balancerOf({ balancer }: KongRequest): BalancerData {
  if (balancer) return balancer;
  throw new LuaError("attempt to index field 'balancer_data' (a nil value)");
}

function integer(name: string, value: LuaValue, least: number, most: number): number {
  if (typeof value !== "number" || !Number.isInteger(value)) {
    throw new LuaError(`${name} must be an integer`);
  }
  if (value < least || value > most) {
    throw new LuaError(`${name} must be an integer between ${least} and ${most}: given ${value}`);
  }
  return value;
}
