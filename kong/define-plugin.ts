// Makes a Kong plugin out of stages. This is the only place where stages meet Kong: a question comes
// from a Lua driver (rule) or is asked together over Kong's own protocol (access), and what the stages
// say goes back the same way.

import type { z } from "zod";
import { endpointOf } from "../families/endpoint-path";
import { withoutUsageChunk } from "../openai/usage-chunk";
import packageJson from "../package.json";
import type { Needs, Question, Ruling } from "../stages/decision";
import type { Answer, Exchange } from "../stages/exchange";
import { learnFrom } from "../stages/learn";
import type { Mistake } from "../stages/mistake";
import { ticketTries } from "../stages/next-tries";
import { delivery, type Outcome } from "../stages/outcome";
import { expired, notGathered, unauthenticated } from "../stages/refusals";
import { runStages } from "../stages/run";
import type { PreparedStage } from "../stages/stage";
import { readTicket, type Ticket } from "../stages/ticket";
import { awaitOutcome } from "../stages/unheard";
import { inShapeOf } from "./caller-shape";
import { readConfig } from "./config";
import { isOver } from "./consumer-key";
import { decisionOf } from "./decision-of";
import { inTurn } from "./large-bodies";
import { order, type PluginName } from "./order";
import * as pdk from "./pdk";
import { plainRequest } from "./plain-path";
import { type ReadBody, readBody } from "./read-body";
import { type EntityCheck, entityChecks, type KongField, schemaFields } from "./schema-fields";

export interface PluginModule {
  Name: string;
  Version: string;
  Priority: number;
  Schema: Record<string, KongField>[];
  /** What the options must be together: kong-pdk's contract has no word for it. */
  Checks: EntityCheck[];
  Plugin: PluginClass;
}

/** A plugin with one config. */
export interface StagedPlugin {
  /** What Kong is to tell of each request beside what it always tells. */
  readonly needs: Needs;
  readonly secondTries: SecondTries;
  /** What the stages say to a request. Never rejects for what a client sends. */
  rule(question: Question): Promise<Ruling>;
  /** The same over Kong's own protocol. */
  access(kong: pdk.Pdk): Promise<void>;
}

export interface PluginClass {
  new (config: unknown): StagedPlugin;
  /** The zod object of the options, for tools that check configurations. */
  Options: z.ZodType;
  /** The mistakes in options that Options has parsed, for the same tools. */
  mistakesIn(options: unknown): Mistake[];
}

export interface Definition<Config> {
  name: PluginName;
  schema: z.ZodType<Config>;
  /** The mistakes that options can hold though each of them is allowed. */
  traps?(options: Config): Mistake[];
  /** The stages of this plugin in the order they decide. */
  stages(config: Config): PreparedStage[];
  /** Largest body in bytes that is read at all; a longer one is a 413 before it is parsed. */
  mostBodyBytes?(config: Config): number;
  /** Refuse a request that no authentication plugin has given a consumer. */
  requiresConsumer?(config: Config): boolean;
  /** How often, and after what, Kong sends a request again by itself. */
  secondTries?(config: Config): SecondTries;
  /** What of a request is asked of Kong beside what is always told. */
  needs?(config: Config): Needs;
  /** False for a plugin that shares its routes with other plugins of ours. */
  alone?: boolean;
}

export interface SecondTries {
  /** How many further tries a request gets; 0 leaves them to Kong's own settings. */
  most: number;
  /** Also of what was sent and got no answer. */
  unanswered: boolean;
}

const noSecondTries: SecondTries = { most: 0, unanswered: false };

const defaultMostBodyBytes = 10 * 1024 * 1024;

export function definePlugin<Config>(definition: Definition<Config>): PluginModule {
  const { name, schema, alone = false } = definition;

  class Plugin implements StagedPlugin {
    static readonly Options: z.ZodType = schema;
    static readonly mistakesIn = (options: unknown) => definition.traps?.(options as Config) ?? [];
    readonly stages: PreparedStage[];
    readonly mostBodyBytes: number;
    readonly requiresConsumer: boolean;
    readonly secondTries: SecondTries;
    readonly needs: Needs;

    constructor(config: unknown) {
      const parsed = readConfig(schema, config);
      this.stages = definition.stages(parsed);
      this.mostBodyBytes = definition.mostBodyBytes?.(parsed) ?? defaultMostBodyBytes;
      this.requiresConsumer = definition.requiresConsumer?.(parsed) ?? false;
      this.secondTries = definition.secondTries?.(parsed) ?? noSecondTries;
      this.needs = definition.needs?.(parsed) ?? { headers: [], credential: false };
    }

    rule(asked: Question): Promise<Ruling> {
      return inTurn(asked.request.body?.length ?? 0, () => this.ruleNow(asked));
    }

    private async ruleNow(asked: Question): Promise<Ruling> {
      const { request, model } = plainRequest(asked.request);
      const question = { ...asked, request };
      // What an earlier plugin of ours made of that model is in the body already.
      const named = asked.earlier ? undefined : model;
      const read = readBody(question, this.mostBodyBytes, named);
      const { refusal } = read;
      const exchange = openExchange(question, read, this.secondTries);
      // A browser's preflight carries no key, and never goes upstream.
      const isKnown = question.consumer !== undefined || question.request.method === "OPTIONS";
      const unknown = this.requiresConsumer && !isKnown ? unauthenticated : undefined;
      const { credential_expires: end } = request;
      const stale = end !== undefined && isOver(end) ? expired : undefined;
      const answered = await runStages(this.stages, exchange, stale ?? unknown ?? refusal);
      const answer = answered && inShapeOf(question.request, answered);
      if (answer) {
        const { restore } = answer.source === "cache" ? exchange : {};
        const outcome = outcomeOf(exchange, answer);
        return { answer: asAsked(exchange, answer), outcome, ...(restore && { restore }) };
      }
      const { others = [] } = exchange;
      if (others.length > 0) exchange.ticket.tries = ticketTries(others);
      if (delivery.socket !== undefined) awaitOutcome(exchange.ticket);
      const plain = request === asked.request ? undefined : request.upstream_path;
      const { unanswered } = this.secondTries;
      return {
        decision: decisionOf({
          name,
          exchange,
          read,
          earlier: question.earlier,
          plain,
          unanswered,
        }),
      };
    }

    async access(kong: pdk.Pdk): Promise<void> {
      const request = await pdk.gathered(kong);
      if (!request) return pdk.exit(kong, notGathered);
      const consumer = await pdk.consumer(kong);
      const earlier = alone ? undefined : await pdk.earlierDecision(kong);
      await pdk.addNeeds(kong, request, this.needs);
      const ruling = await inTurn(request.long_body ?? 0, async () => {
        await pdk.fetchBody(kong, request);
        return this.ruleNow({ request, consumer, earlier });
      });
      if ("decision" in ruling) return pdk.decide(kong, ruling.decision, request);
      await pdk.exit(kong, ruling.answer);
      await learnFrom(ruling.outcome);
    }
  }

  return {
    Name: name,
    Version: packageJson.version,
    Priority: order[name],
    Schema: schemaFields(schema),
    Checks: entityChecks(schema),
    Plugin,
  };
}

function openExchange(
  { request, consumer, earlier, restores = false, repeats }: Question,
  { body, headers }: ReadBody,
  { most }: SecondTries,
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
    upstreamHeaders: { ...earlier?.headers, ...headers },
    responseHeaders: earlier?.response_headers ?? {},
    ticket,
    keep: earlier?.keep ?? 0,
    withoutUsage: earlier?.without_usage ?? false,
    traced: earlier?.traced ?? false,
    canRestore: restores,
    restore: earlier?.restore,
    ...(repeats && most > 0 && { mostOthers: mayRepeat(request, body) ? most : 0 }),
  };
}

/** Of a form Kong holds no bytes that could be sent again with another model. */
function mayRepeat({ form }: Question["request"], body: ReadBody["body"]): boolean {
  return body !== undefined && form === undefined;
}

/** A stored stream has the chunk that says what it took: the stages read it, the client may not want it. */
function asAsked({ withoutUsage, ticket }: Exchange, answer: Answer): Answer {
  if (!withoutUsage || !ticket.stream || answer.source !== "cache") return answer;
  return { ...answer, body: withoutUsageChunk(Buffer.from(answer.body)).toString() };
}

/** What the stages learn of a request that never went upstream, because one of them answered. */
function outcomeOf(exchange: Exchange, answer: Answer): Outcome {
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
