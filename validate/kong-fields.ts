// The names that Kong OSS 3.9 itself knows: fields of its entities (kong/db/schema/entities), options
// of its plugins that stand beside ours (kong/plugins/*/schema.lua), and its bundled plugins
// (kong/constants.lua).

function names(text: string): string[] {
  return text.trim().split(/\s+/);
}

const stored = "id created_at updated_at tags ws_id";

export const topLevelFields = names(`
  _format_version _transform _comment _info _workspace _plugin_configs services routes consumers
  plugins upstreams targets certificates ca_certificates snis vaults keys key_sets
  keyauth_credentials basicauth_credentials hmacauth_credentials jwt_secrets oauth2_credentials acls
  parameters consumer_groups`);

export const entityFields: Record<string, string[]> = {
  service: names(`${stored} name url protocol host port path retries connect_timeout write_timeout
    read_timeout client_certificate tls_verify tls_verify_depth ca_certificates enabled routes
    plugins`),
  route: names(`${stored} name service protocols methods hosts paths headers snis sources
    destinations https_redirect_status_code regex_priority strip_path path_handling preserve_host
    request_buffering response_buffering expression priority plugins`),
  plugin: names(`${stored} name instance_name enabled config protocols ordering service route
    consumer _config`),
  consumer: names(`${stored} username custom_id keyauth_credentials basicauth_credentials
    hmacauth_credentials jwt_secrets oauth2_credentials acls plugins groups`),
};

const serverless = names("certificate rewrite access header_filter body_filter log");

export const pluginOptions: Record<string, string[]> = {
  "key-auth": names(`key_names hide_credentials anonymous key_in_header key_in_query key_in_body
    run_on_preflight realm`),
  "pre-function": serverless,
  "post-function": serverless,
};

export const authenticationPlugins = names("key-auth jwt oauth2 basic-auth hmac-auth ldap-auth");

export const bundledPlugins = names(`
  pre-function post-function key-auth jwt acl correlation-id cors oauth2 tcp-log udp-log file-log
  http-log hmac-auth basic-auth ip-restriction request-transformer response-transformer
  request-size-limiting rate-limiting response-ratelimiting syslog loggly datadog ldap-auth statsd
  bot-detection aws-lambda request-termination prometheus proxy-cache session acme grpc-gateway
  grpc-web azure-functions zipkin opentelemetry ai-proxy ai-prompt-decorator ai-prompt-template
  ai-prompt-guard ai-request-transformer ai-response-transformer standard-webhooks redirect`);
