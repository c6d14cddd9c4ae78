// Azure's SDK names its model in the path, and older ones do, or leaves the version out: such a request
// becomes the plain one that it means, before anybody reads it.

import { deploymentAt, unversionedAt } from "../families/endpoint-path";
import type { GatheredRequest } from "../stages/exchange";

export interface Plain {
  request: GatheredRequest;
  /** The model that the path named; undefined where it names none. */
  model?: string;
}

/** The request as it is read, with the path that it is to have upstream in `upstream_path`. */
export function plainRequest(request: GatheredRequest): Plain {
  const found = deploymentAt(request.path);
  if (!found) return { request: versioned(request) };
  const upstream = deploymentAt(request.upstream_path ?? request.path);
  const paths = { path: found.path, upstream_path: upstream?.path ?? found.path };
  return { request: { ...request, ...paths }, model: found.model };
}

function versioned(request: GatheredRequest): GatheredRequest {
  const { path, upstream_path = path } = request;
  const plain = unversionedAt(path);
  // A service with a path of its own makes of it what its upstream wants.
  if (plain === undefined || upstream_path !== path) return request;
  return { ...request, path: plain, upstream_path: plain };
}
