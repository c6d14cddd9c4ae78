-- measure.lua: adds to the pace of a target, for all nodes: a mean of the times to its first byte.
-- KEYS[1]  hash of the target; its field pace:KIND holds "sum weight at": milliseconds, how many times they
--          are, and when the latest was heard, by the clock of Redis
-- ARGV[1]  stream or whole
-- ARGV[2]  sum of the times, in ms     ARGV[3]  their weight     ARGV[4]  how long ago the latest was, in ms
-- Returns  the time of Redis, and the field as it is then.

-- As in pace.ts.
local HALF_LIFE_MS = 15000
local KEPT_MS = 600000

local time = redis.call("TIME")
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local field = "pace:" .. ARGV[1]
local sum, weight, at = tonumber(ARGV[2]), tonumber(ARGV[3]), now - tonumber(ARGV[4])

local before = redis.call("HGET", KEYS[1], field)
if before then
  local their_sum, their_weight, their_at = before:match("^(%S+) (%S+) (%S+)$")
  local latest = math.max(at, tonumber(their_at))
  local ours, theirs = 2 ^ ((at - latest) / HALF_LIFE_MS), 2 ^ ((tonumber(their_at) - latest) / HALF_LIFE_MS)
  sum = sum * ours + tonumber(their_sum) * theirs
  weight = weight * ours + tonumber(their_weight) * theirs
  at = latest
end
local pace = string.format("%.3f %.6f %.0f", sum, weight, at)
redis.call("HSET", KEYS[1], field, pace)
-- The cooldown of the target stands in the same hash, and may hold for longer.
redis.call("PEXPIRE", KEYS[1], math.max(KEPT_MS, redis.call("PTTL", KEYS[1])))
return { now, pace }
