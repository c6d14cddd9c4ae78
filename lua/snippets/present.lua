-- lua/snippets/present.lua: completes the head of an answer: our headers, who made it, and the shape of
-- the caller's API for what Kong refused by itself. Runs in post-function (header_filter).

local present = require("kong_llm.present")

return function()
  local shared = kong.ctx.shared
  shared.llm_state = {}
  present(shared.llm_state, shared.llm or {}, shared.llm_decision)
end
