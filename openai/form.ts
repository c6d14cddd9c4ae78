// The small parts of a multipart form, as the gateway reads them: its files stream on untouched.

import { type BodyProblem, RequestBody } from "./request-body";

/** Parts whose text is a number or a yes in the JSON of other endpoints. */
const numbers = ["n", "temperature", "output_compression", "partial_images"];
const booleans = ["stream"];

/**
 * A form as the stages read any body: its fields are members.
 * @param fields the small fields by name, or all values of a name that came several times
 */
export function formBody(
  fields: Readonly<Record<string, string | readonly string[]>>,
): RequestBody | BodyProblem {
  const members: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    if (typeof value === "string") members[name] = typed(name, value);
    // image[] and the like may come again; a model that does is two models.
    else if (name.endsWith("[]")) members[name] = value;
    else return { problem: `its form has the field ${JSON.stringify(name.slice(0, 100))} twice` };
  }
  return RequestBody.parse(JSON.stringify(members));
}

function typed(name: string, text: string): string | number | boolean {
  if (numbers.includes(name) && /^\d+(?:\.\d+)?$/.test(text)) return Number(text);
  if (booleans.includes(name) && /^(?:true|false)$/.test(text)) return text === "true";
  return text;
}
