// The calls of Kong's plugin development kit that a request costs (two of them only where asked for), with the types that a real
// Kong 3.9.3 answers. Each is one round trip on the socket (kong.response.exit: half a one).

import type Kong from "kong-pdk/kong";
import type { Decision, Needs } from "../stages/decision";
import type { Answer, Consumer, GatheredRequest } from "../stages/exchange";
import { edited } from "./edits";

export type Pdk = Kong;

/** What gather.lua left; undefined where pre-function did not run. */
export async function gathered(kong: Pdk): Promise<GatheredRequest | undefined> {
  return (await kong.ctx.shared.get("llm")) ?? undefined;
}

/** Fetches a body that was left in Kong because it is long. */
export async function fetchBody(kong: Pdk, request: GatheredRequest): Promise<void> {
  if (request.long_body === undefined) return;
  request.body = (await kong.ctx.shared.get("llm_body")) ?? undefined;
}

export async function consumer(kong: Pdk): Promise<Consumer | undefined> {
  return ((await kong.client.getConsumer()) as unknown as Consumer | null) ?? undefined;
}

/** Puts into the request what a plugin needs of it beside what is gathered: each costs a message. */
export async function addNeeds(kong: Pdk, request: GatheredRequest, needs: Needs): Promise<void> {
  for (const name of needs.headers) {
    const value = (await kong.request.getHeader(name)) as unknown as string | null;
    if (value !== null && value !== undefined)
      request.headers = { ...request.headers, [name]: value };
  }
  if (!needs.credential) return;
  // Its id: never the credential itself.
  const credential = (await kong.client.getCredential()) as unknown as { id?: string } | null;
  request.credential = credential?.id ?? undefined;
}

/** What the plugins before this one decided; undefined for the first. */
export async function earlierDecision(kong: Pdk): Promise<Decision | undefined> {
  const decision: Decision | null | undefined = await kong.ctx.shared.get("llm_decision");
  if (!decision) return undefined;
  // Kong packs an empty table as an array, whatever it was before.
  const { headers, response_headers } = decision;
  return { ...decision, headers: { ...headers }, response_headers: { ...response_headers } };
}

/** Snippets of version 0.1 know no edits, and would send on the body as it came: they get a changed one. */
export async function decide(
  kong: Pdk,
  decision: Decision,
  { body = "", takes_edits }: GatheredRequest,
): Promise<void> {
  const told =
    takes_edits || decision.edits.length === 0
      ? decision
      : { ...decision, body: edited(body.toString(), decision.edits) };
  await kong.ctx.shared.set("llm_decision", told as unknown as string);
}

/**
 * Answers the request. Kong never steps the event again after this call (kong.md: a server that
 * waits for it leaks), so nothing may follow it. The body goes as text: tables lose empty arrays.
 * X-LLM-Source tells the client who answered, and present.lua that the stages have learned already.
 */
export async function exit(kong: Pdk, answer: Answer): Promise<void> {
  const headers = { ...answer.headers, "X-LLM-Source": answer.source };
  await kong.response.exit(answer.status, answer.body as never, headers as never);
}
