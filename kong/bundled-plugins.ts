// The plugins that Kong OSS 3.9 brings along (kong/constants.lua), and of those that stand beside ours
// what they take and where they run (kong/plugins/NAME/{schema,handler}.lua).

import type { KongField } from "./schema-fields";

function names(text: string): string[] {
  return text.trim().split(/\s+/);
}

export const bundledPlugins = names(`
  pre-function post-function key-auth jwt acl correlation-id cors oauth2 tcp-log udp-log file-log
  http-log hmac-auth basic-auth ip-restriction request-transformer response-transformer
  request-size-limiting rate-limiting response-ratelimiting syslog loggly datadog ldap-auth statsd
  bot-detection aws-lambda request-termination prometheus proxy-cache session acme grpc-gateway
  grpc-web azure-functions zipkin opentelemetry ai-proxy ai-prompt-decorator ai-prompt-template
  ai-prompt-guard ai-request-transformer ai-response-transformer standard-webhooks redirect`);

/** Those of Kong Enterprise that people look for first: Kong OSS refuses a configuration that has one. */
export const paidPlugins = names(`
  openid-connect mtls-auth key-auth-enc oauth2-introspection jwt-signer ldap-auth-advanced saml vault-auth
  header-cert-auth opa canary exit-transformer request-validator oas-validation rate-limiting-advanced
  proxy-cache-advanced graphql-rate-limiting-advanced request-transformer-advanced
  response-transformer-advanced route-transformer-advanced route-by-header forward-proxy mocking
  upstream-timeout tls-handshake-modifier service-protection kafka-log confluent datakit
  websocket-validator xml-threat-protection json-threat-protection injection-protection ai-proxy-advanced
  ai-rate-limiting-advanced ai-semantic-cache ai-semantic-prompt-guard ai-sanitizer ai-azure-content-safety`);

/** Those that find out who asks. */
export const authenticationPlugins = names("key-auth jwt oauth2 basic-auth hmac-auth ldap-auth");

interface Companion {
  priority: number;
  fields: Record<string, KongField>[];
}

const flag = (initial: boolean): KongField => ({
  type: "boolean",
  required: true,
  default: initial,
});

const texts = (initial: string[]): KongField => ({
  type: "array",
  required: true,
  default: initial,
  elements: { type: "string" },
});

const phases = names("certificate rewrite access header_filter body_filter log");
const serverless = phases.map((phase) => ({ [phase]: texts([]) }));

/** Those that stand beside ours, by name. */
export const companions: ReadonlyMap<string, Companion> = new Map([
  ["pre-function", { priority: 1_000_000, fields: serverless }],
  ["post-function", { priority: -1000, fields: serverless }],
  [
    "key-auth",
    {
      priority: 1250,
      fields: [
        { key_names: texts(["apikey"]) },
        { hide_credentials: flag(false) },
        { anonymous: { type: "string" } },
        { key_in_header: flag(true) },
        { key_in_query: flag(true) },
        { key_in_body: flag(false) },
        { run_on_preflight: flag(true) },
        { realm: { type: "string" } },
      ],
    },
  ],
]);
