-- lua/snippets/report.lua: tells the plugin server how each request ended. Runs in post-function (log).

local report = require("kong_llm.report")

-- Its locals live as long as this worker has this config.
return function()
  local shared = kong.ctx.shared
  report(shared.llm_state or {}, shared.llm_decision)
end
