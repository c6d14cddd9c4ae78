-- Corrects what requests have taken by what they have used, once, in the windows where it was taken.
--
-- KEYS[i]   of each request the tally of each of its limits, as take.lua has written it: it keeps its
--           expiry; and its reservation, gone when it is settled
-- ARGV[1]   of each request that has ended, as JSON:
--   id            of the request
--   corrections   of each limit:
--     window      of it
--     start       of the bucket that was taken in
--     change      used minus taken
-- returns   for each request:
--   [1]       1 when it was settled by this call, 0 when it was already or is not known any more
--   [4n-2]    of limit n the start of the bucket that is counted now; -1 where nothing was to be settled,
--             or that bucket does not count any more
--   [4n-1]    what is taken in it
--   [4n]      and in the bucket before
--   [4n+1]    the most that the limit holds
-- A lease is given back each time: that cannot be done twice.

local lengths = { second = 1000, minute = 60000, hour = 3600000 }

local i = 0
local function next_key()
  i = i + 1
  return KEYS[i]
end

local function settle(id, corrections)
  local tallies = {}
  for n = 1, #corrections do tallies[n] = next_key() end
  local known = redis.call("DEL", next_key()) == 1
  local answer = { known and 1 or 0 }
  for n, correction in ipairs(corrections) do
    local key, window = tallies[n], correction.window
    local start, change = correction.start, correction.change
    local counts, count, previous, most = -1, 0, 0, 0
    if window == "lease" then
      redis.call("ZREM", key, id)
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
    answer[4 * n - 2], answer[4 * n - 1], answer[4 * n], answer[4 * n + 1] = counts, count, previous, most
  end
  return answer
end

local answers = {}
for n, ended in ipairs(cjson.decode(ARGV[1])) do answers[n] = settle(ended.id, ended.corrections) end
return answers
