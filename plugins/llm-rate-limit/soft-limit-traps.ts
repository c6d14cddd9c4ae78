// Mistakes in what shall happen before a limit is full: nobody is told, nothing is moved, or what is told is
// read on the way.

import { isIP } from "node:net";
import { error, type Mistake, warning } from "../../stages/mistake";
import type { RateLimitOptions } from "./schema";
import { scopesOf } from "./scopes";

export function softLimitTraps(options: RateLimitOptions): Mistake[] {
  return [
    ...options.notices.flatMap((notice, index) =>
      noticeTraps(notice, options).map((one) => ({
        ...one,
        path: ["notices", index, ...one.path],
      })),
    ),
    ...moveTraps(options),
  ];
}

type Notice = RateLimitOptions["notices"][number];

function noticeTraps(notice: Notice, options: RateLimitOptions): Mistake[] {
  const { url, format, secret, shares } = notice;
  if (url === "") {
    const message = "tells nobody: give it the url of a webhook, as {vault://env/budget-webhook}";
    return [error([], "notice-without-url", message)];
  }
  const mistakes: Mistake[] = [];
  if (isInClear(url)) {
    const message = "goes over the network in clear text: use https://";
    mistakes.push(warning(["url"], "notice-in-clear", message));
  }
  if (format === "slack" && secret !== "") {
    mistakes.push(warning(["secret"], "slack-signed", "is not looked at by Slack: leave it out"));
  }
  if (!tellsAnything(notice, options)) {
    const message = `is never told: nothing limits ${notice.measures.join(", ")} by ${notice.windows.join(" or ")}`;
    mistakes.push(warning([], "notice-of-nothing", message));
  }
  if (new Set(shares).size < shares.length) {
    mistakes.push(warning(["shares"], "share-twice", "names a share twice"));
  }
  return mistakes;
}

/** Other machines lie between; what a vault holds is not known here. */
function isInClear(url: string): boolean {
  if (!/^http:/i.test(url)) return false;
  const host = new URL(url).hostname.replace(/^\[|\]$/g, "");
  return host !== "localhost" && !(isIP(host) && (host.startsWith("127.") || host === "::1"));
}

function tellsAnything({ measures, windows }: Notice, options: RateLimitOptions): boolean {
  return scopesOf(options).some(({ scope }) =>
    measures.some((measure) => windows.some((window) => scope[measure]?.[window] !== undefined)),
  );
}

function moveTraps(options: RateLimitOptions): Mistake[] {
  const { on_share } = options;
  if (on_share.length === 0) return [];
  const hasBudget = scopesOf(options).some(({ scope }) =>
    Object.values(scope.cost_usd ?? {}).some((most) => most !== undefined),
  );
  if (!hasBudget) {
    return [warning(["on_share"], "move-without-budget", "moves nothing: no cost_usd limits")];
  }
  return on_share.flatMap(({ model, match }, index) =>
    match === model
      ? [error(["on_share", index, "model"], "move-to-itself", "is the model that is moved")]
      : [],
  );
}
