// Reads Kong's declarative configuration: decK's kong.yaml, and the form of it that a DB-less Kong
// 3.9 loads. What decK and DB-less Kong disagree about is settled here.

import { type Document, isMap, stringify } from "yaml";
import { z } from "zod";
import { type Entity, entitiesIn, withoutDeckWords } from "./deck-words";
import { DeclarativeError } from "./declarative-error";
import { faultIn, parse11, valueIn } from "./yaml-1-1";

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
 * Turns decK's kong.yaml into the YAML that a DB-less Kong loads: does what decK does before it sends
 * the file to a Kong.
 * @param upstream where all services shall send instead, such as http://model-server:8080
 * @throws DeclarativeError when it does not parse, something that it names is missing, or consumer_groups are used
 */
export function renderDeclarative(
  text: string,
  environment: Record<string, string | undefined>,
  upstream?: URL,
): string {
  const file = withoutDeckWords(parseYaml(text), environment);
  refuseConsumerGroups(file);
  if (upstream) sendTo(upstream, file);
  return stringify(file, { version: "1.1", lineWidth: 0, aliasDuplicateObjects: false });
}

function sendTo({ protocol, hostname, port }: URL, file: Entity): void {
  for (const service of entitiesIn(file.services)) {
    const { url } = service;
    if (typeof url === "string") service.path = new URL(url).pathname;
    delete service.url;
    service.protocol = protocol.slice(0, -1);
    service.host = hostname;
    service.port = Number(port) || (protocol === "https:" ? 443 : 80);
  }
}

/**
 * Parses the YAML that a DB-less Kong loads.
 * @throws DeclarativeError that names each field at fault
 */
export function parseDeclarative(text: string): DeclarativeConfig {
  const file = valueIn(parseYaml(text)) as Entity;
  refuseConsumerGroups(file);
  const parsed = configShape.safeParse(file);
  if (parsed.success) return parsed.data;
  throw new DeclarativeError(
    parsed.error.issues
      .map((issue) => `${issue.path.join(".") || "the file"}: ${issue.message}`)
      .join("\n"),
  );
}

function parseYaml(text: string): Document {
  const [document, further] = parse11(text);
  const fault = document && faultIn(document);
  if (fault) throw new DeclarativeError(`not valid YAML: ${fault.reason}`);
  if (further) {
    throw new DeclarativeError(
      "holds several documents, of which decK and Kong read only the first",
    );
  }
  if (!document || !isMap(document.contents)) {
    throw new DeclarativeError("not a declarative configuration: it must be a map of entities");
  }
  return document;
}

// Kong OSS has the field in its schema of Enterprise only, and says "unknown field".
function refuseConsumerGroups(file: Entity): void {
  const grouped = entitiesIn(file.consumers).some((consumer) => "groups" in consumer);
  if (!("consumer_groups" in file) && !grouped) return;
  throw new DeclarativeError(
    "consumer_groups are a feature of Kong Enterprise: use consumers' tags, which the plugins match",
  );
}
