// The names of what a declarative configuration of Kong OSS 3.9 may hold, and of the fields of its
// entities (kong/db/schema/entities).

function names(text: string): string[] {
  return text.trim().split(/\s+/);
}

// _comment and _ignore are of a DB-less Kong alone.
const stored = "id created_at updated_at tags ws_id _comment _ignore";

export const topLevelFields = names(`
  _format_version _transform _comment _ignore _info _workspace _plugin_configs services routes consumers
  plugins filter_chains upstreams targets certificates ca_certificates snis vaults keys key_sets
  keyauth_credentials basicauth_credentials hmacauth_credentials jwt_secrets oauth2_credentials acls
  parameters consumer_groups`);

export const entityFields: Record<string, string[]> = {
  service: names(`${stored} name url protocol host port path retries connect_timeout write_timeout
    read_timeout client_certificate tls_verify tls_verify_depth ca_certificates enabled routes
    plugins filter_chains`),
  route: names(`${stored} name service protocols methods hosts paths headers snis sources
    destinations https_redirect_status_code regex_priority strip_path path_handling preserve_host
    request_buffering response_buffering expression priority plugins
    filter_chains`),
  plugin: names(`${stored} name instance_name enabled config protocols ordering service route
    consumer consumer_group _config`),
  consumer: names(`${stored} username custom_id keyauth_credentials basicauth_credentials
    hmacauth_credentials jwt_secrets oauth2_credentials acls plugins groups`),
};
