// Reads Kong's declarative configuration: decK's kong.yaml, and the form of it that a DB-less Kong
// 3.9 loads. What decK and DB-less Kong disagree about is settled here.

import { type Document, isMap, isScalar, isSeq, parseDocument, visit } from "yaml";
import { z } from "zod";

const variable = /\$\{\{\s*env\s+"([^"]*)"\s*\}\}/g;

/** A kong.yaml that cannot be used; the message is for the operator. */
export class DeclarativeError extends Error {}

const pluginShape = z.strictObject({
  id: z.string().optional(),
  name: z.string(),
  instance_name: z.string().nullish(),
  config: z.record(z.string(), z.unknown()).nullish(),
  enabled: z.boolean().default(true),
  protocols: z.array(z.string()).optional(),
  route: z.string().optional(),
  service: z.string().optional(),
  consumer: z.string().optional(),
  tags: z.array(z.string()).nullish(),
});

const routeShape = z.strictObject({
  id: z.string().optional(),
  name: z.string().optional(),
  service: z.union([z.string(), z.strictObject({ name: z.string() })]).optional(),
  hosts: z.array(z.string()).optional(),
  paths: z.array(z.string()).optional(),
  methods: z.array(z.string()).optional(),
  headers: z.record(z.string(), z.array(z.string())).optional(),
  protocols: z.array(z.string()).default(["http", "https"]),
  strip_path: z.boolean().default(true),
  preserve_host: z.boolean().default(false),
  regex_priority: z.number().int().default(0),
  path_handling: z.enum(["v0", "v1"]).default("v0"),
  https_redirect_status_code: z.number().int().default(426),
  request_buffering: z.boolean().default(true),
  response_buffering: z.boolean().default(true),
  tags: z.array(z.string()).nullish(),
  plugins: z.array(pluginShape).default([]),
});

const milliseconds = z
  .number()
  .int()
  .min(1)
  .max(2 ** 31 - 2)
  .default(60_000);

const serviceShape = z.strictObject({
  id: z.string().optional(),
  name: z.string().optional(),
  url: z.string().optional(),
  protocol: z.enum(["http", "https"]).default("http"),
  host: z.string().optional(),
  port: z.number().int().min(0).max(65535).optional(),
  path: z.string().optional(),
  retries: z.number().int().min(0).max(32767).default(5),
  connect_timeout: milliseconds,
  write_timeout: milliseconds,
  read_timeout: milliseconds,
  enabled: z.boolean().default(true),
  tls_verify: z.boolean().nullish(),
  tags: z.array(z.string()).nullish(),
  routes: z.array(routeShape).default([]),
  plugins: z.array(pluginShape).default([]),
});

const consumerShape = z.strictObject({
  id: z.string().optional(),
  username: z.string().optional(),
  custom_id: z.string().optional(),
  tags: z.array(z.string()).nullish(),
  keyauth_credentials: z
    .array(
      z.strictObject({
        id: z.string().optional(),
        key: z.string(),
        tags: z.array(z.string()).nullish(),
        ttl: z.number().nullish(),
      }),
    )
    .default([]),
  acls: z.array(z.unknown()).optional(),
  plugins: z.array(pluginShape).default([]),
});

const configShape = z.strictObject({
  _format_version: z.enum(["3.0", "2.1", "1.1"]),
  _transform: z.boolean().optional(),
  _comment: z.string().optional(),
  services: z.array(serviceShape).default([]),
  routes: z.array(routeShape).default([]),
  consumers: z.array(consumerShape).default([]),
  plugins: z.array(pluginShape).default([]),
});

export type DeclarativePlugin = z.infer<typeof pluginShape>;
export type DeclarativeRoute = z.infer<typeof routeShape>;
export type DeclarativeService = z.infer<typeof serviceShape>;
export type DeclarativeConsumer = z.infer<typeof consumerShape>;
/** A DB-less configuration, nested as it is written, with Kong's defaults filled in. */
export type DeclarativeConfig = z.infer<typeof configShape>;

/**
 * Turns decK's kong.yaml into the YAML that a DB-less Kong loads: puts the DECK_ variables in, and
 * drops `_info`, which only decK knows.
 * @param upstream where all services shall send instead, such as http://model-server:8080
 * @throws DeclarativeError when it does not parse, variables are missing or consumer_groups are used
 */
export function renderDeclarative(
  text: string,
  environment: Record<string, string | undefined>,
  upstream?: URL,
): string {
  const document = parseYaml(text);
  resolveVariables(document, environment);
  document.delete("_info");
  refuseConsumerGroups(document);
  if (upstream) sendTo(upstream, document);
  return document.toString({ lineWidth: 0 });
}

function sendTo({ protocol, hostname, port }: URL, document: Document): void {
  const services = document.get("services");
  if (!isSeq(services)) return;
  for (const service of services.items) {
    if (!isMap(service)) continue;
    const url = service.get("url");
    if (typeof url === "string") service.set("path", new URL(url).pathname);
    service.delete("url");
    service.set("protocol", protocol.slice(0, -1));
    service.set("host", hostname);
    service.set("port", Number(port) || (protocol === "https:" ? 443 : 80));
  }
}

/** The environment variables that a kong.yaml names, in order. */
export function variablesOf(text: string): string[] {
  return [...new Set([...text.matchAll(variable)].map(([, name]) => name!))];
}

/**
 * Parses the YAML that a DB-less Kong loads.
 * @throws DeclarativeError that names each field at fault
 */
export function parseDeclarative(text: string): DeclarativeConfig {
  const document = parseYaml(text);
  refuseConsumerGroups(document);
  const parsed = configShape.safeParse(document.toJS());
  if (parsed.success) return parsed.data;
  throw new DeclarativeError(
    parsed.error.issues
      .map((issue) => `${issue.path.join(".") || "the file"}: ${issue.message}`)
      .join("\n"),
  );
}

function parseYaml(text: string): Document {
  const document = parseDocument(text);
  const [error] = document.errors;
  if (error) throw new DeclarativeError(`not valid YAML: ${error.message}`);
  if (!isMap(document.contents)) {
    throw new DeclarativeError("not a declarative configuration: it must be a map of entities");
  }
  return document;
}

// Values go into the parsed scalars and not into the text, so that no value can change the YAML
// around it. As with decK, an unquoted one may become a number or a boolean.
function resolveVariables(
  document: Document,
  environment: Record<string, string | undefined>,
): void {
  const missing = new Set<string>();
  visit(document, {
    Scalar(_key, node) {
      if (typeof node.value !== "string" || !node.value.includes("${{")) return;
      const resolved = node.value.replace(variable, (_whole, name: string) => {
        if (!name.startsWith("DECK_")) {
          throw new DeclarativeError(`"${name}" must start with DECK_, as decK demands`);
        }
        const value = environment[name];
        if (value === undefined) missing.add(name);
        return value ?? "";
      });
      if (resolved.includes("${{")) {
        throw new DeclarativeError(`only \${{ env "DECK_NAME" }} is understood: ${node.value}`);
      }
      node.value = node.type === "PLAIN" ? plainValue(resolved) : resolved;
    },
  });
  if (missing.size > 0) {
    throw new DeclarativeError(`environment variables not set: ${[...missing].join(", ")}`);
  }
}

function plainValue(text: string): unknown {
  const { contents } = parseDocument(text);
  return isScalar(contents) ? contents.value : text;
}

// Kong OSS has the field in its schema of Enterprise only, and says "unknown field".
function refuseConsumerGroups(document: Document): void {
  const whole = document.toJS() as Record<string, unknown>;
  const consumers = Array.isArray(whole.consumers) ? (whole.consumers as unknown[]) : [];
  const grouped = consumers.some(
    (consumer) => typeof consumer === "object" && consumer !== null && "groups" in consumer,
  );
  if (!("consumer_groups" in whole) && !grouped) return;
  throw new DeclarativeError(
    "consumer_groups are a feature of Kong Enterprise: use consumers' tags, which the plugins match",
  );
}
