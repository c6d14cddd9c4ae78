-- lua/tap.lua: keeps a bounded copy of an answer while it streams through, for report.lua, and
-- puts present.lua's refusal in the place of Kong's. Runs in post-function (body_filter).

-- Of an answer longer than what the stages asked to keep, this many bytes of its end stay: there
-- stand the usage and the [DONE] of a stream.
local TAIL = 64 * 1024

local shared = kong.ctx.shared
local chunk, ended = ngx.arg[1], ngx.arg[2]

if shared.llm_refusal then
  ngx.arg[1] = ended and shared.llm_refusal or ""
  return
end

local decision = shared.llm_decision
if not decision or shared.llm_learned then
  return
end

local kept = shared.llm_kept
if not kept then
  kept = { first = 1, last = 0, bytes = 0, total = 0, truncated = false, complete = false }
  shared.llm_kept = kept
end

if chunk and chunk ~= "" then
  kept.last = kept.last + 1
  kept[kept.last] = chunk
  kept.bytes, kept.total = kept.bytes + #chunk, kept.total + #chunk
end
kept.complete = kept.complete or ended

kept.truncated = kept.truncated or kept.bytes > math.max(decision.keep, TAIL)
while kept.truncated and kept.bytes - #kept[kept.first] >= TAIL do
  kept.bytes = kept.bytes - #kept[kept.first]
  kept[kept.first] = nil
  kept.first = kept.first + 1
end
