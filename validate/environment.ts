// The environments of processes, as files give them: a container's in Kubernetes objects and Helm values, a
// service's in a Compose file, and a file of variables, which Compose and systemd read. A kong.conf says the
// same in names of its own.

import type { Place } from "./finding";
import type { Located } from "./located";

export interface Variable extends Place {
  name: string;
  /** Undefined where its value comes from elsewhere: a Secret, another variable. */
  text: string | undefined;
}

export interface ProcessEnvironment {
  variables: Variable[];
  /** What it runs, where that is told beside its environment. */
  image?: Variable;
  /** What the process is started with, as far as it is told here. */
  arguments: string[];
  /** The operator says that it is for us. */
  isOurs: boolean;
}

/** Whether a file is one of variables, a line each: `.env`, `production.env`, `kong.conf`. */
export function isVariables(file: string): boolean {
  return /(?:^|[/\\.])env$|\.conf$/.test(file);
}

/** Those of all containers and services in a document. */
export function environmentsIn(document: Located): ProcessEnvironment[] {
  return [...document.all()].flatMap((one) => {
    const given = one.get("env") ?? one.get("environment");
    const variables = given ? [...ofKubernetes(given), ...ofCompose(given)] : [];
    if (variables.length === 0) return [];
    variables.push(...preInstalled(one, variables));
    const started = [...words(one.get("command")), ...words(one.get("args"))];
    const named = one.get("image");
    const image = named?.text && { ...placeOf(named), name: "image", text: named.text };
    return [{ variables, arguments: started, isOurs: false, ...(image && { image }) }];
  });
}

/** The chart makes `plugins` of it, behind those that Kong brings along. */
function preInstalled(values: Located, variables: readonly Variable[]): Variable[] {
  const at = values.find(["plugins", "preInstalled"]);
  if (!at?.text || variables.some(({ name }) => name === "plugins")) return [];
  return [{ ...placeOf(at), name: "plugins", text: literal(`bundled,${at.text}`) }];
}

/** In a kong.conf with spaces around the sign. */
const assignment = /^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=\s*(.*)$/;

/** That of a file of variables; its comments and what is no assignment are left out. */
export function environmentOf(file: string, text: string): ProcessEnvironment {
  const variables = text.split(/\r?\n/).flatMap((one, index): Variable[] => {
    const [, name, written] = assignment.exec(one) ?? [];
    if (name === undefined || written === undefined) return [];
    const quoted = /^(["'])(.*)\1\s*(?:#.*)?$/.exec(written)?.[2];
    const value = quoted ?? written.replace(/(?:^|\s+)#.*$/, "").trim();
    return [{ file, line: index + 1, field: name, name, text: literal(value) }];
  });
  return { variables, arguments: [], isOurs: true };
}

/** `env: [{ name, value }]`. */
function ofKubernetes(list: Located): Variable[] {
  return list.items().flatMap((item): Variable[] => {
    const name = item.get("name")?.text;
    if (name === undefined) return [];
    const at = item.get("value") ?? item;
    return [{ ...placeOf(at), name, text: literal(textOf(item.get("value"))) }];
  });
}

/** `environment: { NAME: value }`, or a list of `NAME=value`. */
function ofCompose(given: Located): Variable[] {
  const listed = given.items().flatMap((item): Variable[] => {
    const [, name, value] = /^([A-Za-z_]\w*)=(.*)$/s.exec(item.text ?? "") ?? [];
    return name === undefined ? [] : [{ ...placeOf(item), name, text: literal(value) }];
  });
  const named = given.members().map(([name, at]): Variable => {
    return { ...placeOf(at), name, text: literal(textOf(at)) };
  });
  return [...listed, ...named];
}

function placeOf({ file, line, field }: Located): Place {
  return { file, line, field };
}

/** In YAML a number or a word such as `off` may stand without quotes. */
function textOf(at: Located | undefined): string | undefined {
  const value = at?.value;
  return value === undefined || value === null || typeof value === "object"
    ? undefined
    : `${value}`;
}

/** `$(NAME)` is Kubernetes', `${NAME}` Compose's. */
function literal(text: string | undefined): string | undefined {
  return text?.includes("$") ? undefined : text;
}

function words(list: Located | undefined): string[] {
  const items = list?.items() ?? [];
  return items.length > 0
    ? items.flatMap(({ text }) => text ?? [])
    : (list?.text?.split(/\s+/) ?? []);
}
