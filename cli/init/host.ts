// What a host needs that runs Kong already: a unit for the plugin server, what Kong's own unit shall get
// in addition, and the commands that bring both in.

import { kongYaml } from "./kong-yaml";
import { clientKeyIn, envFile, firstRequest, type Secrets } from "./secrets";
import type { Wanted } from "./wanted";
import type { Plan, Step, WrittenFile } from "./written-file";

const files = "/etc/kong-llm";
const sockets = "/run/kong-llm";
const standIn = new URL("http://127.0.0.1:9080");
const env = "kong-llm.env";

export function hostPlan(wanted: Wanted, secrets: Secrets): Plan {
  const { consumer, upstream } = wanted;
  const values = {
    HOLYSHEEP_API_KEY: secrets.upstreamKey,
    ...clientKeyIn(secrets, consumer),
  };
  const about = `Kong reads it by its unit, decK by your shell. Several nodes count together with one more line:
# REDIS_URL=redis://127.0.0.1:6379/0`;
  return {
    files: [
      { path: "kong.yaml", text: kongYaml(wanted, upstream ?? standIn) },
      envFile(env, about, values),
      unit("kong-llm", "Plugin server of kong-llm", `serve --socket-mode 0660`, runtime),
      ...(upstream
        ? []
        : [unit("kong-llm-stand-in", "Stand-in model", `stand-in --address ${standIn.host}`)]),
      { path: "systemd/kong.service.d/kong-llm.conf", text: dropIn },
    ],
    steps: steps(consumer, upstream === undefined),
  };
}

const runtime = `RuntimeDirectory=kong-llm
RuntimeDirectoryMode=0750
# Ends open questions first.
TimeoutStopSec=15
`;

// Kong's packages make the user kong, which its workers run as.
function unit(name: string, description: string, command: string, more = ""): WrittenFile {
  const text = `[Unit]
Description=${description}
After=network-online.target
Wants=network-online.target
Before=kong.service

[Service]
User=kong
Group=kong
Environment=PATH=/usr/local/bin:/usr/bin:/bin NODE_OPTIONS=--max-semi-space-size=4
ExecStart=/usr/bin/env kong-llm ${command}
Restart=always
RestartSec=1
${more}NoNewPrivileges=yes
PrivateTmp=yes
ProtectHome=yes
ProtectSystem=strict

[Install]
WantedBy=multi-user.target
`;
  return { path: `systemd/${name}.service`, text };
}

const dropIn = `# What Kong's own unit gets in addition; kong.conf stays as it is.
[Unit]
Wants=kong-llm.service
After=kong-llm.service

[Service]
EnvironmentFile=${files}/${env}
Environment=KONG_PLUGINS=bundled,llm-client-key,llm-gateway
Environment="KONG_LUA_PACKAGE_PATH=${files}/?.lua;;"
Environment=KONG_PLUGINSERVER_NAMES=llm_gateway
Environment=KONG_PLUGINSERVER_LLM_GATEWAY_SOCKET=${sockets}/kong-llm.sock
Environment="KONG_PLUGINSERVER_LLM_GATEWAY_QUERY_CMD=cat ${files}/dumps/llm-gateway.json"
Environment=KONG_NGINX_HTTP_CLIENT_BODY_BUFFER_SIZE=1m
# Repeats only what was never sent, so that nothing is paid twice.
Environment="KONG_NGINX_PROXY_PROXY_NEXT_UPSTREAM=error timeout"
Environment=KONG_NGINX_PROXY_PROXY_NEXT_UPSTREAM_TRIES=3
# Kong does not check the upstream's certificate unless it is told to.
Environment=KONG_NGINX_PROXY_PROXY_SSL_VERIFY=on
Environment=KONG_NGINX_PROXY_PROXY_SSL_VERIFY_DEPTH=3
Environment=KONG_NGINX_PROXY_PROXY_SSL_TRUSTED_CERTIFICATE=/etc/ssl/certs/ca-certificates.crt
`;

function steps(consumer: string, isStandIn: boolean): Step[] {
  const units = isStandIn ? "kong-llm kong-llm-stand-in" : "kong-llm";
  return [
    {
      why: "Put what Kong reads where its workers can read it.",
      command: `sudo kong-llm install --dir ${files}`,
    },
    {
      why: "Bring the variables and the units in.",
      command: `sudo install -m 600 ${env} ${files}/ && sudo cp -r systemd/. /etc/systemd/system/`,
    },
    {
      why: "Start the plugin server, then Kong anew.",
      command: `sudo systemctl daemon-reload && sudo systemctl enable --now ${units} && sudo systemctl restart kong`,
    },
    {
      why: "Give Kong the configuration.",
      command: `(set -a && . ./${env} && deck gateway sync kong.yaml)`,
    },
    {
      why: "Ask it, some five seconds later.",
      command: firstRequest("http://127.0.0.1:8000", env, consumer),
    },
  ];
}
