// The configuration under test: one that people use, on the address of the stand-in model server,
// with what a test changes.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { renderDeclarative } from "../../kong/declarative";
import type { StageName } from "../../stages/stage-name";
import { redisPatience } from "./redis";

const root = join(__dirname, "../..");

interface Plugin {
  name: string;
  config: Record<string, unknown>;
}

interface Service {
  name: string;
  plugins: Plugin[];
  [field: string]: unknown;
}

interface Consumer {
  username: string;
  keyauth_credentials: { key: string }[];
  [field: string]: unknown;
}

/** The parsed configuration; all of it may be changed. */
export class KongConfig {
  readonly whole: { services: Service[]; consumers: Consumer[]; [field: string]: unknown };

  /** @param file of this repository, with DECK_ variables */
  constructor(file: string, environment: Record<string, string>) {
    const text = readFileSync(join(root, file), "utf8");
    this.whole = parse(renderDeclarative(text, environment));
  }

  /** The first instance of a plugin, wherever it applies. */
  plugin(name: string): Plugin | undefined {
    return this.whole.services.flatMap(({ plugins }) => plugins).find((one) => one.name === name);
  }

  /** The options of a stage: in llm-gateway's record, or in the plugin of its own. */
  options(stage: StageName) {
    const together = this.plugin("llm-gateway");
    if (together) {
      together.config[stage] ??= {};
      return together.config[stage] as Record<string, unknown>;
    }
    const alone = this.plugin(`llm-${stage.replace("_", "-")}`);
    if (!alone) throw new Error(`this configuration has no stage ${stage}`);
    alone.config ??= {};
    return alone.config;
  }

  /** Sets the request limits, and no others. */
  limit(requests: Record<string, number>): void {
    this.options("rate_limit").requests = requests;
  }

  /** Lets limits and cache wait for their Redis as long as a busy machine needs. */
  waitForRedis(): void {
    for (const stage of ["rate_limit", "cache"] as const) {
      const options = this.options(stage);
      options.redis = { ...(options.redis as object), ...redisPatience };
    }
  }

  /** Adds a consumer with one credential. */
  addConsumer(username: string, key: string, more: Record<string, unknown> = {}): void {
    this.whole.consumers.push({ username, keyauth_credentials: [{ key }], ...more });
  }

  /** Sends everything to this port of 127.0.0.1. */
  sendTo(port: number): void {
    for (const service of this.whole.services) {
      Object.assign(service, { protocol: "http", host: "127.0.0.1", port });
    }
  }

  /** As a DB-less Kong loads it. */
  text(): string {
    return stringify(this.whole);
  }
}
