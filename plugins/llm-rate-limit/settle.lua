-- Corrects what a request has taken by what it has used, once, in the windows where it was taken.
--
-- KEYS[i]         tally of limit i, as take.lua has written it; it keeps its expiry
-- KEYS[n+1]       the reservation of the request, where it has made one: gone when it is settled
-- ARGV[1]         id of the request
-- ARGV[3i-1]      window of limit i
-- ARGV[3i]        start of the bucket that was taken in
-- ARGV[3i+1]      used minus taken
-- returns[1]      1 when it was settled by this call, 0 when it was already or is not known any more
-- returns[4i-2]   of limit i the start of the bucket that is counted now; -1 where nothing was to be
--                 settled, or that bucket does not count any more
-- returns[4i-1]   what is taken in it
-- returns[4i]     and in the bucket before
-- returns[4i+1]   the most that the limit holds
-- A lease is given back each time: that cannot be done twice.

local lengths = { second = 1000, minute = 60000, hour = 3600000 }
local limits = (#ARGV - 1) / 3
local reservation = KEYS[limits + 1]

local known = not reservation or redis.call("DEL", reservation) == 1
local answer = { known and 1 or 0 }
for i = 1, limits do
  local key, window = KEYS[i], ARGV[3 * i - 1]
  local start, change = tonumber(ARGV[3 * i]), tonumber(ARGV[3 * i + 1])
  local counts, count, previous, most = -1, 0, 0, 0
  if window == "lease" then
    redis.call("ZREM", key, ARGV[1])
  elseif known then
    local stored = redis.call("HMGET", key, "start", "count", "previous", "most")
    local counted = tonumber(stored[1] or -1)
    local is_before = lengths[window] and counted == start + lengths[window]
    -- A key that is gone is not made again: it would have no expiry.
    if counted == start or is_before then
      counts, count, previous = counted, tonumber(stored[2]), tonumber(stored[3])
      most = tonumber(stored[4] or 0)
      if is_before then previous = math.max(0, previous + change) else count = math.max(0, count + change) end
      if change ~= 0 then redis.call("HSET", key, "count", count, "previous", previous) end
    end
  end
  answer[4 * i - 2], answer[4 * i - 1], answer[4 * i], answer[4 * i + 1] = counts, count, previous, most
end
return answer
