// What a client reads where Kong answers by itself, before our stages or because the upstream failed: in
// the shape of the caller's API in place of Kong's. lua/present.lua puts it there.

import { anthropic } from "../families/anthropic";
import type { Family } from "../families/family";
import { openai } from "../families/openai";

export interface OwnAnswer {
  message: string;
  type: string;
  code: string;
}

const invalid = "invalid_request_error";

/** By status: for a request that no stage has let through. */
export const ofGateway: Record<number, OwnAnswer> = {
  400: {
    message: "The request is not valid HTTP; see that nothing between you and here changes it.",
    type: invalid,
    code: "bad_request",
  },
  401: {
    message: "The API key is missing or not known here: send it as x-api-key or as a Bearer token.",
    type: invalid,
    code: "invalid_api_key",
  },
  403: {
    message: "This API key may not use this route.",
    type: invalid,
    code: "permission_denied",
  },
  404: {
    message: "There is no such address here: the base_url of an SDK ends with /v1.",
    type: invalid,
    code: "unknown_endpoint",
  },
  405: { message: "This method is not allowed here.", type: invalid, code: "method_not_allowed" },
  408: {
    message: "The request did not arrive in time; send it again.",
    type: invalid,
    code: "request_timeout",
  },
  411: {
    message: "The request does not say how long it is: send Content-Length.",
    type: invalid,
    code: "length_required",
  },
  412: {
    message: "The request has a condition that does not hold here: leave out its If headers.",
    type: invalid,
    code: "precondition_failed",
  },
  413: {
    message: "The request is longer than this gateway takes: shorten it.",
    type: invalid,
    code: "request_too_large",
  },
  414: {
    message: "The path or the query is longer than the gateway takes; send a shorter one.",
    type: invalid,
    code: "request_too_large",
  },
  417: {
    message: "The gateway does not do what the Expect header asks for: leave it out.",
    type: invalid,
    code: "expectation_failed",
  },
  426: {
    message: "This gateway is to be asked over https: change the base_url.",
    type: invalid,
    code: "https_required",
  },
  429: {
    message: "Too many requests: wait a moment and try again.",
    type: "requests",
    code: "rate_limit_exceeded",
  },
  494: {
    message: "The headers of the request are longer than the gateway takes; send fewer.",
    type: invalid,
    code: "request_too_large",
  },
  501: {
    message: "The gateway does not know this Transfer-Encoding; send the body with its length.",
    type: invalid,
    code: "unsupported_transfer_encoding",
  },
  500: {
    message: "The gateway failed while it looked at this request; its log says why.",
    type: "server_error",
    code: "gateway_error",
  },
  503: {
    message:
      "The gateway cannot check this request now, so it was not sent on; try again in a moment.",
    type: "server_error",
    code: "gateway_unavailable",
  },
};

/** By status: for a request that was let through, and that the upstream did not answer. */
export const ofUpstream: Record<number, OwnAnswer> = {
  ...ofGateway,
  500: {
    message: "The model's server could not be asked; the gateway's log says why.",
    type: "server_error",
    code: "upstream_error",
  },
  502: {
    message: "The model's server broke off or could not be reached; try again in a moment.",
    type: "server_error",
    code: "upstream_error",
  },
  503: {
    message: "The model's server cannot be found or reached; try again in a moment.",
    type: "server_error",
    code: "upstream_unreachable",
  },
  504: {
    message: "The model's server did not answer in time; try again, or ask for a shorter answer.",
    type: "server_error",
    code: "upstream_timeout",
  },
};

/** The plugin server refuses the configuration of a route, or nothing says where that server is. */
export const misconfigured: Record<number, OwnAnswer> = {
  503: {
    message:
      "The gateway's configuration for this route is refused, so nothing was sent on. Trying again is of no use: its operator must look, at the gateway's log or /readyz.",
    type: "server_error",
    code: "gateway_misconfigured",
  },
};

/** The upstream sends a request on to another address: an SDK would follow with its key, past the gateway. */
export const redirected: Record<number, OwnAnswer> = {
  502: {
    message:
      "The model's server sends this request on to another address, which the gateway does not follow. Trying again is of no use: its operator must set the address that the server has moved to.",
    type: "server_error",
    code: "upstream_redirects",
  },
};

/** The module that lua/present.lua requires as kong_llm.refusals. */
export function refusalsLua(): string {
  const families = [openai, anthropic].map((family) => {
    const gateway = tableOf(ofGateway, family);
    const upstream = tableOf(ofUpstream, family);
    const ours = tableOf(misconfigured, family);
    const elsewhere = tableOf(redirected, family);
    const id = luaText(family.requestIdHeader);
    return `  ${family.name} = {\n    request_id = ${id},\n    gateway = ${gateway},\n    upstream = ${upstream},\n    misconfigured = ${ours},\n    redirected = ${elsewhere},\n  },\n`;
  });
  return `-- What Kong's own answers say, by the caller's API, who failed, and the status; and in which header its\n-- clients look for the id of a request.\nreturn {\n${families.join("")}}\n`;
}

function tableOf(answers: Record<number, OwnAnswer>, { errorBody }: Family): string {
  const rows = Object.entries(answers).map(
    ([status, answer]) => `      [${status}] = ${luaText(errorBody(Number(status), answer))},\n`,
  );
  return `{\n${rows.join("")}    }`;
}

/** A text without control characters as Lua spells it. */
function luaText(text: string): string {
  return `'${text.replace(/[\\']/g, "\\$&")}'`;
}
