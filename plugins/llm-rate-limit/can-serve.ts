// Whether a model can do what a request asks of the one that it names, as far as the catalogue of models
// knows: a cheaper answer is no saving where it is an error. Of a model that it does not know the
// operator's word is taken.

import { familyOf } from "../../families/endpoint";
import { catalogue } from "../../models/catalogue";
import type { RequestBody } from "../../openai/request-body";
import type { Exchange } from "../../stages/exchange";

export function canServe(model: string, { ticket, body }: Exchange): boolean {
  const known = catalogue().find(model);
  if (!known || !body) return true;
  const { context = Number.POSITIVE_INFINITY, abilities, families } = known;
  const family = familyOf(ticket.endpoint);
  const answer = family.outputBound(ticket.endpoint, body) ?? 0;
  const files = filesIn(body);
  return (
    families.includes(family.name) &&
    family.estimateInputTokens(body.value) + answer <= context &&
    (abilities.includes("tools") || !Array.isArray(body.get("tools"))) &&
    (files.length === 0 || (abilities.includes("images") && files.every(isImage)))
  );
}

const isImage = (type: string) => type.includes("image");

/** The types of the parts of a prompt that are files, by every vendor's name for them. */
function filesIn(body: RequestBody): string[] {
  const lists = [body.get("messages"), body.get("input")].filter(Array.isArray);
  const parts = lists.flat().flatMap((turn) => (Array.isArray(turn?.content) ? turn.content : []));
  const types = parts.map((part) => part?.type).filter((type) => typeof type === "string");
  return types.filter((type) => /image|audio|video|file|document/.test(type));
}
