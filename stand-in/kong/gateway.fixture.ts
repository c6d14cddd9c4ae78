// A gateway for tests: the stand-in in front of a server of the test's own.

import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { log } from "../../stages/log";
import { type StandIn, type StandInOptions, startStandIn } from "./gateway";

export interface TestGateway extends StandIn {
  upstreamPort: number;
  stopAll(): Promise<void>;
}

interface Given extends Partial<StandInOptions> {
  upstream?: RequestListener;
  service?: object;
  route?: object;
  plugins?: object[];
  consumers?: object[];
}

// Tests provoke failures on purpose.
log.level = "silent";

/** One service with one route for everything, and the plugins on the service. */
export async function gatewayWith(given: Given = {}): Promise<TestGateway> {
  const { upstream, service, route, plugins = [], consumers = [], ...options } = given;
  const server = createServer(upstream ?? ((_, response) => response.end("from upstream")));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port: upstreamPort } = server.address() as AddressInfo;
  const config = JSON.stringify({
    _format_version: "3.0",
    services: [
      {
        name: "upstream",
        ...{ host: "127.0.0.1", port: upstreamPort },
        routes: [{ name: "all", paths: ["/api"], strip_path: false, ...route }],
        plugins,
        ...service,
      },
    ],
    consumers,
  });
  const defaults = { config, dumps: [], socket: "/nowhere", environment: {}, port: 0 };
  const standIn = await startStandIn({ ...defaults, ...options });
  return {
    ...standIn,
    upstreamPort,
    async stopAll() {
      await standIn.stop();
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** A post-function with one snippet for a phase. */
export function snippet(phase: string, lua: string, name = "post-function") {
  return { name, config: { [phase]: [lua] } };
}
