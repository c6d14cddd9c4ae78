// Azure's SDK names its model in the path, and older ones do: such a request becomes the plain one that
// it means, before anybody reads it.

import { deploymentAt } from "../families/endpoint-path";
import type { GatheredRequest } from "../stages/exchange";

export interface Plain {
  request: GatheredRequest;
  /** The model that the path named; undefined where it names none. */
  model?: string;
}

/** The request as it is read, with the path that it is to have upstream in `upstream_path`. */
export function plainRequest(request: GatheredRequest): Plain {
  const found = deploymentAt(request.path);
  if (!found) return { request };
  const upstream = deploymentAt(request.upstream_path ?? request.path);
  const paths = { path: found.path, upstream_path: upstream?.path ?? found.path };
  return { request: { ...request, ...paths }, model: found.model };
}
