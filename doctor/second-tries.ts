// Whether Kong makes the second tries that its configuration asks for: the plugin server knows, as Kong's
// own setting comes to it with each configuration.

import { type Examination, seenInReadyz, type Verdict } from "./verdict";

export async function secondTries({ client }: Examination): Promise<Verdict> {
  const neighbours = await client.neighbours();
  if (!neighbours) return seenInReadyz;
  // server/second-tries.ts shows it from the first request with such a configuration on.
  const state = neighbours["second tries"];
  if (!state) return { result: "ok", found: "No configuration asks for any." };
  if (state.ok) return { result: "ok", found: state.detail };
  return {
    result: "wrong",
    found: state.detail,
    todo: 'Set KONG_NGINX_PROXY_PROXY_NEXT_UPSTREAM (in Helm values env.nginx_proxy_proxy_next_upstream) to "error http_429 http_502 http_503 non_idempotent", give services beside ours retries: 0, and restart Kong.',
  };
}
