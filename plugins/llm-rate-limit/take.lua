-- Takes amounts from every limit that a request meets, or from none; for several requests, one after the
-- other.
--
-- KEYS[1]   the mark of this Redis' counts: gone where they are gone (restore.lua)
-- KEYS[i]   behind it, of each request the tally of each of its limits, and its reservation where it makes
--           one. Every key expires when it no longer says anything.
--   tally        a hash: `start` of the bucket of the clock that was counted last (ms since the epoch) and
--                its `end`, `count` taken in it, `previous` taken in the one before, and `most` that the
--                limit held then, for who looks into it.
--                With window lease: a sorted set, the requests under way by when their lease ends.
--   reservation  who made it; gone when it is settled
-- ARGV[1]   what is asked, as JSON:
--   mark         as this node knows it, empty where it has not been told yet
--   mark_ms      ms until it would be forgotten
--   lease        ms that a lease lasts
--   requests     of each:
--     id         of the request
--     identity   that asks
--     reserves   it is to be settled later
--     wanted     tokens of output that are wanted
--     least      tokens of output that will do
--     limits     of each:
--       window   second, minute, hour (sliding), day, month (calendar), lease
--       most     that the limit holds
--       amount   to take, 0 to look only
--       each     to take beside that for each token of output
--       start, finish  of a day or month: by the node's clock and calendar, ms since the epoch
-- returns   nothing but 0 when the mark is gone, or another one: the node has to tell what it knows; else
--           for each request, and the mark behind them where the node does not know it:
--   [1]       1 when all was taken, 0 when nothing was
--   [2]       the time of this decision by the clock of Redis, ms since the epoch
--   [3]       tokens of output that were taken for
--   [4n]      what remains of limit n
--   [4n+1]    ms until all of limit n is free again
--   [4n+2]    ms until the amount fits limit n: 0 when it did, -1 when it never will
--   [4n+3]    the start of the bucket that it was taken in
-- The arithmetic is that of windows.ts, where its reasons are.

local day = 86400000
local lengths = { second = 1000, minute = 60000, hour = 3600000 }
-- Nobody knows when a request under way will end: ask again then.
local lease_retry = 1000

local asked = cjson.decode(ARGV[1])
local lease = asked.lease

local mark = redis.call("GET", KEYS[1])
if not mark or (asked.mark ~= "" and mark ~= asked.mark) then return 0 end
if redis.call("PTTL", KEYS[1]) < asked.mark_ms / 2 then redis.call("PEXPIRE", KEYS[1], asked.mark_ms) end

local time = redis.call("TIME")
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

-- The clocks of nodes and of Redis may differ: then this period has ended here, and the next goes on
-- about as long. One that has not begun here is counted in already: nothing that was taken is forgotten.
local function bucket_of(limit, at)
  local length = lengths[limit.window]
  if length then return at - at % length, at - at % length + length end
  local start, finish = limit.start, limit.finish
  if at >= finish then return finish, finish + (finish - start) end
  return start, finish
end

local function tally_of(key, limit)
  local window = limit.window
  if window == "lease" then
    redis.call("ZREMRANGEBYSCORE", key, "-inf", now)
    return { lease = true, start = 0, count = redis.call("ZCARD", key), previous = 0 }
  end
  local start, finish = bucket_of(limit, now)
  local tally = { start = start, finish = finish, length = lengths[window], count = 0, previous = 0 }
  local stored = redis.call("HMGET", key, "start", "count", "previous", "end")
  local counted, ends = tonumber(stored[1] or -1), tonumber(stored[4] or -1)
  local runs = not tally.length and ends > now
  if counted >= start or runs then
    tally.start = counted
    if tally.length then tally.finish = counted + tally.length end
    if runs and counted ~= start then tally.finish = ends end
    if tally.finish <= counted then tally.finish = counted + (finish - start) end
    tally.count, tally.previous = tonumber(stored[2]), tonumber(stored[3])
  elseif tally.length and counted + tally.length == start then
    tally.previous = tonumber(stored[2])
  end
  return tally
end

-- math.fmod is exact where % is not: Lua 5.1 computes that from a rounded quotient.
local function share_of(amount, covered, length)
  local rest = math.fmod(amount, length)
  return (amount - rest) / length * covered + math.ceil(rest * covered / length)
end

local function covered_within(room, amount, length)
  local about = math.floor(room * length / amount)
  if share_of(amount, about, length) > room then return about - 1 end
  return share_of(amount, about + 1, length) <= room and about + 1 or about
end

local function used_of(tally)
  if tally.previous == 0 then return tally.count end
  return tally.count + share_of(tally.previous, math.min(tally.length, tally.finish - now), tally.length)
end

local function wait_for(tally, amount, most)
  if used_of(tally) + amount <= most then return 0 end
  if tally.lease then return lease_retry end
  if amount > most then return -1 end
  if not tally.length then return tally.finish - now end
  local room = most - amount - tally.count
  if room >= 0 then return tally.finish - covered_within(room, tally.previous, tally.length) - now end
  local later = covered_within(most - amount, tally.count, tally.length)
  return tally.finish + tally.length - later - now
end

local function reset_of(tally)
  if tally.lease then return 0 end
  if tally.count > 0 then return tally.finish + (tally.length or 0) - now end
  return tally.previous > 0 and tally.finish - now or 0
end

local function add(key, tally, amount, most, id)
  tally.count = tally.count + amount
  if tally.lease then
    redis.call("ZADD", key, now + lease, id)
    if redis.call("PTTL", key) < lease then redis.call("PEXPIRE", key, lease) end
  else
    redis.call(
      "HSET", key, "start", tally.start, "end", tally.finish, "count", tally.count,
      "previous", tally.previous, "most", most
    )
    redis.call("PEXPIRE", key, reset_of(tally))
  end
end

local i = 1
local function next_key()
  i = i + 1
  return KEYS[i]
end

local function decide(request)
  local keys, tallies, waits, fits, output = {}, {}, {}, true, request.wanted
  for n, limit in ipairs(request.limits) do
    local most, amount, each = limit.most, limit.amount, limit.each
    keys[n] = next_key()
    tallies[n] = tally_of(keys[n], limit)
    waits[n] = wait_for(tallies[n], amount + each * request.least, most)
    fits = fits and waits[n] == 0
    if each > 0 then output = math.min(output, math.floor((most - used_of(tallies[n]) - amount) / each)) end
  end

  local answer, longest = { fits and 1 or 0, now, output }, 0
  for n, limit in ipairs(request.limits) do
    local tally, most = tallies[n], limit.most
    local amount = limit.amount + limit.each * output
    if fits and amount > 0 then add(keys[n], tally, amount, most, request.id) end
    answer[4 * n] = math.max(0, most - used_of(tally))
    answer[4 * n + 1] = reset_of(tally)
    answer[4 * n + 2] = waits[n]
    answer[4 * n + 3] = tally.start
    longest = math.max(longest, answer[4 * n + 1])
  end
  local reservation = request.reserves and next_key()
  -- When all of it is free again there is nothing left to settle.
  if fits and reservation then
    redis.call("SET", reservation, request.identity, "PX", math.max(1, math.min(longest, day)))
  end
  return answer
end

local answers = {}
for n, request in ipairs(asked.requests) do answers[n] = decide(request) end
if asked.mark == "" then answers[#answers + 1] = mark end
return answers
