// What somebody is told when a share of a limit is used: which limit, whose, how much of it. Of a person
// no more than what the operator has named, or a digest.

import { createHash } from "node:crypto";
import { DateTime } from "luxon";
import type { Period } from "./calendar";
import { usd } from "./dollars";
import type { Limit } from "./limit";

export interface Reached {
  limit: Limit;
  /** The key of whose limit it is. */
  who: string;
  /** The largest share that is reached. */
  share: number;
  used: number;
  /** A request had no room in it. */
  isFull: boolean;
  window: Period;
}

export interface Notice extends Reached {
  /** The same on all nodes, so that a receiver knows what it has been told before. */
  id: string;
  namespace: string;
  /** In which the end of the window is told to people. */
  zone: string;
  /** Milliseconds since the epoch. */
  at: number;
}

/** The name of what is told once, in each share: a limit, and a window of it. */
export function noticeName(namespace: string, { limit, who, window }: Reached): string {
  const { measure, window: length, model = "", most } = limit;
  const of = `${measure}:${length}:${who}|${encodeURIComponent(model)}`;
  return `{${namespace}}:notice:${of}:${window.start}:${most}`;
}

/** @param name as noticeName has it */
export function noticeOf(
  reached: Reached,
  name: string,
  { namespace, zone }: Pick<Notice, "namespace" | "zone">,
  at: number,
): Notice {
  const digest = createHash("sha256").update(`${name}:${reached.share}`).digest("base64url");
  return { ...reached, id: `msg_${digest.slice(0, 27)}`, namespace, zone, at };
}

/** The body of a message, by the form that its receiver takes. */
export function noticeBody(notice: Notice, format: "json" | "slack"): string {
  return JSON.stringify(format === "slack" ? { text: escaped(sentenceOf(notice)) } : told(notice));
}

// In the form of Standard Webhooks: what has happened, when, and what is known of it.
function told({ limit, who, share, used, isFull, window, namespace, at }: Notice) {
  const { measure, window: length, model = null, most } = limit;
  const shown = (amount: number) => (measure === "cost_usd" ? Number(usd(amount)) : amount);
  return {
    type: "limit.share_reached",
    timestamp: new Date(at).toISOString(),
    data: {
      ...{ ...nameOf(who), model, measure, window: length },
      ...{ share, used: shown(used), limit: shown(most), refused_for_it: isFull },
      window_start: new Date(window.start).toISOString(),
      window_end: new Date(window.end).toISOString(),
      namespace,
    },
  };
}

function sentenceOf({ limit, who, used, isFull, window, zone }: Notice): string {
  const { measure, window: length, model, most } = limit;
  const { level, name } = nameOf(who);
  const whose = name === "" ? "Everybody together" : `${level.replace("_", " ")} ${name}`;
  const what = measure === "cost_usd" ? "budget" : `limit of ${measure.replace("_", " ")}`;
  const of = model === undefined ? "" : ` for the models ${model}`;
  const shown = (amount: number) =>
    measure === "cost_usd" ? `$${usd(amount)}` : amount.toLocaleString("en-US");
  const percent = Math.floor((used * 100) / most);
  const until = DateTime.fromMillis(window.end, { zone }).toFormat("yyyy-LL-dd HH:mm z");
  const full = isFull ? " Requests are refused for it." : "";
  const text = `${whose} has used ${percent} % of the ${what} by ${length}${of}: ${shown(used)} of ${shown(most)}, until ${until}.${full}`;
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Whose limit it is, as an operator names it. Of an end user or a header the digest. */
function nameOf(key: string): { level: string; name: string } {
  const [label = "", ...names] = key.split(":");
  const level = label === "custom_id" || label === "consumer_id" ? "consumer" : label;
  return { level, name: decodeURIComponent(names.join(" ")) };
}

// What Slack reads as mark-up (https://docs.slack.dev/messaging/formatting-message-text): a consumer may be
// called <!channel>.
function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
