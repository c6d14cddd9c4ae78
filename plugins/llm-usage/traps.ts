// Mistakes in the options of llm-usage: prices that never count, tags that show what is secret, and a
// ledger that does not keep what it is asked for.

import { error, type Mistake, redisMissing, shadowed, warning, within } from "../../stages/mistake";
import type { UsageOptions } from "./schema";

export function traps(options: UsageOptions): Mistake[] {
  return [
    ...shadowed("prices", options.prices, "model", "shadowed-price"),
    ...secretTags(options),
    ...within("ledger", [...redisMissing(options.ledger), ...unread(options)]),
  ];
}

const secret = /^(?:authorization|proxy-authorization|cookie|(?:x-)?(?:api|auth)-?(?:key|token))$/i;

/** What goes into every usage line is read by many. */
function secretTags({ tags }: UsageOptions): Mistake[] {
  return tags.flatMap(({ header }, index) => {
    if (!secret.test(header)) return [];
    const message = `${header} holds a key: it would stand in every usage line and in the ledger`;
    return [error(["tags", index, "header"], "secret-tag", message)];
  });
}

function unread({ tags, ledger }: UsageOptions): Mistake[] {
  const { by, end_user_header, policy } = ledger;
  if (policy === "none") return [];
  const found: Mistake[] = [];
  if (by.includes("tags") && tags.length === 0) {
    found.push(
      warning(["by"], "no-tags", "names tags, and `tags` has none: nothing is told apart"),
    );
  }
  if (end_user_header !== "" && !by.includes("end_user")) {
    const message = "is read by nobody: add end_user to `by`";
    found.push(warning(["end_user_header"], "end-users-together", message));
  }
  return found;
}
