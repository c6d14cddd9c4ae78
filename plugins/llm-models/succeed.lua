-- succeed.lua: brings a target back that cooled, by a request that it served since then.
-- KEYS[1]  hash of the target: since, until (absent while it is healthy), probed
-- KEYS[2]  list of its latest failures
-- ARGV[1]  how long ago the request was sent, in ms     ARGV[2]  how long ago it ended, in ms
-- Returns  1 when it comes back, 0 when it was healthy or the request is older than its cooldown.

local KEPT_MS = 3600000

local known = redis.call("HMGET", KEYS[1], "since", "until")
local time = redis.call("TIME")
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
if not known[2] or now - tonumber(ARGV[1]) < tonumber(known[1]) then
  return 0
end

redis.call("HSET", KEYS[1], "since", now - tonumber(ARGV[2]))
redis.call("HDEL", KEYS[1], "until", "probed")
redis.call("PEXPIRE", KEYS[1], KEPT_MS)
redis.call("DEL", KEYS[2])
return 1
