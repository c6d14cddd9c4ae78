-- tell.lua: keeps what an upstream said is left of its limits for one key, for all nodes.
-- KEYS[1]  hash of the target; its field left:PLACE holds "keys heard_at requests reset_at tokens reset_at",
--          times by the clock of Redis, -1 for what was not told
-- ARGV[1]  place of the key                             ARGV[2]  how many keys there are
-- ARGV[3]  how long ago the upstream said so, in ms
-- ARGV[4]  requests left, -1: not told                  ARGV[5]  in how many ms they are all there again
-- ARGV[6]  tokens left, -1: not told                    ARGV[7]  in how many ms they are all there again
-- Returns  1, or 0 where something later is known.

local MOST_MS = 86400000

local time = redis.call("TIME")
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local place, keys, heard_at = ARGV[1], ARGV[2], now - tonumber(ARGV[3])
local requests, requests_ms = tonumber(ARGV[4]), math.min(tonumber(ARGV[5]), MOST_MS)
local tokens, tokens_ms = tonumber(ARGV[6]), math.min(tonumber(ARGV[7]), MOST_MS)

local field = "left:" .. place
local before = redis.call("HGET", KEYS[1], field)
if before and tonumber(before:match("^%S+ (%S+)")) > heard_at then
  return 0
end
redis.call("HSET", KEYS[1], field, string.format("%s %.0f %.0f %.0f %.0f %.0f", keys, heard_at,
  requests, now + requests_ms, tokens, now + tokens_ms))
-- The cooldown of the target stands in the same hash, and may hold for longer.
local holds_ms = math.max(requests_ms, tokens_ms, 1)
redis.call("PEXPIRE", KEYS[1], math.max(holds_ms, redis.call("PTTL", KEYS[1])))
return 1
