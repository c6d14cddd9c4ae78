-- probe.lua: takes the one probe of a target whose cooldown is over, for all nodes.
-- KEYS[1]  hash of the target: since, until (absent while it is healthy), probed
-- ARGV[1]  how long the probe may take, in ms
-- Returns  0 when the caller may send its request; else after how many ms it may ask again, because
--          another node probes the target, or it cools once more.

local KEPT_MS = 3600000

local known = redis.call("HMGET", KEYS[1], "until", "probed")
local time = redis.call("TIME")
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local busy_until = math.max(tonumber(known[1] or 0), tonumber(known[2] or 0))
if busy_until > now then
  return busy_until - now
end
if known[1] then
  redis.call("HSET", KEYS[1], "probed", now + tonumber(ARGV[1]))
  redis.call("PEXPIRE", KEYS[1], tonumber(ARGV[1]) + KEPT_MS)
end
return 0
