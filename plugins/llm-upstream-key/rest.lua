-- rest.lua: lets a key rest on all nodes that the upstream has refused on one.
-- KEYS[1]  hash of the key: since, until (absent while it is awake)
-- ARGV[1]  how long ago the upstream refused it, in ms
-- ARGV[2]  how long it rests from then on, in ms
-- Returns  1, or 0 where something later is known. Times are kept by the clock of Redis.

local MOST_MS = 3600000

local time = redis.call("TIME")
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local refused_at, rests_ms = now - tonumber(ARGV[1]), math.min(tonumber(ARGV[2]), MOST_MS)

local known = redis.call("HMGET", KEYS[1], "since", "until")
local rests_until = math.max(refused_at + rests_ms, tonumber(known[2] or 0))
if refused_at < tonumber(known[1] or 0) or rests_until <= now then
  return 0
end
redis.call("HSET", KEYS[1], "since", refused_at, "until", rests_until)
redis.call("PEXPIRE", KEYS[1], rests_until - now)
return 1
