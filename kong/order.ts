// Where our plugins stand among Kong's own: Kong runs the higher priority first. key-auth is 1250
// and acl 950 (their handler.lua in Kong 3.9), so who is asking is known before we decide, and
// pre-function (1000000) has gathered and post-function (-1000) carries out what we decided.
// llm-usage comes first of ours: it only watches, and so sees what the others refuse.

export const order = {
  "llm-usage": 945,
  "llm-models": 940,
  "llm-rate-limit": 930,
  "llm-cache": 920,
  "llm-upstream-key": 910,
  "llm-gateway": 900,
} as const;

export type PluginName = keyof typeof order;
