-- lua/snippets/tap.lua: keeps a bounded copy of an answer while it streams through. Runs in
-- post-function (body_filter).

local tap = require("kong_llm.tap")

return function()
  tap(kong.ctx.shared.llm_state or {}, kong.ctx.shared.llm_decision)
end
