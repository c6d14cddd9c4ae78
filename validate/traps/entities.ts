// What Kong OSS refuses to load, or understands otherwise: fields and plugins that do not exist,
// references to nothing, plugins twice.

import { bundledPlugins, companions, paidPlugins } from "../../kong/bundled-plugins";
import { entityFields, topLevelFields } from "../../kong/entity-fields";
import { llmWays, oursOn, type PluginEntry, runningOn } from "../configuration";
import { nameOf, referred } from "../declarative-file";
import { error, type Finding, warning } from "../finding";
import type { Located } from "../located";
import { didYouMean, nearest } from "../misspelling";
import { perRoute, type Trap } from "./trap";

const unknownFields: Trap = ({ kind, roots, services, routes, consumers, plugins }) => {
  if (kind !== "declarative") return [];
  return [
    ...roots.flatMap((root) => unknown(root, "file", topLevelFields)),
    ...services.flatMap((at) => unknown(at, "service", entityFields.service!)),
    ...routes.flatMap((at) => unknown(at, "route", entityFields.route!)),
    ...consumers.flatMap((at) => unknown(at, "consumer", entityFields.consumer!)),
    ...plugins.flatMap(({ at }) => unknown(at, "plugin", entityFields.plugin!)),
  ];
};

/** Options of the plugins of Kong that ours need beside them. */
const unknownPluginOptions: Trap = ({ plugins }) =>
  plugins.flatMap(({ name, config }) => {
    const known = companions.get(name)?.fields.flatMap(Object.keys);
    if (!known || !config) return [];
    return config.members().flatMap(([option, at]): Finding[] => {
      if (known.includes(option)) return [];
      const meant = didYouMean(option, known);
      return [error(at, "unknown-option", `is no option of ${name}${meant}`)];
    });
  });

function unknown(entity: Located, kind: string, fields: string[]): Finding[] {
  return entity.members().flatMap(([name, at]): Finding[] => {
    if (fields.includes(name)) return [];
    if (kind === "file" && name.startsWith("x-")) return [anchorHolder(at)];
    const what = kind === "file" ? "of a declarative configuration" : `of a ${kind}`;
    return [error(at, "unknown-field", `is no field ${what}${didYouMean(name, fields)}`)];
  });
}

/** Compose skips them; Kong and decK do not. */
function anchorHolder(at: Located): Finding {
  const message =
    "is no field of a declarative configuration: put the anchor where its value is used first";
  return error(at, "unknown-field", message);
}

const consumerGroups: Trap = ({ kind, roots, consumers, plugins }) => {
  const groups = (kind === "declarative" ? roots : []).flatMap(
    (root) => root.get("consumer_groups") ?? [],
  );
  const members = consumers.flatMap((consumer) => consumer.get("groups") ?? []);
  const bound = plugins.flatMap(({ at }) => at.get("consumer_group") ?? []);
  return [...groups, ...members, ...bound].map((at) =>
    error(at, "consumer-groups", "are of Kong Enterprise: use the tags of consumers"),
  );
};

/** Of a plugin: the order of Kong OSS is that of their priorities. */
const ordering: Trap = ({ plugins }) =>
  plugins
    .flatMap(({ at }) => at.get("ordering") ?? [])
    .map((at) =>
      error(at, "ordering", "is of Kong Enterprise, and Kong OSS refuses it: leave it out"),
    );

const unnamed =
  "has no name of a plugin; a patch is checked in what it makes: kubectl kustomize DIR | kong-llm validate -";

const unknownPlugin: Trap = ({ plugins }, ours) =>
  plugins.flatMap(({ name, at }): Finding[] => {
    const names = [...ours, ...bundledPlugins];
    if (names.includes(name)) return [];
    const place = at.get("name") ?? at.get("plugin") ?? at;
    if (name === "") return [error(place, "unknown-plugin", unnamed)];
    if (paidPlugins.includes(name)) {
      const message = `${name} is a plugin of Kong Enterprise, and Kong OSS refuses it: leave it out`;
      return [error(place, "paid-plugin", message)];
    }
    // Other plugins may be installed; but not one that looks like one of these.
    const meant = nearest(name, names);
    if (meant === undefined && !name.startsWith("llm-")) return [];
    return [
      error(place, "unknown-plugin", `no plugin is called "${name}"${didYouMean(name, names)}`),
    ];
  });

const sameScope: Trap = ({ kind, plugins }) => {
  const seen = new Map<string, PluginEntry>();
  return (kind === "declarative" ? plugins : []).flatMap((entry): Finding[] => {
    const { service = "", route = "", consumer = "" } = entry.scope;
    const key = JSON.stringify([entry.name, service, route, consumer]);
    const earlier = seen.get(key);
    seen.set(key, entry);
    if (!earlier || entry.name === "") return [];
    return [
      error(
        entry.at,
        "same-scope",
        `is configured for the same scope in line ${earlier.at.line} already: Kong takes one`,
      ),
    ];
  });
};

/** Kong takes one entity of a name; decK stops, DB-less the whole file is refused. */
const sameName: Trap = ({ kind, services, routes, consumers, plugins }) => {
  if (kind !== "declarative") return [];
  const named: [entities: Located[], member: string][] = [
    [services, "name"],
    [routes, "name"],
    [plugins.map(({ at }) => at), "instance_name"],
    [consumers, "username"],
    [consumers, "custom_id"],
  ];
  return named.flatMap(([entities, member]) => {
    const seen = new Map<string, Located>();
    return entities.flatMap((entity): Finding[] => {
      const at = entity.get(member);
      if (!at?.text) return [];
      const earlier = seen.get(at.text);
      if (!earlier) seen.set(at.text, entity);
      if (!earlier) return [];
      return [error(at, "same-name", `is the name of one in line ${earlier.line} already`)];
    });
  });
};

// By what each of them does to a request that ours decide about.
const rivals: [names: string[], severity: typeof error, does: string][] = [
  [
    ["rate-limiting", "response-ratelimiting"],
    ...([warning, "limits beside the limits of ours"] as const),
  ],
  [
    ["proxy-cache"],
    ...([warning, "keeps answers whatever the body asks, where it is told to take POST"] as const),
  ],
  [
    bundledPlugins.filter((name) => name.startsWith("ai-")),
    error,
    "changes the same request and answer",
  ],
];

const rivalPlugins: Trap = (configuration) =>
  llmWays(configuration).flatMap((way) =>
    rivals.flatMap(([names, says, does]) =>
      names.flatMap((name): Finding[] => {
        const rival = runningOn(way, name);
        if (!rival) return [];
        const [ours] = oursOn(way);
        return [says(rival.at, "beside-ours", `${does}: remove ${name} where ${ours?.name} runs`)];
      }),
    ),
  );

/** Each would decide, limit and count the same request. */
const decidedTwice: Trap = (configuration) =>
  perRoute(llmWays(configuration), "decided-twice", (way) => {
    const ours = oursOn(way);
    const single = ours.find(({ name }) => name !== "llm-gateway");
    if (!single || ours.length === 1 || !ours.some(({ name }) => name === "llm-gateway")) {
      return undefined;
    }
    return {
      at: single.at,
      what: `${single.name} runs beside llm-gateway, which does the same`,
      todo: "keep one of them",
    };
  });

const danglingReference: Trap = ({ kind, services, routes, consumers, credentials, plugins }) => {
  if (kind !== "declarative") return [];
  const there = { service: services, route: routes, consumer: consumers };
  return [...plugins.map(({ at }) => at), ...routes, ...credentials].flatMap((entity) =>
    (["service", "route", "consumer"] as const).flatMap((name): Finding[] => {
      const at = referred(entity, name);
      const entities = there[name];
      if (!at?.text || entities.length === 0) return [];
      const names = entities.map(nameOf);
      const ids = entities.map((one) => one.get("id")?.text);
      if (names.includes(at.text) || ids.includes(at.text)) return [];
      return [
        error(at, "dangling", `there is no ${name} "${at.text}"${didYouMean(at.text, names)}`),
      ];
    }),
  );
};

export const entityTraps = [
  unknownFields,
  unknownPluginOptions,
  consumerGroups,
  ordering,
  unknownPlugin,
  sameScope,
  decidedTwice,
  danglingReference,
  sameName,
  rivalPlugins,
];
