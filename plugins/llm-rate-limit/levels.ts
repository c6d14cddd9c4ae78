// Whose limits a request meets beside those of who asks: everybody's, its team's, its end user's, its
// model's. Which entry of `levels` is for whom: the first of its kind that names them.

import { anyGlob } from "../../models/glob";
import { wellFormed } from "../../models/name";
import type { Exchange } from "../../stages/exchange";
import { consumerKey, digest, type Identity, identity } from "./identity";
import type { Limit } from "./limit";
import { limitsOf } from "./rules";
import type { RateLimitOptions } from "./schema";

/** A limit, and whose it is. */
interface Scoped {
  limit: Limit;
  who: Identity;
}

/** Who it is, by the name that `names` speaks of. */
interface Subject {
  name: string;
  who: Identity;
}

type Level = RateLimitOptions["levels"][number];
type Kind = Level["by"];
type Subjects = (exchange: Exchange, model: string | undefined, options: Options) => Subject[];
type Options = Pick<RateLimitOptions, "tag_prefix" | "end_user_header">;

/** Undefined where there are no levels. */
export function levelsOf(
  options: RateLimitOptions,
): ((exchange: Exchange, model: string | undefined) => Scoped[]) | undefined {
  if (options.levels.length === 0) return undefined;
  const kinds = [...new Set(options.levels.map(({ by }) => by))].map((by) => ({
    subjects: subjects[by],
    entries: options.levels.filter((level) => level.by === by).map(entryOf),
  }));
  return (exchange, model) =>
    kinds.flatMap(({ subjects, entries }) =>
      subjects(exchange, model, options).flatMap(({ name, who }) => {
        const limits = entries.find(({ isFor }) => isFor(name))?.limits ?? [];
        return limits.map((limit) => ({ limit, who }));
      }),
    );
}

function entryOf(level: Level) {
  const isFor = level.names.length === 0 ? () => true : anyGlob(level.names);
  return { isFor, limits: limitsOf(level) };
}

const everybody: Subject[] = [{ name: "", who: { kind: "everybody", key: "everybody" } }];

/** Longest name of a model or provider that has a tally of its own. */
const mostChars = 200;

const subjects: Record<Kind, Subjects> = {
  everybody: () => everybody,
  team: ({ consumer }, _, { tag_prefix }) =>
    (consumer?.tags ?? [])
      .filter((tag) => tag.startsWith(tag_prefix))
      .map((tag) => ({ name: tag, who: identity("team", "team", tag) })),
  consumer({ consumer }) {
    if (!consumer) return [];
    const name = consumer.username ?? consumer.custom_id ?? consumer.id;
    return [{ name, who: { kind: "consumer", key: consumerKey(consumer) } }];
  },
  credential: ({ request: { credential } }) =>
    credential === undefined
      ? []
      : [{ name: credential, who: identity("credential", "credential", credential) }],
  end_user(exchange, _, { end_user_header }) {
    const name = endUserOf(exchange, end_user_header);
    return name === undefined
      ? []
      : [{ name, who: { kind: "end user", key: `end_user:${digest(name)}` } }];
  },
  model: (_, model) => (model === undefined ? [] : named("model", model)),
  provider: ({ request: { service, route }, ticket }) =>
    named("provider", ticket.provider ?? service ?? route ?? ""),
};

function named(kind: "model" | "provider", text: string): Subject[] {
  const name = wellFormed(text.slice(0, mostChars));
  return name === "" ? [] : [{ name, who: identity(kind, kind, name) }];
}

// What an app says of its own user: OpenAI's members, Anthropic's, or a header that the operator names.
// It may be a person's name or address: only a digest is kept.
function endUserOf({ request, body }: Exchange, header: string): string | undefined {
  const metadata = body?.get("metadata") as { user_id?: unknown } | null | undefined;
  const said = [
    header === "" ? undefined : request.headers?.[header.toLowerCase()],
    body?.get("safety_identifier"),
    body?.get("user"),
    typeof metadata === "object" ? metadata?.user_id : undefined,
  ];
  return said.find((one): one is string => typeof one === "string" && one !== "");
}
