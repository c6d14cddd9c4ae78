// Checks configurations before Kong sees them: finds what is one in the files, reads it, and asks
// every check. Order: by file and line.

import type { Configuration } from "./configuration";
import { isDeclarative, readDeclarative } from "./declarative-file";
import { environmentOf, environmentsIn, isVariables } from "./environment";
import type { Finding } from "./finding";
import { objectsIn, readObjects } from "./kubernetes-objects";
import { Located } from "./located";
import { type CheckedPlugin, optionFindings } from "./options";
import { authenticationTraps } from "./traps/authentication";
import { calendarTraps } from "./traps/calendars";
import { consumerTraps } from "./traps/consumers";
import { deckTraps, furtherDocuments } from "./traps/deck";
import { driverTraps } from "./traps/drivers";
import { entityTraps } from "./traps/entities";
import { entityValueTraps } from "./traps/entity-values";
import { helmTraps } from "./traps/helm";
import { kongSettingTraps } from "./traps/kong-settings";
import { kubernetesTraps } from "./traps/kubernetes";
import { luaTraps } from "./traps/lua";
import { nameTraps } from "./traps/names";
import { pathTraps } from "./traps/paths";
import { patternTraps } from "./traps/patterns";
import { routingTraps } from "./traps/routing";
import { scopeTraps } from "./traps/scopes";
import { documentSecrets, secretTraps } from "./traps/secrets";
import { telemetryTraps } from "./traps/telemetry";
import { tryTraps, wantsTries } from "./traps/tries";

export interface ConfigurationFile {
  file: string;
  text: string;
}

export interface ValidateOptions {
  /** Our plugins by name. */
  plugins: ReadonlyMap<string, CheckedPlugin>;
  /** All kong.yaml files are one configuration, as decK reads several files; else each its own. */
  together?: boolean;
}

const traps = [
  ...entityTraps,
  ...entityValueTraps,
  ...deckTraps,
  ...pathTraps,
  ...routingTraps,
  ...scopeTraps,
  ...consumerTraps,
  ...authenticationTraps,
  ...driverTraps,
  ...luaTraps,
  ...nameTraps,
  ...calendarTraps,
  ...patternTraps,
  ...secretTraps,
  ...tryTraps,
];

export function validate(files: ConfigurationFile[], options: ValidateOptions): Finding[] {
  const read = files
    .filter(({ file }) => !isVariables(file))
    .map(({ file, text }) => ({ file, ...Located.parse(file, text) }));
  const whole = read.flatMap(({ documents }) => documents);
  // In Helm values and ConfigMaps the configuration is a text.
  const embedded = whole.flatMap((one) => [...one.all()].flatMap((at) => at.embedded()));
  const declarative = whole.filter(isDeclarative);
  const objects = [...whole, ...embedded].flatMap(objectsIn);
  const inCluster = readObjects(objects);
  const configurations: Configuration[] = [
    ...(options.together ? [declarative] : declarative.map((one) => [one])).map((roots) =>
      readDeclarative(roots),
    ),
    ...embedded.filter(isDeclarative).map((one) => readDeclarative([one], true)),
    inCluster,
  ];
  const environments = [
    ...files
      .filter(({ file }) => isVariables(file))
      .map(({ file, text }) => environmentOf(file, text)),
    ...[...whole, ...embedded].flatMap(environmentsIn),
  ];
  const findings = [
    ...read.flatMap(({ file, unreadable }) => unreadable.map((one) => notYaml(file, one))),
    ...whole.flatMap((one) =>
      [...one.all()].flatMap((at) => at.embeddedFaults().map((fault) => notYaml(one.file, fault))),
    ),
    ...read.flatMap(({ documents }) => furtherDocuments(documents, isDeclarative)),
    ...read.flatMap(({ file, documents, unreadable }) =>
      documents.length + unreadable.length === 0 ? [holdsNothing(file)] : [],
    ),
    ...[...whole, ...embedded].flatMap((one) => [
      ...documentSecrets(one),
      ...helmTraps(one, inCluster.plugins.some(wantsTries)),
    ]),
    ...configurations.flatMap((one) => configurationFindings(one, options.plugins)),
    ...kubernetesTraps(objects),
    ...environments.flatMap((one) => [...telemetryTraps(one), ...kongSettingTraps(one)]),
  ];
  return inOrder(findings, files);
}

function configurationFindings(
  configuration: Configuration,
  plugins: ValidateOptions["plugins"],
): Finding[] {
  const ofOptions = configuration.plugins.flatMap(({ name, config, at }) => {
    const plugin = plugins.get(name);
    if (!plugin || !config) return [];
    // What is missing may be what the patches bring.
    const isPatched = at.get("configPatches") !== undefined;
    const found = optionFindings(name, plugin, config);
    return found.filter(({ rule }) => !isPatched || rule !== "no-upstream-key");
  });
  const ours = [...plugins.keys()];
  return [...ofOptions, ...traps.flatMap((trap) => trap(configuration, ours))];
}

function holdsNothing(file: string): Finding {
  const message = "holds nothing: is it the file that was meant?";
  return { file, line: 1, severity: "warning", rule: "holds-nothing", field: "", message };
}

function notYaml(file: string, { line, reason }: { line: number; reason: string }): Finding {
  const message = `is not valid YAML: ${reason}`;
  return { file, line, severity: "error", rule: "not-yaml", field: "", message };
}

/** By file as given, then by line; what two checks or two ways say alike is said once. */
function inOrder(findings: Finding[], files: ConfigurationFile[]): Finding[] {
  const place = new Map(files.map(({ file }, index) => [file, index]));
  const once = new Map(
    findings.map((finding) => [
      JSON.stringify([finding.file, finding.line, finding.field, finding.message]),
      finding,
    ]),
  );
  return [...once.values()].sort(
    (one, other) => place.get(one.file)! - place.get(other.file)! || one.line - other.line,
  );
}
