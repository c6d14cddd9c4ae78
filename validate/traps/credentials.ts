// What the Kong Ingress Controller knows credentials and consumers by: Secrets with a label, in the
// namespace of their consumer, and each key and each username once.

import { error, type Finding, warning } from "../finding";
import { areNear, kindOf, nameOf } from "../kubernetes-objects";
import type { Located } from "../located";
import { didYouMean } from "../misspelling";

const label = "konghq.com/credential";
const kinds = ["key-auth", "basic-auth", "hmac-auth", "jwt", "acl", "oauth2", "mtls-auth"];

/** @param objects all objects of all files */
export function credentialTraps(objects: Located[]): Finding[] {
  const secrets = objects.filter((at) => kindOf(at) === "Secret");
  const consumers = objects.filter((at) => kindOf(at) === "KongConsumer");
  return [
    ...secrets.flatMap(credential),
    ...consumers.flatMap(nameless),
    ...consumers.flatMap((at) => credentialsOf(at, secrets)),
    ...claimedTwice(consumers),
    ...sameUsername(consumers),
    ...sameKey(secrets),
  ];
}

/** The label by which the controller knows a Secret as a credential, and what must be in it. */
function credential(secret: Located): Finding[] {
  const at = labelOf(secret);
  if (!at) return [];
  if (!kinds.includes(at.text ?? "")) {
    const meant = didYouMean(at.text ?? "", kinds);
    return [error(at, "credential-label", `is no kind of credential${meant}`)];
  }
  const key = keyIn(secret);
  if (at.text !== "key-auth") return key ? ofAnotherKind(secret, at) : [];
  if (key) return neverSent(key, secret);
  return [error(secret, "credential-key", "has no member `key`: that is the API key")];
}

const needed: Readonly<Record<string, string>> = {
  ...{ "basic-auth": "username", "hmac-auth": "username", acl: "group", oauth2: "client_id" },
  "mtls-auth": "subject_name",
};

/** A key under the label of a kind that has members which this Secret lacks. */
function ofAnotherKind(secret: Located, at: Located): Finding[] {
  const member = needed[at.text ?? ""] ?? "key";
  const texts = [secret.get("stringData"), secret.get("data")];
  if (texts.some((data) => data?.get(member))) return [];
  const message = `holds an API key and no ${member}: its kind is key-auth`;
  return [error(at, "credential-label", message)];
}

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** What stands under `data` is in base64; a line break at its end is what `echo` adds. */
function neverSent(key: Located, secret: Located): Finding[] {
  const written = key.text ?? "";
  const isEncoded = secret.get("stringData")?.get("key") === undefined;
  if (isEncoded && !base64.test(written)) {
    const message = "is not in base64, as all under data is: put the plain key under stringData";
    return [error(key, "credential-key", message)];
  }
  const text = isEncoded ? Buffer.from(written, "base64").toString() : written;
  if (text.trim() === text) return [];
  const message = "ends or begins with white space, which no client sends: take it out (echo -n)";
  return [warning(key, "credential-key", message)];
}

function nameless(consumer: Located): Finding[] {
  if (consumer.get("username") ?? consumer.get("custom_id")) return [];
  const message = "has neither username nor custom_id, of which it needs one";
  return [error(consumer, "no-username", message)];
}

function credentialsOf(consumer: Located, secrets: Located[]): Finding[] {
  return claims(consumer).flatMap((at): Finding[] => {
    if (at.text === undefined) {
      return [error(at, "credential-missing", "must be the name of a Secret")];
    }
    const called = secrets.filter((one) => nameOf(one) === at.text);
    const near = called.filter((one) => areNear(one, consumer));
    if (near.length > 0) return near.slice(0, 1).flatMap((one) => unlabelled(one, consumer));
    const [elsewhere] = called;
    if (elsewhere) {
      const message = `is a Secret of the namespace ${namespaceOf(elsewhere)}: the controller looks for it in ${namespaceOf(consumer)}, that of the consumer`;
      return [error(at, "credential-namespace", message)];
    }
    if (secrets.length === 0) return [];
    const meant = didYouMean(at.text ?? "", secrets.map(nameOf));
    return [
      warning(
        at,
        "credential-missing",
        `no Secret here is called "${at.text}"${meant || ": it must exist before the consumer"}`,
      ),
    ];
  });
}

function unlabelled(secret: Located, consumer: Located): Finding[] {
  if (labelOf(secret)) return [];
  const message = `is a credential of KongConsumer "${nameOf(consumer)}" without the label ${label}: key-auth, by which the controller finds it`;
  return [error(secret, "credential-label", message)];
}

/** Kong takes a key once: the controller's whole push is refused. */
function claimedTwice(consumers: Located[]): Finding[] {
  const seen = new Map<string, Located>();
  return consumers.flatMap((consumer) =>
    claims(consumer).flatMap((at): Finding[] => {
      if (at.text === undefined) return [];
      const key = `${namespaceOf(consumer)}/${at.text}`;
      const earlier = seen.get(key);
      seen.set(key, consumer);
      if (!earlier || isSame(earlier, consumer)) return [];
      const message = `is a credential of KongConsumer "${nameOf(earlier)}" already: a key belongs to one consumer`;
      return [error(at, "same-key", message)];
    }),
  );
}

function sameUsername(consumers: Located[]): Finding[] {
  return ["username", "custom_id"].flatMap((member) => {
    const seen = new Map<string, Located>();
    return consumers.flatMap((consumer): Finding[] => {
      const at = consumer.get(member);
      const earlier = at?.text && seen.get(at.text);
      if (!at?.text) return [];
      seen.set(at.text, consumer);
      if (!earlier || isSame(earlier, consumer)) return [];
      const message = `is that of KongConsumer "${nameOf(earlier)}" already: Kong refuses both`;
      return [error(at, "same-name", message)];
    });
  });
}

function sameKey(secrets: Located[]): Finding[] {
  const seen = new Map<string, Located>();
  return secrets.flatMap((secret): Finding[] => {
    const at = labelOf(secret)?.text === "key-auth" ? keyIn(secret) : undefined;
    if (!at?.text || at.text.startsWith("CHANGEME")) return [];
    const earlier = seen.get(at.text);
    seen.set(at.text, secret);
    if (!earlier || isSame(earlier, secret)) return [];
    return [error(at, "same-key", `is the key of Secret "${nameOf(earlier)}" already`)];
  });
}

function claims(consumer: Located): Located[] {
  return consumer.get("credentials")?.items() ?? [];
}

function labelOf(secret: Located): Located | undefined {
  return secret.get("metadata")?.get("labels")?.get(label);
}

function keyIn(secret: Located): Located | undefined {
  return secret.get("stringData")?.get("key") ?? secret.get("data")?.get("key");
}

function namespaceOf(object: Located): string {
  return object.get("metadata")?.get("namespace")?.text ?? "default";
}

/** The same object, read twice: in a List, embedded in values, or in two variants of a file. */
function isSame(one: Located, other: Located): boolean {
  const isNamesake = nameOf(one) === nameOf(other) && namespaceOf(one) === namespaceOf(other);
  return isNamesake || one.file !== other.file;
}
