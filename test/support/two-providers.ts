// A gateway before two providers, each a model server of its own with keys of its own.

import type { ModelServer } from "../../stand-in/model-server";
import { startModelServer } from "../../stand-in/model-server";
import { type Gateway, type GatewayOptions, startGateway } from "./gateway";
import type { KongConfig } from "./kong-config";

/** The model of each, and the keys that they are asked with. */
export const models = { a: "gpt-4.1", b: "deepseek-chat-v3-0324" } as const;
export const keys = { a: "sk-of-a", b: "sk-of-b" } as const;

/** After what Kong asks the next one: all that it can. */
export const everything =
  "error timeout invalid_header http_403 http_404 http_429 http_500 http_502 http_503 http_504 non_idempotent";

export interface TwoProviders {
  gateway: Gateway;
  a: ModelServer;
  b: ModelServer;
  stop(): Promise<void>;
}

/** @param more changes the options of llm-gateway, after the two are in them */
export async function startTwoProviders(
  more: (
    options: Record<string, unknown>,
    kong: KongConfig,
    ports: [number, number],
  ) => void = () => undefined,
  options: GatewayOptions = {},
): Promise<TwoProviders> {
  const [a, b] = await Promise.all([startModelServer(), startModelServer()]);
  const gateway = await startGateway({
    nextUpstream: everything,
    ...options,
    edit(kong) {
      kong.limit({ minute: 1_000_000 });
      const config = kong.plugin("llm-gateway")!.config;
      config.providers = [
        provider("a", a.port, { models: [models.a] }),
        provider("b", b.port, { models: [models.b] }),
      ];
      config.second_tries = { most: 1 };
      Object.assign(kong.options("models"), {
        aliases: [{ name: "gpt-4", target: models.a, fallbacks: [`b/${models.b}`] }],
        // Each test begins with providers that are well: no status lets one cool.
        cooldown: { failures: 100, statuses: [599] },
      });
      more(config, kong, [a.port, b.port]);
    },
  });
  return {
    ...{ gateway, a, b },
    async stop() {
      await gateway.stop();
      await Promise.all([a.close(), b.close()]);
    },
  };
}

export function provider(name: "a" | "b", port: number, more: object = {}): object {
  return { name, url: `http://localhost:${port}`, keys: [{ value: keys[name] }], ...more };
}
