// Whether a refusal says that the upstream has no such model (any more): it was retired, or is not open to
// the account. Only where it names the model that was sent, as a request may name others beside it.

import { errorIn, toldBy } from "./key-refusal";
import { member } from "./usage-statement";

const gone = 410;
// Azure's, whose message names no model.
const noDeployment = "DeploymentNotFound";
// Words of a 400 or a 403: OpenAI and many others; Groq; Volcengine.
const codes =
  /^(?:model_not_found|model_not_available|model_decommissioned|model_permission_blocked_\w+|ModelNotOpen|ModelNotFound)$/;

/** @param model as the request went upstream @param body the answer, or its end */
export function lacksModel(status: number, body: Buffer, model: string): boolean {
  if (status === gone) return true;
  if (![400, 403, 404].includes(status)) return false;
  const error = errorIn(body);
  const said = [member(error, "code"), member(error, "type")].map(String);
  if (said.includes(noDeployment)) return status === 404;
  const isNamed = model !== "" && toldBy(body).toLowerCase().includes(model.toLowerCase());
  return isNamed && (status === 404 || said.some((one) => codes.test(one)));
}
