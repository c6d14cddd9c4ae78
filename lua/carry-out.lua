-- lua/carry-out.lua: carries out what the plugins decided, and lets nothing upstream that they
-- did not decide about. Runs in post-function (access), after all other plugins.

-- The plugins that guard this route (written here by `npm run docs`).
local EXPECTED = { "llm-gateway" }

-- What a client or key-auth set for this gateway is nobody else's business.
local OURS = {
  "Authorization", "X-API-Key", "Cookie", "X-Consumer-ID", "X-Consumer-Username",
  "X-Consumer-Custom-ID", "X-Credential-Identifier", "X-Anonymous-Consumer",
}

local decision = kong.ctx.shared.llm_decision

local function is_decided_by(plugin)
  for _, name in ipairs(decision and decision.plugins or {}) do
    if name == plugin then
      return true
    end
  end
  return false
end

-- Kong goes on without a plugin whose server is down or answered with an error: closed here.
for _, plugin in ipairs(EXPECTED) do
  if not is_decided_by(plugin) then
    kong.log.err(plugin, " has not decided about this request: answering 503")
    -- present.lua gives it the body.
    return kong.response.exit(503, "", { ["Retry-After"] = "1" })
  end
end

local upstream = kong.service.request
for _, name in ipairs(OURS) do
  upstream.clear_header(name)
end
-- The tap reads the answer as it passes, so it must not be compressed.
upstream.set_header("Accept-Encoding", "identity")
for name, value in pairs(decision.headers) do
  upstream.set_header(name, value)
end
if decision.body then
  upstream.set_raw_body(decision.body)
end
