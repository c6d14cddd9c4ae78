-- lua/tap.lua: keeps a bounded copy of an answer while it streams through, for report.lua, and puts
-- the refusal of present.lua in the place of Kong's. A stream runs through here chunk by chunk.

local trim = require("kong_llm.trim")

-- Of an answer longer than what the stages asked to keep, this many bytes of its end stay: there
-- stand the usage and the last event of a stream.
local TAIL = 64 * 1024

local function keep(kept, chunk)
  local last, size = kept.last + 1, #chunk
  kept.last, kept[last] = last, chunk
  kept.bytes, kept.total = kept.bytes + size, kept.total + size
  if kept.bytes <= kept.most then
    return
  end
  kept.truncated, kept.most = true, TAIL
  while kept.bytes - #kept[kept.first] >= TAIL do
    kept.bytes = kept.bytes - #kept[kept.first]
    kept[kept.first] = nil
    kept.first = kept.first + 1
  end
end

local function nothing(decision)
  return { first = 1, last = 0, bytes = 0, total = 0, most = math.max(decision.keep, TAIL) }
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
    kept = nothing(decision)
    state.kept = kept
  end
  if chunk and chunk ~= "" then
    keep(kept, chunk)
  end
  if ended then
    kept.complete = true
  end
  -- Compressed text has no events to look for: it would wait for its end.
  if decision.without_usage and not state.content_encoding then
    local shown = trim(state, chunk, ended)
    if shown then
      ngx.arg[1] = shown
    end
  end
end
