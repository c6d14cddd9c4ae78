-- wake.lua: wakes a key on all nodes that the upstream has taken again on one.
-- KEYS[1]  hash of the key: since, until (absent while it is awake)
-- ARGV[1]  how long ago the request was sent, in ms     ARGV[2]  how long ago it ended, in ms
-- Returns  1, or 0 where it was awake, or was refused after the request was sent.

local known = redis.call("HMGET", KEYS[1], "since", "until")
local time = redis.call("TIME")
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
if not known[2] or now - tonumber(ARGV[1]) < tonumber(known[1]) then
  return 0
end

redis.call("HSET", KEYS[1], "since", now - tonumber(ARGV[2]))
redis.call("HDEL", KEYS[1], "until")
-- So long nodes that have seen it rest would let it rest.
redis.call("PEXPIRE", KEYS[1], math.max(1, tonumber(known[2]) - now))
return 1
