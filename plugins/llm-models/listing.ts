// The answers to GET /v1/models and /v1/models/{id} for one caller, in the shape of its API: aliases
// first, then the models behind them.

import { familyOfCaller } from "../../families/endpoint";
import { modelIdIn } from "../../families/endpoint-path";
import { type Answer, type GatheredRequest, refuse } from "../../stages/exchange";
import type { MayUse } from "./access";
import { type Resolve, upstreamModels } from "./resolve";
import type { ModelsOptions } from "./schema";

/** Names that can be asked for, each once; patterns (`claude*`) name no model and are left out. */
export function modelNames(options: ModelsOptions): string[] {
  const aliases = options.aliases.map(({ name }) => name).filter((name) => !name.includes("*"));
  return [...new Set([...aliases, ...upstreamModels(options)])];
}

/** Those of the names that a request of this caller would be served under. */
export function openNames(names: string[], resolve: Resolve, mayUse: MayUse): string[] {
  return names.filter((name) =>
    resolve(name)?.targets.some(({ model, weight }) => weight > 0 && mayUse(name, model)),
  );
}

/** Answers a GET below /models; the path is the client's, so its model id is percent-encoded. */
export function listing(names: string[], { path, anthropic_version }: GatheredRequest): Answer {
  const family = familyOfCaller(path, anthropic_version);
  const name = modelIdIn(path) ?? "";
  if (name === "") return json(family.listBody(names.map((id) => ({ id }))));
  return names.includes(name) ? json(family.modelBody({ id: name })) : modelNotFound(name);
}

/** One answer for a model that does not exist and for one that the caller may not use. */
export function modelNotFound(name: string): Answer {
  return refuse(404, {
    message: `The model ${JSON.stringify(name.slice(0, 200))} does not exist here or is not open to you; GET /v1/models lists those that are.`,
    type: "invalid_request_error",
    param: "model",
    code: "model_not_found",
  });
}

function json(value: object): Answer {
  return {
    status: 200,
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(value),
    source: "gateway",
  };
}
