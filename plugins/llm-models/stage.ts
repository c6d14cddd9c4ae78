// Which model a request gets, and what it gets that its client left out. It guards: a request whose model
// cannot be told is not sent on.

import { familyOf } from "../../families/endpoint";
import { openedBy } from "../../families/endpoint-path";
import type { Family } from "../../families/family";
import { isModelName, nameInHeader } from "../../models/name";
import type { RequestBody } from "../../openai/request-body";
import { targetName } from "../../stages/allowances";
import type { Answer, Exchange } from "../../stages/exchange";
import { openPrices, type Prices } from "../../stages/prices";
import type { Decided, Stage } from "../../stages/stage";
import { isWithinReach } from "../../stages/upstream";
import { accessOf, type MayUse } from "./access";
import { badMember, badModel, notTokens } from "./bad-member";
import { balanced } from "./balance";
import { chosenRoute, labelsOf, settleChoice, withChoices } from "./chosen";
import { firstHealthy } from "./fallback";
import { badLength, fillIn, lowerToModel, takeBack } from "./fill-in";
import {
  countFallback,
  hasSeveralKeys,
  isWatched,
  learn,
  type Sent,
  sent,
  type Watch,
} from "./learned";
import { listing, modelNames, modelNotFound, openNames } from "./listing";
import { openCooldowns } from "./open-cooldowns";
import { refuseUnlessOpened } from "./other-endpoints";
import { otherTries } from "./other-tries";
import { tellModels } from "./own-models";
import { fullName, type Providers, providersOf, type Target, upstreamAt } from "./providers";
import { ranked } from "./ranked";
import { labels, modelsInChains, type Resolve, type Route, resolver, timedModels } from "./resolve";
import type { ModelsOptions } from "./schema";
import { peersIn, targetsOf } from "./targets";
import { type TermsOf, terms } from "./terms";

interface Prepared extends Watch {
  providers: Providers;
  names: string[];
  access: (caller: Exchange["consumer"]) => MayUse;
  resolve: Resolve;
  labelOf: (served: string) => string;
  termsOf: TermsOf;
  prices: Prices;
  /** By which glob of other_endpoints a path is open. */
  openedBy: (path: string) => string | undefined;
}

export const stage: Stage<ModelsOptions, Prepared, typeof sent> = {
  name: "models",
  note: sent,
  guards: true,
  prepare(options) {
    const providers = providersOf(options.providers);
    return {
      ...{ options, providers },
      names: modelNames(options),
      access: accessOf(options.access, providers.spellings),
      resolve: resolver(options, providers.bare),
      labelOf: labels(options, providers.bare),
      termsOf: terms(options),
      cooldowns: openCooldowns(options),
      openedBy: openedBy(options.other_endpoints),
      watched: modelsInChains(options, providers.bare),
      timed: timedModels(options, providers.bare),
      prices: openPrices(options),
    };
  },
  decide,
  permits,
  adapt,
  tell: tellModels,
  learn,
};

async function decide(exchange: Exchange, prepared: Prepared): Promise<Decided<Sent>> {
  const { names, access, resolve, options, cooldowns, providers } = prepared;
  const { body, consumer, request, ticket } = exchange;
  const mayUse = access(consumer);
  const family = familyOf(ticket.endpoint);
  aim(exchange, providers.first(family.name));
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
  const unnamed = family.standsForModel(ticket.endpoint, body.value);
  if (unnamed !== undefined) return serveUnnamed(exchange, body, unnamed, prepared);
  const chosen = chosenRoute(exchange, mayUse, resolve);
  const requested = chosen?.requested ?? body.get("model");
  if (!isModelName(requested)) return { answer: badModel(requested) };
  const route = chosen ? chosen.route : resolve(requested);
  const targets = route ? targetsOf(exchange, { requested, route, mayUse }, prepared) : [];
  if (!route || targets.length === 0) return { answer: modelNotFound(requested) };
  const beside = modelBeside(family, body, prepared, mayUse);
  if (beside) return { answer: beside };
  const length = badLength(ticket.endpoint, body);
  if (length) return { answer: badMember(length, notTokens) };

  const service = request.service ?? "";
  const nameOf = ({ model, provider }: Target) => targetName(provider?.provider ?? service, model);
  const leaseMs = options.cooldown.seconds * 1000;
  const asked = targets.map(nameOf);
  if (targets.length > 1 || hasSeveralKeys(asked[0]!)) await cooldowns.look(asked);
  const groupsOf = balanced(exchange, route.shared, {
    nameOf,
    leaseMs,
    cooldowns,
    prices: prepared.prices,
  });
  const peers = peersIn(targets, route, providers);
  const { all, preferred, isSpent } = ranked(targets, peers, nameOf, groupsOf);
  const choice = await firstHealthy(cooldowns, all, nameOf, leaseMs);
  const { chosen: served, probing } = choice;
  settleChoice(exchange, served, (name) => {
    const target = providers.locate(name, family.name);
    return target !== undefined && cooldowns.healthOf(nameOf(target)) === "healthy";
  });
  serve(exchange, body, { requested, route, preferred, served }, prepared);
  if (exchange.mostOthers !== undefined) {
    const labelOf = labelsOf(ticket, prepared.labelOf);
    const others = choice.others.filter((one) => !isSpent(one));
    exchange.others = otherTries(exchange, others, preferred, labelOf);
  }
  const sentTo = { service: served.provider?.provider ?? service, model: served.model };
  if (!isWatched(prepared, ticket, sentTo) && !hasSeveralKeys(asked[0]!)) return undefined;
  return { note: { sent_at: Date.now(), probing, ...sentTo } };
}

/** Sends a request to a provider's own host. */
function aim(exchange: Exchange, provider: Target["provider"]): void {
  if (!provider) return;
  exchange.upstream = upstreamAt(provider, exchange.request);
  exchange.ticket.provider = provider.provider;
  exchange.responseHeaders["X-LLM-Provider"] = provider.provider;
}

interface Serving {
  requested: string;
  route: Route;
  /** What would serve if it were well. */
  preferred: Target;
  served: Target;
}

function serve(exchange: Exchange, body: RequestBody, serving: Serving, prepared: Prepared): void {
  const { requested, route, preferred, served } = serving;
  const { termsOf, options } = prepared;
  const labelOf = labelsOf(exchange.ticket, prepared.labelOf);
  const { model } = served;
  const left = served === preferred ? undefined : fullName(preferred);
  exchange.ticket.model = { requested, served: model, label: labelOf(model), fallback_from: left };
  aim(exchange, served.provider);
  exchange.responseHeaders["X-LLM-Model"] = nameInHeader(model);
  if (left !== undefined) {
    exchange.responseHeaders["X-LLM-Fallback"] = nameInHeader(left);
    countFallback(labelOf(preferred.model), labelOf(model));
  }
  if (model !== requested) body.set("model", model);
  const terms = termsOf(model, route.defaults);
  fillIn(exchange, body, terms, model !== requested);
  if (left !== undefined) lowerToModel(exchange, body, terms);
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

function permits(exchange: Exchange, model: string, { access, providers }: Prepared): boolean {
  const { ticket, consumer } = exchange;
  const isServed = providers.locate(model, familyOf(ticket.endpoint).name)?.model === model;
  return isServed && access(consumer)(ticket.model?.requested ?? model, model);
}

/** Takes back what was filled in for the model that was left, and fills in what the other one gets. */
function adapt(exchange: Exchange, model: string, prepared: Prepared): void {
  const { resolve, termsOf, providers } = prepared;
  const { body, ticket } = exchange;
  const requested = ticket.model?.requested;
  if (!body || requested === undefined) return;
  takeBack(ticket.endpoint, body);
  delete exchange.responseHeaders["X-LLM-Max-Tokens"];
  const terms = termsOf(model, resolve(requested)?.defaults ?? {});
  fillIn(exchange, body, terms, model !== requested);
  lowerToModel(exchange, body, terms);
  aim(exchange, providers.locate(model, familyOf(ticket.endpoint).name)?.provider);
  exchange.others = exchange.others?.filter(
    (other) => other.model !== model && isWithinReach(exchange.upstream, other.upstream),
  );
}

const leftOpen =
  "lets the upstream choose a model, and not all are open to you: name the models that it may use.";
