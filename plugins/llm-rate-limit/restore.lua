-- Counts once what a node knows of tallies that are running, in a Redis that has lost them.
--
-- KEYS[1]         the mark of this Redis' counts, gone where they are
-- KEYS[i+1]       tally i, as take.lua writes it: a bucket of the clock, or the requests under way
-- ARGV[1]         the mark to make where there is none
-- ARGV[2]         ms until it would be forgotten
-- ARGV[4i-1]      window of tally i
-- ARGV[4i]        start of its bucket, ms since the epoch; of a lease the id of the request
-- ARGV[4i+1]      end of its bucket, after which all of it is free again; of a lease when that ends
-- ARGV[4i+2]      what this node has counted in it
-- returns         the mark

redis.call("SET", KEYS[1], ARGV[1], "NX", "PX", ARGV[2])
for i = 1, #KEYS - 1 do
  local key, window, start = KEYS[i + 1], ARGV[4 * i - 1], ARGV[4 * i]
  local finish, count = tonumber(ARGV[4 * i + 1]), tonumber(ARGV[4 * i + 2])
  if window == "lease" then
    redis.call("ZADD", key, finish, start)
  else
    local stored = redis.call("HMGET", key, "start", "count")
    local counted = tonumber(stored[1] or -1)
    if counted < tonumber(start) then
      redis.call("HSET", key, "start", start, "count", count, "previous", 0)
    elseif counted == tonumber(start) then
      redis.call("HSET", key, "count", tonumber(stored[2]) + count)
    end
  end
  local time = redis.call("TIME")
  -- By a clock that is behind this one the bucket may have ended already.
  local left = math.max(1, finish - tonumber(time[1]) * 1000)
  if left > redis.call("PTTL", key) then redis.call("PEXPIRE", key, left) end
end
return redis.call("GET", KEYS[1])
