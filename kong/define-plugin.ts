// Makes a Kong plugin of kong-pdk's contract out of stages. This is the only place where stages meet
// Kong: it fills the exchange, lets each stage decide, and hands the changes to carry-out.lua.

import { Counter } from "prom-client";
import type { z } from "zod";
import { endpointOf, namesModel } from "../openai/endpoint";
import { RequestBody } from "../openai/request-body";
import packageJson from "../package.json";
import type { Answer, Consumer, Exchange, GatheredRequest } from "../stages/exchange";
import { learnFrom } from "../stages/learn";
import { log } from "../stages/log";
import { delivery } from "../stages/outcome";
import type { PreparedStage } from "../stages/stage";
import { stageNames } from "../stages/stage-name";
import { readTicket, type StageEntry, type Ticket, writeTicket } from "../stages/ticket";
import { readConfig } from "./config";
import { order, type PluginName } from "./order";
import * as pdk from "./pdk";
import { badBody, notGathered, stageFailed, tooLarge, unauthenticated } from "./refusals";
import { type KongField, schemaFields } from "./schema-fields";

export interface PluginModule {
  Name: string;
  Version: string;
  Priority: number;
  Schema: Record<string, KongField>[];
  Plugin: PluginClass;
}

interface PluginClass {
  new (config: unknown): { access(kong: pdk.Pdk): Promise<void> };
  /** The zod object of the options, for tools that check configurations. */
  Options: z.ZodType;
}

interface Definition<Config> {
  name: PluginName;
  schema: z.ZodType<Config>;
  /** The stages of this plugin in the order they decide. */
  stages(config: Config): PreparedStage[];
  /** Largest body in bytes that is read at all; a longer one is a 413 before it is parsed. */
  mostBodyBytes?(config: Config): number;
  /** Refuse a request that no authentication plugin has given a consumer. */
  requiresConsumer?(config: Config): boolean;
  /** What of a request is asked of Kong beside what is gathered: each costs a message. */
  needs?(config: Config): Needs;
  /** False for a plugin that shares its routes with other plugins of ours. */
  alone?: boolean;
}

interface Needs {
  header?: string;
  credential?: boolean;
}

const defaultMostBodyBytes = 10 * 1024 * 1024;

const failures = new Counter({
  name: "llm_stage_failures_total",
  help: "Stages that threw while they decided: a guard answered 500, any other was skipped",
  labelNames: ["stage"] as const,
});
// A series that begins with its first failure has not increased, as Prometheus sees it.
for (const stage of stageNames) failures.inc({ stage }, 0);

export function definePlugin<Config>(definition: Definition<Config>): PluginModule {
  const { name, schema, alone = false } = definition;

  class Plugin {
    static readonly Options: z.ZodType = schema;
    readonly stages: PreparedStage[];
    readonly mostBodyBytes: number;
    readonly requiresConsumer: boolean;
    readonly needs: Needs;

    constructor(config: unknown) {
      const parsed = readConfig(schema, config);
      this.stages = definition.stages(parsed);
      this.mostBodyBytes = definition.mostBodyBytes?.(parsed) ?? defaultMostBodyBytes;
      this.requiresConsumer = definition.requiresConsumer?.(parsed) ?? false;
      this.needs = definition.needs?.(parsed) ?? {};
    }

    async access(kong: pdk.Pdk): Promise<void> {
      const request = await pdk.gathered(kong);
      if (!request) return pdk.exit(kong, notGathered);
      const consumer = await pdk.consumer(kong);
      const earlier = alone ? undefined : await pdk.earlierDecision(kong);
      const { header, credential } = this.needs;
      if (header !== undefined) request.header = await pdk.header(kong, header);
      if (credential) request.credential = await pdk.credentialId(kong);

      const { body, refusal } = readBody(request, earlier, this.mostBodyBytes);
      const exchange = openExchange(request, consumer, body, earlier);
      const unknown = this.requiresConsumer && !consumer ? unauthenticated : undefined;
      const answer = await runStages(this.stages, exchange, unknown ?? refusal);
      if (!answer) return pdk.decide(kong, decisionOf(name, exchange, earlier));
      await pdk.exit(kong, answer);
      await learnFrom(outcomeOf(exchange, answer));
    }
  }

  return {
    Name: name,
    Version: packageJson.version,
    Priority: order[name],
    Schema: schemaFields(schema),
    Plugin,
  };
}

/**
 * @param refusal what this adapter refuses by itself. It is answered where the first guard stands,
 *   so that stages before it, which only watch, have seen the request.
 */
async function runStages(
  stages: PreparedStage[],
  exchange: Exchange,
  refusal: Answer | undefined,
): Promise<Answer | undefined> {
  for (const stage of stages) {
    if (refusal && stage.guards) return refusal;
    const entry: StageEntry = { options: stage.options };
    try {
      const decided = await stage.decide(exchange);
      if (decided && "answer" in decided) return decided.answer;
      if (decided?.note !== undefined) entry.note = decided.note;
      exchange.ticket.stages[stage.name] = entry;
    } catch (error) {
      failures.inc({ stage: stage.name });
      const { id, route } = exchange.request;
      log.error({ stage: stage.name, route, request_id: id, err: error }, "stage failed");
      if (stage.guards) return stageFailed;
    }
  }
  return refusal;
}

function readBody(
  request: GatheredRequest,
  earlier: pdk.Decision | undefined,
  mostBytes: number,
): { body?: RequestBody; refusal?: Answer } {
  if (!namesModel(endpointOf(request.method, request.path))) return {};
  const bytes = request.bytes ?? 0;
  if (bytes > mostBytes) return { refusal: tooLarge(bytes, mostBytes) };
  const parsed = earlier?.body
    ? RequestBody.parse(earlier.body)
    : RequestBody.parse(request.body ?? "", request.bytes);
  return "problem" in parsed ? { refusal: badBody(parsed.problem) } : { body: parsed };
}

function openExchange(
  request: GatheredRequest,
  consumer: Consumer | undefined,
  body: RequestBody | undefined,
  earlier: pdk.Decision | undefined,
): Exchange {
  const ticket: Ticket = (earlier && readTicket(earlier.ticket)) ?? {
    id: request.id,
    started_at: Date.now(),
    method: request.method,
    endpoint: endpointOf(request.method, request.path),
    stream: body?.get("stream") === true,
    route: request.route,
    consumer: consumer?.username ?? consumer?.custom_id,
    stages: {},
  };
  return {
    request,
    consumer,
    body,
    upstreamHeaders: earlier?.headers ?? {},
    responseHeaders: earlier?.response_headers ?? {},
    ticket,
    keep: earlier?.keep ?? 0,
  };
}

function decisionOf(
  name: string,
  exchange: Exchange,
  earlier: pdk.Decision | undefined,
): pdk.Decision {
  const body = exchange.body?.changed ? exchange.body.text : earlier?.body;
  return {
    plugins: [...(earlier?.plugins ?? []), name],
    headers: exchange.upstreamHeaders,
    ...(body !== undefined && { body }),
    response_headers: exchange.responseHeaders,
    ticket: writeTicket(exchange.ticket),
    keep: exchange.keep,
    ...(delivery.socket !== undefined && { outcomes_socket: delivery.socket }),
  };
}

/** What the stages learn of a request that never went upstream, because one of them answered. */
function outcomeOf(exchange: Exchange, answer: Answer) {
  const now = Date.now();
  return {
    ticket: exchange.ticket,
    status: answer.status,
    source: answer.source,
    content_type: answer.headers["Content-Type"] ?? "application/json",
    body: Buffer.from(answer.body),
    complete: true,
    truncated: false,
    started_at: exchange.ticket.started_at,
    first_byte_at: now,
    ended_at: now,
  };
}
