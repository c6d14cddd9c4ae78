// Consumers of a declarative configuration and their credentials, as Kong and decK take them.

import { expiryIn } from "../../kong/consumer-key";
import { error, type Finding } from "../finding";
import type { Located } from "../located";
import { didYouMean } from "../misspelling";
import type { Trap } from "./trap";

const credentialFields = [
  ...["id", "key", "tags", "ttl", "created_at", "consumer", "_comment", "_ignore"],
];

const consumerEntities: Trap = ({ kind, consumers, credentials }) => [
  ...(kind === "declarative" ? consumers : []).flatMap((consumer) => [
    ...nameless(consumer),
    ...["username", "custom_id"].flatMap((name) => noText(consumer.get(name))),
    ...tags(consumer),
  ]),
  ...credentials.flatMap(credential),
];

function nameless(consumer: Located): Finding[] {
  if (consumer.get("username") ?? consumer.get("custom_id")) return [];
  const message = "has neither username nor custom_id, of which it needs one";
  return [error(consumer, "no-username", message)];
}

function noText(at: Located | undefined): Finding[] {
  if (!at || typeof at.value === "string") return [];
  return [error(at, "no-text", "must be a text: put it in quotes")];
}

function credential(at: Located): Finding[] {
  if (!at.isMap) return [error(at, "no-key", "must be a record: write `key:` before it")];
  const unknown = at.members().filter(([name]) => !credentialFields.includes(name));
  return [
    ...unknown.map(([name, member]) => {
      const message = `is no field of a credential${didYouMean(name, credentialFields)}`;
      return error(member, "unknown-field", message);
    }),
    ...(!at.get("key") ? [error(at, "no-key", "has no key")] : []),
    ...noText(at.get("key")),
    ...tags(at),
    ...(at.get("tags")?.items() ?? [])
      .filter(isUnread)
      .map((tag) => error(tag, "expiry-tag", "is no time: write llm-expires-2027-01-31T12:00:00Z")),
  ];
}

/** One that was meant to end a credential, and does not: times are compared letter by letter. */
function isUnread({ text }: Located): boolean {
  if (!text?.startsWith("llm-expire")) return false;
  return !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(expiryIn([text]) ?? "");
}

/** Kong takes no commas and slashes in them (kong/db/schema/typedefs.lua). */
function tags(entity: Located): Finding[] {
  const at = entity.get("tags");
  if (!at || at.value === null) return [];
  if (!at.isList) return [error(at, "bad-tags", "must be a list of texts")];
  return at
    .items()
    .filter((one) => typeof one.value !== "string" || /[,/]/.test(one.value))
    .map((one) => error(one, "bad-tags", "must be a text without commas and slashes"));
}

export const consumerTraps = [consumerEntities];
