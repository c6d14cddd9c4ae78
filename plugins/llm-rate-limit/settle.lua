-- Corrects what a request has taken by what it has used, once, in the windows where it was taken.
--
-- KEYS[i]         tally of limit i, as take.lua has written it; it keeps its expiry
-- KEYS[n+1]       the reservation of the request, where it has made one: gone when it is settled
-- ARGV[1]         id of the request
-- ARGV[3i-1]      window of limit i
-- ARGV[3i]        start of the bucket that was taken in
-- ARGV[3i+1]      used minus taken
-- returns         1 when it was settled by this call, 0 when it was already or is not known any more
-- A lease is given back each time: that cannot be done twice.

local lengths = { second = 1000, minute = 60000, hour = 3600000 }
local limits = (#ARGV - 1) / 3
local reservation = KEYS[limits + 1]

local known = not reservation or redis.call("DEL", reservation) == 1
for i = 1, limits do
  local key, window = KEYS[i], ARGV[3 * i - 1]
  local start, change = tonumber(ARGV[3 * i]), tonumber(ARGV[3 * i + 1])
  if window == "lease" then
    redis.call("ZREM", key, ARGV[1])
  elseif known and change ~= 0 then
    local stored = redis.call("HMGET", key, "start", "count", "previous")
    local counted = tonumber(stored[1] or -1)
    -- A key that is gone is not made again: it would have no expiry.
    if counted == start then
      redis.call("HSET", key, "count", math.max(0, tonumber(stored[2]) + change))
    elseif lengths[window] and counted == start + lengths[window] then
      redis.call("HSET", key, "previous", math.max(0, tonumber(stored[3]) + change))
    end
  end
end
return known and 1 or 0
