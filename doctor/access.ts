// Questions about who gets in.

import { errorOf } from "./gateway-client";
import type { Examination, Verdict } from "./verdict";

const path = "/v1/models";

export async function askedForKey({ client }: Examination): Promise<Verdict> {
  const without = await client.send(path);
  const wrong = await client.send(path, undefined, { "x-api-key": "doctor-made-this-up" });
  if (without.status === 401 && wrong.status === 401) {
    return { result: "ok", found: "Without a key, and with a wrong one: 401." };
  }
  return {
    result: "wrong",
    found: `Without a key: ${without.status}; with a wrong one: ${wrong.status}.`,
    todo: "Put key-auth on the service, without `anonymous`, and leave require_consumer true.",
  };
}

export async function keyForms({ client }: Examination): Promise<Verdict> {
  const { key } = client.options;
  const header = await client.ask(path);
  const bearer = await client.send(path, undefined, { authorization: `Bearer ${key}` });
  if (header.status < 400 && bearer.status < 400) {
    return { result: "ok", found: "Both are known." };
  }
  const refused = header.status < 400 ? "As Bearer, which OpenAI SDKs send" : "As x-api-key";
  return {
    result: "wrong",
    found: `${refused}: ${header.status < 400 ? bearer.status : header.status}.`,
    todo: "Put llm-client-key beside key-auth, and x-api-key into its key_names; without Lua files put gather.lua of this version into access of pre-function.",
  };
}

/** Made by our Lua where Kong itself refuses. */
export async function refusalShape({ client }: Examination): Promise<Verdict> {
  const refused = await client.send(path, undefined, { "x-api-key": "doctor-made-this-up" });
  if (refused.status < 400) {
    return { result: "unknown", found: "Cannot tell: nothing is refused." };
  }
  if (errorOf(refused)?.code === "invalid_api_key") {
    return { result: "ok", found: "A 401 carries an error object with a code." };
  }
  return {
    result: "wrong",
    found: "A 401 has another body: SDKs cannot read it.",
    todo: "See that llm-gateway is on this route; without Lua files put present.lua into header_filter and tap.lua into body_filter of post-function.",
  };
}
