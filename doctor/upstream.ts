// Questions about what reaches the upstream. Only an upstream that echoes its headers can tell most
// of it: doctor says so where it has none.

import type { Answer } from "./gateway-client";
import { type Examination, type Verdict, waitsFor } from "./verdict";

const noEcho: Verdict = {
  result: "unknown",
  found: "Cannot tell from here: only the upstream sees it.",
  todo: "Route a path to a service that echoes request headers, and give it as --echo-path; open it by other_endpoints.",
};

/** What our Lua does to every request, whatever was decided. */
export async function carriedOut({ client }: Examination): Promise<Verdict> {
  const { echoPath } = client.options;
  if (echoPath === undefined) return noEcho;
  const echo = await client.ask(echoPath, undefined, { "x-consumer-username": "forged" });
  if (echo.status >= 400) return unreadable(echo);
  const isCarriedOut = /accept-encoding\W+identity/i.test(echo.text);
  if (isCarriedOut && !/x-consumer-|x-credential-/i.test(echo.text)) {
    return {
      result: "ok",
      found:
        "Our Lua runs. That it answers 503 without a decision shows only when the plugin server is stopped.",
    };
  }
  return {
    result: "wrong",
    found: "Headers of the consumer reach the upstream, or answers may be compressed.",
    todo: "See that llm-gateway is on this route; without Lua files put carry-out.lua into access of post-function. Without it nothing stops a request when the plugin server is down.",
  };
}

export async function keyHidden({ client }: Examination): Promise<Verdict> {
  const { echoPath, key } = client.options;
  if (echoPath === undefined) return noEcho;
  const byHeader = await client.ask(echoPath);
  const byBearer = await client.send(echoPath, undefined, { authorization: `Bearer ${key}` });
  if (byHeader.status >= 400) return unreadable(byHeader);
  if (![byHeader, byBearer].some(({ text }) => text.includes(key))) {
    return { result: "ok", found: "The upstream does not see it." };
  }
  return {
    result: "wrong",
    found: "The upstream gets the key of the client.",
    todo: "Set hide_credentials: true in key-auth, and see that llm-gateway is on this route; without Lua files put carry-out.lua of this version into access of post-function.",
  };
}

/** From outside, a key that the upstream takes is one with which it answers. */
export async function upstreamKey(examination: Examination): Promise<Verdict> {
  const { client, model } = examination;
  const waits = waitsFor(examination, "decisions are carried out");
  if (waits) return waits;
  const answer = await client.ask("/v1/chat/completions", question(model));
  if (answer.status === 200) return { result: "ok", found: "It answers." };
  const isUpstreams = answer.headers.get("x-llm-source") === "upstream";
  if (isUpstreams && [401, 403].includes(answer.status)) {
    return {
      result: "wrong",
      found: `The upstream answers ${answer.status}.`,
      todo: "See that upstream_key holds a valid key, and that header and prefix are what the upstream wants.",
    };
  }
  return {
    result: "wrong",
    found: `${isUpstreams ? "The upstream" : "The gateway"} answers ${answer.status}.`,
    todo: isUpstreams
      ? "Give another --model if this one is not served, or look at the upstream's status."
      : "The body of the answer and the plugin server's log say why.",
  };
}

let serial = 0;

/** A small question that nobody has asked before: the cache must not know it. */
export function question(model: string, content = `Say hi. ${Date.now()}-${serial++}`): object {
  return { model, max_tokens: 16, messages: [{ role: "user", content }] };
}

function unreadable({ status }: Answer): Verdict {
  return {
    result: "unknown",
    found: `Cannot tell: the path of --echo-path answers ${status}.`,
    todo: "It must lead to an upstream that answers with the headers that it got, and be opened by other_endpoints of llm-models.",
  };
}
