-- lua/snippets/gather.lua: puts what the stages need of a request into kong.ctx.shared.llm, where the
-- plugin server reads it with one call. Runs in pre-function (access), before key-auth.

local show_key = require("kong_llm.client-key")
local gather = require("kong_llm.gather")

-- A body of so many bytes waits here until the plugin server has room for it (kong/large-bodies.ts).
local LONG = 1024 * 1024

return function()
  show_key()
  local gathered, body = gather()
  gathered.id = ngx.var.kong_request_id
  if body and #body >= LONG then
    kong.ctx.shared.llm_body, gathered.long_body = body, #body
  else
    gathered.body = body
  end
  -- carry-out.lua of version 0.1 does not: it gets the body as it shall be.
  gathered.takes_edits = true
  kong.ctx.shared.llm = gathered
end
