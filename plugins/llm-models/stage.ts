// Which model a request gets, and what it gets that its client left out; and what its end says about
// that model. It guards: a request whose model cannot be told is not sent on.

import { Counter } from "prom-client";
import { z } from "zod";
import { familyOf } from "../../families/endpoint";
import { openedBy } from "../../families/endpoint-path";
import type { Family } from "../../families/family";
import { isModelName, nameInHeader } from "../../models/name";
import type { RequestBody } from "../../openai/request-body";
import { type Answer, type Exchange, refuse } from "../../stages/exchange";
import { log } from "../../stages/log";
import type { Outcome } from "../../stages/outcome";
import type { Decided, Stage } from "../../stages/stage";
import { accessOf, type MayUse } from "./access";
import { chosenRoute, isChosen, labelsOf, settleChoice, withChoices } from "./chosen";
import { firstHealthy, targetName } from "./fallback";
import { badLength, fillIn, takeBack } from "./fill-in";
import { listing, modelNames, modelNotFound, openNames } from "./listing";
import { type NodeCooldowns, openCooldowns } from "./open-cooldowns";
import { refuseUnlessOpened } from "./other-endpoints";
import { tellModels } from "./own-models";
import { candidates, labels, modelsInChains, type Resolve, type Route, resolver } from "./resolve";
import type { ModelsOptions } from "./schema";
import { type TermsOf, terms } from "./terms";
import { failureOf, verdictOf } from "./verdict";

interface Prepared {
  options: ModelsOptions;
  names: string[];
  access: (caller: Exchange["consumer"]) => MayUse;
  resolve: Resolve;
  labelOf: (served: string) => string;
  termsOf: TermsOf;
  cooldowns: NodeCooldowns;
  /** By which glob of other_endpoints a path is open. */
  openedBy: (path: string) => string | undefined;
  /** Models of which it matters whether they fail. */
  watched: Set<string>;
}

/** Which model was asked, when (milliseconds since the epoch), and whether to find out if it is back. */
const sent = z.object({
  service: z.string(),
  model: z.string(),
  sent_at: z.number(),
  probing: z.boolean(),
});
type Sent = z.infer<typeof sent>;

const fallbacks = new Counter({
  name: "llm_model_fallbacks_total",
  help: "Requests that a fallback got because the model before it was cooling down",
  labelNames: ["from", "to"] as const,
});

export const stage: Stage<ModelsOptions, Prepared, typeof sent> = {
  name: "models",
  note: sent,
  guards: true,
  prepare: (options) => ({
    options,
    names: modelNames(options),
    access: accessOf(options.access),
    resolve: resolver(options),
    labelOf: labels(options),
    termsOf: terms(options),
    cooldowns: openCooldowns(options),
    openedBy: openedBy(options.other_endpoints),
    watched: modelsInChains(options),
  }),
  decide,
  permits: (exchange, model, { access }) =>
    access(exchange.consumer)(exchange.ticket.model?.requested ?? model, model),
  adapt,
  tell: tellModels,
  learn,
};

async function decide(exchange: Exchange, prepared: Prepared): Promise<Decided<Sent>> {
  const { names, access, resolve, options, cooldowns } = prepared;
  const { body, consumer, request, ticket } = exchange;
  const mayUse = access(consumer);
  if (ticket.endpoint === "models") {
    const all = withChoices(ticket, names, resolve);
    return { answer: listing(openNames(all.names, all.resolve, mayUse), request) };
  }
  // A caller's own use is told by llm-usage, where there is one.
  if (ticket.endpoint === "other" || ticket.endpoint === "usage") {
    const answer = refuseUnlessOpened(exchange, prepared.openedBy);
    return answer && { answer };
  }
  if (!body) return undefined;
  const family = familyOf(ticket.endpoint);
  const unnamed = family.standsForModel(ticket.endpoint, body.value);
  if (unnamed !== undefined) return serveUnnamed(exchange, body, unnamed, prepared);
  const chosen = chosenRoute(exchange, mayUse, resolve);
  const requested = chosen?.requested ?? body.get("model");
  if (!isModelName(requested)) return { answer: badModel(requested) };
  const route = chosen ? chosen.route : resolve(requested);
  const models = route ? candidates(route, requested, mayUse, callerOf(exchange)) : [];
  if (!route || models.length === 0) return { answer: modelNotFound(requested) };
  const beside = modelBeside(family, body, prepared, mayUse);
  if (beside) return { answer: beside };
  const length = badLength(ticket.endpoint, body);
  if (length) return { answer: badMember(length, notTokens) };

  const service = request.service ?? "";
  const choice = await firstHealthy(cooldowns, service, models, options.cooldown.seconds * 1000);
  settleChoice(exchange, choice.model, cooldowns, service);
  serve(
    exchange,
    body,
    { requested, route, preferred: models[0]!, served: choice.model },
    prepared,
  );
  if (!prepared.watched.has(choice.model) && !isChosen(ticket, choice.model)) return undefined;
  return { note: { service, model: choice.model, sent_at: Date.now(), probing: choice.probing } };
}

async function learn(
  outcome: Outcome,
  note: Sent | undefined,
  { options: { cooldown }, cooldowns, watched }: Prepared,
): Promise<void> {
  if (!note || !(watched.has(note.model) || isChosen(outcome.ticket, note.model))) return;
  const { sent_at, probing } = note;
  const target = targetName(note.service, note.model);
  // A later stage may have sent the request to another model: its end says nothing about ours.
  const isOurs = outcome.ticket.model?.served === note.model;
  const verdict = isOurs ? verdictOf(outcome, cooldown) : "nothing";
  if (verdict === "failed") {
    const failure = failureOf(outcome, sent_at, cooldown);
    const tolerance = { failures: cooldown.failures, windowMs: cooldown.window_seconds * 1000 };
    const cools = await cooldowns.fail(target, failure, tolerance);
    if (cools) log.warn(facts(note, outcome, failure.coolMs), "model cools down");
  } else if (verdict === "served" && (probing || cooldowns.healthOf(target) !== "healthy")) {
    const back = await cooldowns.succeed(target, sent_at, outcome.ended_at);
    if (back) log.info(facts(note, outcome), "model is back");
  } else if (probing) {
    await cooldowns.releaseProbe(target);
  }
}

interface Serving {
  requested: string;
  route: Route;
  /** The model that would serve if it were well. */
  preferred: string;
  served: string;
}

function serve(exchange: Exchange, body: RequestBody, serving: Serving, prepared: Prepared): void {
  const { requested, route, preferred, served } = serving;
  const { termsOf, options } = prepared;
  const labelOf = labelsOf(exchange.ticket, prepared.labelOf);
  const left = served === preferred ? undefined : preferred;
  exchange.ticket.model = { requested, served, label: labelOf(served), fallback_from: left };
  exchange.responseHeaders["X-LLM-Model"] = nameInHeader(served);
  if (left !== undefined) {
    exchange.responseHeaders["X-LLM-Fallback"] = nameInHeader(left);
    fallbacks.inc({ from: labelOf(left), to: labelOf(served) });
  }
  if (served !== requested) body.set("model", served);
  fillIn(exchange, body, termsOf(served, route.defaults), served !== requested);
  complete(exchange, body, options);
}

/** What the upstream is asked for whichever model serves: its API's headers, the usage of a stream. */
function complete(exchange: Exchange, body: RequestBody, { stream_usage }: ModelsOptions): void {
  const { ticket, request, upstreamHeaders } = exchange;
  const family = familyOf(ticket.endpoint);
  Object.assign(upstreamHeaders, family.missingHeaders(request.anthropic_version));
  if (!stream_usage || !ticket.stream) return;
  if (family.askForUsage(ticket.endpoint, body)) exchange.withoutUsage = true;
}

/** Why a request must not pass for the models that the upstream may call beside the one it names. */
function modelBeside(
  family: Family,
  body: RequestBody,
  { options, resolve }: Prepared,
  mayUse: MayUse,
): Answer | undefined {
  const closed = family
    .modelsBeside(body.value)
    .find((model) => !resolve(model) || !mayUse(model, model));
  if (closed !== undefined) return modelNotFound(closed);
  const member = family.opensModels(body.value);
  const isOpen = options.access.length === 0 && options.unknown_models === "pass";
  return member === undefined || isOpen ? undefined : badMember(member, leftOpen);
}

/**
 * A request whose model is known upstream only. It passes where any model does, and keeps its own
 * settings but for the limit of its length.
 */
function serveUnnamed(
  exchange: Exchange,
  body: RequestBody,
  unnamed: string,
  { options, termsOf }: Prepared,
): { answer: Answer } | undefined {
  if (options.access.length > 0 || options.unknown_models === "reject") {
    return { answer: badModel(undefined, unnamed) };
  }
  const length = badLength(exchange.ticket.endpoint, body);
  if (length) return { answer: badMember(length, notTokens) };
  const terms = { ...termsOf("", {}), temperature: undefined, maxTokens: undefined };
  fillIn(exchange, body, terms, false);
  complete(exchange, body, options);
  return undefined;
}

/** Takes back what was filled in for the model that was left, and fills in what the other one gets. */
function adapt(exchange: Exchange, model: string, { resolve, termsOf }: Prepared): void {
  const { body, ticket } = exchange;
  const requested = ticket.model?.requested;
  if (!body || requested === undefined) return;
  takeBack(ticket.endpoint, body);
  delete exchange.responseHeaders["X-LLM-Max-Tokens"];
  fillIn(exchange, body, termsOf(model, resolve(requested)?.defaults ?? {}), model !== requested);
}

/** Who always gets the same target of a canary: a name that is the same on every node. */
function callerOf({ consumer, request }: Exchange): string {
  return consumer?.username ?? consumer?.custom_id ?? consumer?.id ?? request.client_ip;
}

function facts({ service, model }: Sent, { status }: Outcome, cooldown_ms?: number) {
  return { stage: "models", service, model, status, cooldown_ms };
}

const leftOpen =
  "lets the upstream choose a model, and not all are open to you: name the models that it may use.";
const notTokens = "is not a number of tokens: give a whole number, or leave it out.";

function badModel(value: unknown, unnamed?: string): Answer {
  const problem = value === undefined ? "is missing" : "is not a model's name";
  const reason = unnamed === undefined ? "" : `, and nobody here can tell what ${unnamed} is`;
  const todo = "give the name of a model as a string; GET /v1/models lists them.";
  return badMember("model", `${problem}${reason}: ${todo}`);
}

/** The body names no model, or bounds its answer by what is no number. */
function badMember(param: string, problem: string): Answer {
  const message = `The member "${param}" ${problem}`;
  return refuse(400, { message, type: "invalid_request_error", param, code: null });
}
