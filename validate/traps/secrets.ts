// Keys where they do not belong, and references that nobody resolves.

import { stageOptions } from "../configuration";
import { error, type Finding, warning } from "../finding";
import { kindOf } from "../kubernetes-objects";
import type { Located } from "../located";
import { didYouMean } from "../misspelling";
import type { Trap } from "./trap";

/** A vault reference, well formed or not, or an environment variable that decK puts in. */
function isReference(text: string): boolean {
  return /^\{?\s*vault:/.test(text) || text.includes("${{");
}

const literalRedisPassword: Trap = ({ plugins }) =>
  plugins
    .flatMap(({ config }) => [...(config?.all() ?? [])])
    .filter(({ field }) => /\bredis$/.test(field))
    .flatMap((redis) => [
      ...literal(redis.get("password")),
      ...literal(redis.get("url")).filter(({ text }) => /^\w+:\/\/[^/@]*:[^/@]+@/.test(text!)),
    ])
    .map((at) =>
      error(at, "literal-password", "is a password in clear text: write {vault://env/redis-url}"),
    );

/** Who knows the secret of a webhook can say what it likes in our name; Slack's addresses are secrets. */
const literalWebhook: Trap = ({ plugins }) =>
  plugins
    .flatMap((entry) => stageOptions(entry, "rate_limit")?.get("notices")?.items() ?? [])
    .flatMap((notice) => [
      ...literal(notice.get("secret")),
      ...(notice.get("format")?.text === "slack" ? literal(notice.get("url")) : []),
    ])
    .map((at) =>
      error(at, "literal-webhook", "is a secret in clear text: write {vault://env/budget-webhook}"),
    );

const literalConsumerKey: Trap = ({ credentials }) =>
  credentials
    .flatMap((credential) => literal(credential.get("key")))
    .map((at) =>
      warning(
        at,
        "literal-consumer-key",
        `is a key in clear text: write '\${{ env "DECK_..." }}' with single quotes`,
      ),
    );

function literal(at: Located | undefined): Located[] {
  return at?.text && !isReference(at.text) ? [at] : [];
}

const variable = /\$\{\{(.*?)\}\}/g;
// Of Go's templates, as far as decK's own functions go (go-database-reconciler, template.go).
const quotedName = String.raw`(?:"([^"]*)"|\x60([^\x60]*)\x60)`;
const known = new RegExp(
  String.raw`^env\s+${quotedName}(?:\s*\|\s*(?:toBool|toInt|toFloat|indent\s+\d+))*$`,
);

/** What decK demands of its variables. */
const deckVariable: Trap = ({ kind, roots }) =>
  texts(kind === "declarative" ? roots : []).flatMap((at): Finding[] => {
    const [written] = [...at.text!.matchAll(variable)].map(([, inner]) => (inner ?? "").trim());
    if (written === undefined) return [];
    const [, inQuotes, name = inQuotes] = known.exec(written) ?? [];
    if (name === undefined) {
      const message = `decK knows only \${{ env "DECK_NAME" }}, with | toInt, toBool, toFloat or indent behind it`;
      return [error(at, "deck-variable", message)];
    }
    if (!name.startsWith("DECK_")) {
      return [
        error(at, "deck-variable", `decK takes only variables DECK_...: name it DECK_${name}`),
      ];
    }
    if (!at.isPlain || !at.field.endsWith(".key")) return [];
    return [
      warning(
        at,
        "deck-variable",
        "put it in single quotes: a key such as 0123 or no is not a text without them",
      ),
    ];
  });

/** `$(NAME)` is Kubernetes', `${NAME}` the shell's: Kong takes both as they are. */
const shellVariable: Trap = ({ roots }) =>
  texts(roots)
    .filter(({ text }) => /\$\([A-Z_][A-Z0-9_]*\)|\$\{[A-Z_][A-Z0-9_]*\}/.test(text!))
    .map((at) =>
      error(
        at,
        "shell-variable",
        `Kong puts no environment variables in: use {vault://env/name}, or decK's \${{ env "DECK_NAME" }}`,
      ),
    );

const vaultReference: Trap = ({ plugins }) =>
  texts(plugins.flatMap(({ config }) => config ?? []))
    .filter(({ text }) => /^\{?\s*vault:/.test(text!) && !/^\{vault:\/\/[\w-]+\/\S+\}$/.test(text!))
    .map((at) =>
      error(at, "vault-reference", "is no vault reference: {vault://env/name-of-the-variable}"),
    );

// Kong OSS has `env` alone (kong/vaults); all others come with a licence.
const paidVaults = ["aws", "azure", "conjur", "gcp", "hcv", "konnect"];

/** Kong resolves the reference to nothing, and the plugin has no key. */
const otherVault: Trap = ({ kind, roots, plugins }) => {
  const vaults = kind === "declarative" ? roots.flatMap((root) => itemsIn(root, "vaults")) : [];
  const specs = roots.flatMap((at) => (kindOf(at) === "KongVault" ? (at.get("spec") ?? []) : []));
  const prefixes = [...vaults, ...specs].flatMap((vault) => vault.get("prefix")?.text ?? []);
  const named = [...vaults.map((at) => at.get("name")), ...specs.map((at) => at.get("backend"))];
  return [
    ...named.flatMap((at) => (paidVaults.includes(at?.text ?? "") ? paid(at!) : [])),
    ...texts(plugins.flatMap(({ config }) => config ?? [])).flatMap((at): Finding[] => {
      const name = /^\{vault:\/\/([\w-]+)\//.exec(at.text!)?.[1];
      if (name === undefined || [...prefixes, "env"].includes(name)) return [];
      if (paidVaults.includes(name)) return paid(at);
      const meant = didYouMean(name, [...prefixes, "env"]) || "; {vault://env/name} needs none";
      const message = `no vault here has the prefix "${name}", and without one Kong resolves it to nothing${meant}`;
      return [warning(at, "unknown-vault", message)];
    }),
  ];
};

function paid(at: Located): Finding[] {
  const message =
    "is a vault of Kong Enterprise: put the secret into Kong's environment, and write {vault://env/name}";
  return [error(at, "paid-vault", message)];
}

function itemsIn(root: Located, name: string): Located[] {
  return root.get(name)?.items() ?? [];
}

/** Texts of one line; what stands in blocks (Lua, embedded YAML) is looked at by others. */
function texts(roots: Located[]): Located[] {
  return roots
    .flatMap((root) => [...root.all()])
    .filter(({ text }) => text !== undefined && !text.includes("\n"));
}

/** Anywhere in any file: what looks like a real key, and the token that opens the operators' page. */
export function documentSecrets(document: Located): Finding[] {
  return [...realKeys(document), ...literalPageTokens(document)];
}

/** In the environment of a container, whose values everybody reads who may list pods. */
function literalPageTokens(document: Located): Finding[] {
  return [...document.all()]
    .filter((one) => one.isMap && one.get("name")?.text === "KONG_LLM_PAGE_TOKEN")
    .flatMap((variable) => literal(variable.get("value")))
    .map((at) =>
      error(
        at,
        "literal-page-token",
        "is a token in clear text: take it by valueFrom from a Secret",
      ),
    );
}

function realKeys(document: Located): Finding[] {
  return texts([document])
    .filter(({ text }) => /\bsk-(?=[\w-]*\d)[\w-]{20,}/.test(text!))
    .map((at) =>
      error(at, "real-key", "looks like a real key: take it out of the file, and replace the key"),
    );
}

export const secretTraps = [
  literalRedisPassword,
  literalWebhook,
  literalConsumerKey,
  deckVariable,
  shellVariable,
  vaultReference,
  otherVault,
];
