// What Kong is told of a request that the stages let through: all that they have changed of it.

import type { Decision } from "../stages/decision";
import type { Exchange } from "../stages/exchange";
import { nextTries } from "../stages/next-tries";
import { delivery } from "../stages/outcome";
import { writeTicket } from "../stages/ticket";
import { targetOf } from "../stages/upstream";
import type { ReadBody } from "./read-body";

export interface Decided {
  /** The plugin that has decided. */
  name: string;
  exchange: Exchange;
  read: ReadBody;
  earlier: Decision | undefined;
  /** The upstream path of a request that was spelt in another way. */
  plain: string | undefined;
  /** A try that was sent and got no answer may be followed by another one. */
  unanswered: boolean;
}

export function decisionOf({
  name,
  exchange,
  read,
  earlier,
  plain,
  unanswered,
}: Decided): Decision {
  const before = earlier?.edits ?? [];
  const isChanged = exchange.body?.changed || read.headers !== undefined;
  const edits = isChanged ? read.edits() : [];
  const target = exchange.upstream ? targetOf(exchange.upstream) : earlier?.target;
  return {
    plugins: [...(earlier?.plugins ?? []), name],
    headers: exchange.upstreamHeaders,
    path: exchange.upstream?.path ?? plain ?? earlier?.path,
    ...(target && { target }),
    edits: edits.length > 0 ? [...before, edits] : before,
    ...triesOf(exchange, read, unanswered),
    response_headers: exchange.responseHeaders,
    ticket: writeTicket(exchange.ticket),
    keep: exchange.keep,
    ...(exchange.withoutUsage && { without_usage: true }),
    ...(exchange.traced && { traced: true }),
    ...(exchange.restore && { restore: exchange.restore }),
    ...(delivery.socket !== undefined && { outcomes_socket: delivery.socket }),
  };
}

function triesOf(
  exchange: Exchange,
  read: ReadBody,
  unanswered: boolean,
): Pick<Decision, "tries" | "most_tries" | "repeats_unanswered"> {
  const { mostOthers } = exchange;
  if (mostOthers === undefined) return {};
  return {
    tries: nextTries(exchange, read.edits),
    most_tries: mostOthers,
    ...(unanswered && { repeats_unanswered: true }),
  };
}
