// Plugins at an entity where they do not do what they are there for: at a consumer, or at one route of a
// service that has others.

import { authenticationPlugins } from "../../kong/bundled-plugins";
import { clientKey } from "../../kong/client-key";
import { llmWays, oursOn, type PluginEntry, runningOn, stageOptions } from "../configuration";
import { error, type Finding, warning } from "../finding";
import { hostOf } from "./routing";
import type { Trap } from "./trap";

/** Who asks is found out by them: a DB-less Kong never runs one for a consumer, the Admin API refuses it. */
const authenticationOfConsumer: Trap = ({ plugins }) =>
  plugins
    .filter(
      ({ name, scope }) => scope.consumer !== undefined && authenticationPlugins.includes(name),
    )
    .map(({ name, at }) =>
      error(
        at,
        "scope",
        `asks nobody: who the consumer is, ${name} finds out; put it at the service or the route`,
      ),
    );

/** All who are not that consumer pass without it. */
const onlyOfConsumer: Trap = (configuration, ours) => {
  const { plugins, ways } = configuration;
  // The routes may stand in another file that decK reads with this one.
  if (ways.length === 0) return [];
  return plugins
    .filter(({ name, scope }) => scope.consumer !== undefined && ours.includes(name))
    .filter(({ name }) => name !== clientKey.name && !ways.some((way) => way.plugins.has(name)))
    .map(({ name, at }) =>
      error(
        at,
        "scope",
        `runs for this consumer alone, and requests of all others pass without ${name}: put one at the service, too`,
      ),
    );
};

/** A route of the same service, to the same upstream, on which nothing of ours runs. */
const besideGuarded: Trap = (configuration) => {
  const guarded = new Set(llmWays(configuration).map(({ service }) => service?.at));
  return configuration.ways.flatMap((way): Finding[] => {
    if (!way.service || !guarded.has(way.service.at) || oursOn(way).length > 0) return [];
    const message =
      "goes to an upstream that other routes guard, without a plugin of ours: put them at the service";
    return [warning(way.route, "unguarded-route", message)];
  });
};

/** The key of one upstream, which goes along to all others. */
const keyForAll: Trap = (configuration) =>
  configuration.plugins.filter(isForAll).flatMap((entry): Finding[] => {
    const services = configuration.ways.flatMap((way) =>
      runningOn(way, entry.name) === entry ? (way.service?.at ?? []) : [],
    );
    const hosts = new Set(services.map((at) => hostOf(configuration, at) ?? at.field));
    if (hosts.size < 2) return [];
    const message = `runs for all services, so that ${[...hosts].join(" and ")} get one key, and what is no LLM API answers with 404: put it at the service that it is for`;
    return [warning(entry.at, "key-for-all", message)];
  });

function isForAll(entry: PluginEntry): boolean {
  const keys = stageOptions(entry, "upstream_key")?.get("keys");
  return keys !== undefined && Object.keys(entry.scope).length === 0;
}

export const scopeTraps = [authenticationOfConsumer, onlyOfConsumer, besideGuarded, keyForAll];
