// Masks personal data before anything leaves, refuses what must not, and hands the values to whoever puts
// them back. It guards: a request that it cannot read goes nowhere.

import { randomBytes } from "node:crypto";
import type { Answer, Exchange } from "../../stages/exchange";
import type { Stage } from "../../stages/stage";
import { type Findings, type Masking, maskBody, noFindings, stayingReader } from "./mask";
import * as metrics from "./metrics";
import { leavesSight, mostValues, namesBy, Placeholders, pseudonym } from "./placeholders";
import { type Examine, promptRules } from "./prompt-rules";
import { type Recognise, recogniseFor } from "./recognise";
import { cannotRestore, personalData, ruleBroken, tooMuch, unreadable } from "./refusals";
import type { PrivacyOptions } from "./schema";

interface Prepared {
  options: PrivacyOptions;
  recogniserOf: (caller: Exchange["consumer"]) => Recognise;
  examine: Examine;
  secret: string | Buffer;
}

// Where no secret is set: good for as long as this process lives.
const ownSecret = randomBytes(32);

export const stage: Stage<PrivacyOptions, Prepared> = {
  name: "privacy",
  guards: true,
  prepare: (options) => ({
    options,
    recogniserOf: recogniseFor(options),
    examine: promptRules(options.prompt_rules),
    secret: options.identifier_key || ownSecret,
  }),
  decide(exchange, prepared) {
    const { options } = prepared;
    if (!options.enabled) return undefined;
    if (options.restore && !options.dry_run && !exchange.canRestore)
      return { answer: cannotRestore };
    const broken = brokenRule(exchange, prepared);
    if (broken) return { answer: broken };
    const masking = maskingFor(exchange, prepared);
    const findings = noFindings();
    stayingReader(masking, findings)(queryOf(exchange), "");
    if (exchange.body) maskBody(exchange.body, masking, findings);
    readForm(exchange, findings);
    tell(exchange, findings);
    const answer = refusalOf(exchange, masking.placeholders, findings, prepared);
    if (answer) return { answer };
    const { values } = masking.placeholders;
    if (options.restore && values.size > 0) exchange.restore = Object.fromEntries(values);
    return undefined;
  },
};

function brokenRule(exchange: Exchange, { examine, options }: Prepared): Answer | undefined {
  const { body, consumer, ticket } = exchange;
  const broken = examine({ endpoint: ticket.endpoint, body }, consumer);
  if (!broken) return undefined;
  countRefusal("prompt_rule", options, broken.name);
  return options.dry_run ? undefined : ruleBroken(broken);
}

function maskingFor(exchange: Exchange, { options, recogniserOf, secret }: Prepared): Masking {
  const { body, consumer, ticket } = exchange;
  const tenant = consumer?.id ?? "";
  return {
    recognise: recogniserOf(consumer),
    placeholders: new Placeholders(
      // What the model has written is in the client's next turn, where nothing is put back.
      options.restore ? (body?.text ?? "") : "",
      leavesSight(ticket.endpoint, body) ? namesBy(secret, tenant) : undefined,
    ),
    pseudonym: (value) => pseudonym(secret, tenant, value),
    isDryRun: options.dry_run,
  };
}

// It goes upstream as it came: what is personal in it cannot be masked.
function queryOf({ request }: Exchange): string {
  const { query = "" } = request;
  try {
    return decodeURIComponent(query.replaceAll("+", " "));
  } catch {
    return query;
  }
}

/** Of a form, files are not read, nor what is too long or stands twice: a text of those goes nowhere. */
function readForm({ request: { form } }: Exchange, findings: Findings): void {
  if (!form) return;
  findings.hasUnread = true;
  for (const [name, value] of Object.entries(form)) {
    // Lists, such as timestamp_granularities[], come several times and are no prompt.
    if (value === false && !name.endsWith("[]")) findings.hasHiddenText = true;
  }
}

/** What was found, for the usage line and the metrics. */
function tell(exchange: Exchange, { counts, hasUnread }: Findings): void {
  const { ticket } = exchange;
  for (const [recogniser, actions] of counts) {
    let all = 0;
    for (const [action, count] of actions) {
      metrics.findings.inc({ recogniser, action }, count);
      all += count;
    }
    ticket.personal_data = { ...ticket.personal_data, [recogniser]: all };
  }
  if (hasUnread) metrics.unread.inc({ endpoint: ticket.endpoint });
}

function refusalOf(
  { ticket, body }: Exchange,
  placeholders: Placeholders,
  { counts, hasUnread, hasHiddenText }: Findings,
  { options }: Prepared,
): Answer | undefined {
  const refused = [...counts].flatMap(([kind, actions]) => (actions.has("refuse") ? [kind] : []));
  const isClosed = ticket.endpoint === "other" && !body;
  const answer =
    refused.length > 0
      ? { reason: "personal_data", says: personalData(refused) }
      : placeholders.isFull
        ? { reason: "too_much", says: tooMuch(mostValues) }
        : hasHiddenText || (options.unread === "refuse" && (hasUnread || isClosed))
          ? { reason: "unread", says: unreadable }
          : undefined;
  if (!answer) return undefined;
  countRefusal(answer.reason, options);
  return options.dry_run ? undefined : answer.says;
}

function countRefusal(reason: string, { dry_run }: PrivacyOptions, rule = ""): void {
  metrics.refusals.inc({ reason, rule, dry_run: String(dry_run) });
}
