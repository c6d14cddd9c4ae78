-- lua/snippets/carry-out.lua: carries out what the plugins decided, and lets nothing upstream that they
-- did not decide about. Runs in post-function (access), after all other plugins.

local carry_out = require("kong_llm.carry-out")
local expiry = require("kong_llm.expiry")

-- The plugins that guard this route (written here by `npm run docs`).
local EXPECTED = { "llm-gateway" }

local function is_decided_by(plugin, decision)
  for _, name in ipairs(decision and decision.plugins or {}) do
    if name == plugin then
      return true
    end
  end
  return false
end

return function()
  local decision = kong.ctx.shared.llm_decision
  -- Kong goes on without a plugin whose server is down or answered with an error: closed here.
  for _, plugin in ipairs(EXPECTED) do
    if not is_decided_by(plugin, decision) then
      kong.log.err(plugin, " has not decided about this request: answering 503")
      -- present.lua gives it the body.
      return kong.response.exit(503, "", { ["Retry-After"] = "1" })
    end
  end
  local expires = expiry()
  if expires and expires <= os.date("!%Y-%m-%dT%H:%M:%SZ") then
    return kong.response.exit(401, "")
  end
  local shared = kong.ctx.shared
  carry_out(decision, shared.llm.body or shared.llm_body)
  -- It may be long, and nobody needs it any more.
  shared.llm.body, shared.llm_body = nil, nil
end
