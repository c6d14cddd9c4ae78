-- lua/carry-out.lua: makes the upstream request what was decided, and nothing more: no credential,
-- name or account of the client goes on, however its header is spelt.

local aim = require("kong_llm.aim")
local edited = require("kong_llm.edited")
local remembered = require("kong_llm.remembered")

-- By lower case with hyphens. A trailing * is any end.
local OURS = {
  "authorization", "proxy-authorization", "cookie", "ocp-apim-subscription-key", "openai-organization",
  "openai-project", "chatgpt-account-id", "x-consumer-*", "x-credential-*", "x-anonymous-*", "x-llm-*",
  -- Who a person is, with tokens and addresses, as proxies before Kong and Open WebUI tell it.
  "x-forwarded-user", "x-forwarded-email", "x-forwarded-preferred-username", "x-forwarded-groups",
  "x-forwarded-access-token", "x-auth-*", "x-access-token", "x-id-token", "x-userinfo", "x-authenticated-*",
  "remote-user", "remote-email", "remote-name", "remote-groups", "cf-*", "true-client-ip", "x-amzn-oidc-*",
  "x-goog-authenticated-user-*", "x-goog-iap-*", "x-ms-client-principal*", "x-ms-token-*",
  "x-openwebui-user-*",
  -- By which some servers take a request for another one than what was decided about.
  "x-http-method*", "x-method-override", "x-original-url", "x-rewrite-url",
}
-- Whoever it is for: x-api-key, api-key, apikey, x-goog-api-key.
local KEY = "apikey"
local exact, beginnings = {}, {}
for _, name in ipairs(OURS) do
  if name:sub(-1) == "*" then
    beginnings[#beginnings + 1] = name:sub(1, -2)
  else
    exact[name] = true
  end
end

local function is_ours(name)
  local plain = name:lower():gsub("_", "-")
  if exact[plain] or plain:gsub("%-", ""):sub(-#KEY) == KEY then
    return true
  end
  for _, beginning in ipairs(beginnings) do
    if plain:sub(1, #beginning) == beginning then
      return true
    end
  end
  return false
end

local stays_here = remembered(is_ours)

-- Longest body that is changed, in bytes: files of forms are bounded by their servers well below.
local LONGEST = 256 * 1024 * 1024

-- headers: those of the request, where somebody has them already. Whether the body was changed.
return function(decision, body, headers)
  local upstream = kong.service.request
  for name in pairs(headers or ngx.req.get_headers(0)) do
    if stays_here(name) then
      upstream.clear_header(name)
    end
  end
  -- The tap reads the answer as it passes, so it must not be compressed.
  upstream.set_header("Accept-Encoding", "identity")
  for name, value in pairs(decision.headers) do
    if value then
      upstream.set_header(name, value)
    else
      upstream.clear_header(name)
    end
  end
  local target = decision.target
  if target then
    upstream.set_scheme(target.scheme)
    aim(target)
    if target.scheme == "https" then
      -- For all tries of the request: none at a host that is checked otherwise is among them.
      assert(kong.service.set_tls_verify(target.verifies_tls))
    end
  end
  if decision.path then
    upstream.set_path(decision.path)
  end
  if #decision.edits == 0 then
    return false
  end
  -- Of a form only the fields were read so far.
  local changed = edited(body or assert(kong.request.get_raw_body(LONGEST)), decision.edits)
  upstream.set_raw_body(changed)
  return true
end
