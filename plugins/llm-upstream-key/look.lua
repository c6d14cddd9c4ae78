-- look.lua: what is known of keys that were refused, for a node that refreshes its own view.
-- KEYS[i]  hash of key i: since, until (absent while it is awake)
-- Returns  1: the time of Redis; 1 + i: {since, until} of key i, nil where there is none.
-- Times in milliseconds since the epoch, by the clock of Redis.

local time = redis.call("TIME")
local reply = { tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000) }
for i, key in ipairs(KEYS) do
  reply[i + 1] = redis.call("HMGET", key, "since", "until")
end
return reply
