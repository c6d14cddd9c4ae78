// Every PDK function that the stand-in knows, by the name under which plugins call it.

import { randomUUID } from "node:crypto";
import type { LuaTable } from "../lua-value";
import { nginxVariable } from "./nginx-variables";
import { authPhases, type PdkFunction, requestPhases, within } from "./pdk-function";
import { request } from "./request";
import { response } from "./response";
import { serialize } from "./serialize";
import { service, serviceResponse } from "./service";
import { serviceRequest } from "./service-request";

const nodeId = randomUUID();

const client = {
  ...within(requestPhases, {
    get_ip: ({ clientIp }) => clientIp,
    get_forwarded_ip: ({ clientIp }) => clientIp,
    get_port: ({ clientPort }) => clientPort,
    get_forwarded_port: ({ clientPort }) => clientPort,
  }),
  ...within(authPhases, {
    get_consumer: ({ consumer }) => consumer as LuaTable | undefined,
    get_credential: ({ credential }) => credential as LuaTable | undefined,
    get_protocol: ({ scheme }) => scheme,
  }),
};

const node = within([...requestPhases, "balancer"], { get_id: () => nodeId });

const router = within(requestPhases, {
  get_route: ({ route }) => route as LuaTable | undefined,
  get_service: ({ service }) => service as LuaTable | undefined,
});

const nginx = {
  ...within(["access", "header_filter", "body_filter"], {
    get_var: (request, name) => nginxVariable(request, name),
  }),
  ...within(requestPhases, {
    get_subsystem: () => "http",
    req_start_time: ({ startedAt }) => startedAt / 1000,
    get_statistics: () => ({}),
  }),
};

const log = { ...within(["log"], { serialize: (request) => serialize(request) }) };

/** Full name (kong.request.get_method) to function. Logging and kong.ctx are the caller's own. */
export const pdkFunctions: ReadonlyMap<string, PdkFunction> = new Map(
  Object.entries({
    request,
    response,
    client,
    router,
    node,
    nginx,
    log,
    service,
    "service.request": serviceRequest,
    "service.response": serviceResponse,
  }).flatMap(([module, functions]) =>
    Object.entries(functions).map(([name, fn]) => [`kong.${module}.${name}`, fn] as const),
  ),
);
