-- lua/tap.lua: keeps a bounded copy of an answer while it streams through, for report.lua, and puts
-- the refusal of present.lua in the place of Kong's.

local trim = require("kong_llm.trim")

-- Of an answer longer than what the stages asked to keep, this many bytes of its end stay: there
-- stand the usage and the last event of a stream.
local TAIL = 64 * 1024

local function keep(kept, chunk, most)
  if chunk and chunk ~= "" then
    kept.last = kept.last + 1
    kept[kept.last] = chunk
    kept.bytes, kept.total = kept.bytes + #chunk, kept.total + #chunk
  end
  kept.truncated = kept.truncated or kept.bytes > math.max(most, TAIL)
  while kept.truncated and kept.bytes - #kept[kept.first] >= TAIL do
    kept.bytes = kept.bytes - #kept[kept.first]
    kept[kept.first] = nil
    kept.first = kept.first + 1
  end
end

return function(state, decision)
  local chunk, ended = ngx.arg[1], ngx.arg[2]
  if state.refusal then
    ngx.arg[1] = ended and state.refusal or ""
    return
  end
  if not decision or state.learned then
    return
  end
  local kept = state.kept
  if not kept then
    kept = { first = 1, last = 0, bytes = 0, total = 0, truncated = false, complete = false }
    state.kept = kept
  end
  keep(kept, chunk, decision.keep)
  kept.complete = kept.complete or ended
  if decision.without_usage then
    ngx.arg[1] = trim(state, chunk, ended)
  end
end
