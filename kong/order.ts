// Where our plugins stand among Kong's own: Kong runs the higher priority first. key-auth is 1250
// and acl 950 (their handler.lua in Kong 3.9): llm-client-key shows key-auth the key, and who is asking
// is known before the others decide. llm-usage comes first of those: it only watches, and so sees what
// the others refuse. Without Lua files pre-function (1000000) gathers and post-function (-1000) carries out.

export const order = {
  "llm-usage": 945,
  "llm-route": 942,
  "llm-models": 940,
  "llm-privacy": 935,
  "llm-rate-limit": 930,
  "llm-cache": 920,
  "llm-upstream-key": 910,
  "llm-gateway": 900,
} as const;

/** llm-client-key, which is Lua alone: above key-auth and all other authentication by a key. */
export const clientKeyPriority = 1260;

export type PluginName = keyof typeof order;
