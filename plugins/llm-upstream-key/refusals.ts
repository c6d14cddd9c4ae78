// What a request is answered that cannot be given its key, or a header that goes with it.

import { type Answer, refuse } from "../../stages/exchange";

export function noAccount(provider: string): Answer {
  return misconfigured(
    `No keys of the provider ${provider} are configured: name it in providers of llm-upstream-key, as in those of llm-models.`,
  );
}

export function noHeader(name: string): Answer {
  return misconfigured(
    `The header ${name} for the upstream has no value: set the environment variable that the vault reference in headers[].value names.`,
  );
}

export function noKey(configured: number): Answer {
  const fix =
    configured === 0
      ? "set keys of llm-upstream-key (upstream_key in llm-gateway) to a vault reference or a file"
      : "set the environment variable that the vault reference in keys[].value names, or a readable file in keys[].file; the plugin server's log says what each key lacks";
  return misconfigured(`No upstream key is configured: ${fix}.`);
}

/** The key, or a header that goes with it, has no value: no request goes out without, until its operator has mended it. */
function misconfigured(message: string): Answer {
  const error = { message, type: "server_error", code: "gateway_misconfigured" };
  return refuse(503, error, { "x-should-retry": "false" });
}
