-- Takes an amount from every limit that a request meets, or from none.
--
-- KEYS[1]         the mark of this Redis' counts: gone where they are gone (restore.lua)
-- KEYS[i+1]       tally of limit i, a hash: `start` of the bucket of the clock that was counted last
--                 (ms since the epoch), `count` taken in it, `previous` taken in the one before, and
--                 `most` that the limit held then, for who looks into it.
--                 With window lease: a sorted set, the requests under way by when their lease ends.
-- KEYS[n+2]       the reservation of this request, where it is to be settled later: who made it
--                 Every key expires when it no longer says anything.
-- ARGV[1]         id of the request
-- ARGV[2]         the identity that asks
-- ARGV[3]         ms that a lease lasts
-- ARGV[4]         tokens of output that are wanted
-- ARGV[5]         tokens of output that will do
-- ARGV[6]         the mark as this node knows it, empty where it has not been told yet
-- ARGV[7]         ms until it would be forgotten
-- ARGV[6i+2]      window of limit i: second, minute, hour (sliding), day, month (calendar), lease
-- ARGV[6i+3]      the most that the limit holds
-- ARGV[6i+4]      the amount to take, 0 to look only
-- ARGV[6i+5]      the amount to take beside that for each token of output
-- ARGV[6i+6]      of a day or month: its start by the node's clock and calendar, ms since the epoch
-- ARGV[6i+7]      and its end
-- returns         nothing but 0 when the mark is gone, or another one: the node has to tell what it knows
-- returns[1]      1 when all was taken, 0 when nothing was
-- returns[2]      the time of this decision by the clock of Redis, ms since the epoch
-- returns[3]      tokens of output that were taken for
-- returns[4i]     what remains of limit i
-- returns[4i+1]   ms until all of limit i is free again
-- returns[4i+2]   ms until the amount fits limit i: 0 when it did, -1 when it never will
-- returns[4i+3]   the start of the bucket that it was taken in
-- returns[4n+4]   the mark, where the node does not know it
-- The arithmetic is that of windows.ts, where its reasons are.

local day = 86400000
local lengths = { second = 1000, minute = 60000, hour = 3600000 }
-- Nobody knows when a request under way will end: ask again then.
local lease_retry = 1000

local id, identity, lease = ARGV[1], ARGV[2], tonumber(ARGV[3])
local wanted, least = tonumber(ARGV[4]), tonumber(ARGV[5])
local limits = (#ARGV - 7) / 6
local reservation = KEYS[limits + 2]

local mark = redis.call("GET", KEYS[1])
if not mark or (ARGV[6] ~= "" and mark ~= ARGV[6]) then return 0 end
if redis.call("PTTL", KEYS[1]) < tonumber(ARGV[7]) / 2 then redis.call("PEXPIRE", KEYS[1], ARGV[7]) end

local time = redis.call("TIME")
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

-- The clocks of nodes and of Redis may differ: then this period has ended here, and the next goes on
-- about as long. One that has not begun here is counted in already: nothing that was taken is forgotten.
local function bucket_of(i, at)
  local length = lengths[ARGV[6 * i + 2]]
  if length then return at - at % length, at - at % length + length end
  local start, finish = tonumber(ARGV[6 * i + 6]), tonumber(ARGV[6 * i + 7])
  if at >= finish then return finish, finish + (finish - start) end
  return start, finish
end

local function tally_of(key, i)
  local window = ARGV[6 * i + 2]
  if window == "lease" then
    redis.call("ZREMRANGEBYSCORE", key, "-inf", now)
    return { lease = true, start = 0, count = redis.call("ZCARD", key), previous = 0 }
  end
  local start, finish = bucket_of(i, now)
  local tally = { start = start, finish = finish, length = lengths[window], count = 0, previous = 0 }
  local stored = redis.call("HMGET", key, "start", "count", "previous")
  local counted = tonumber(stored[1] or -1)
  if counted >= start then
    tally.start = counted
    if tally.length then tally.finish = counted + tally.length end
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

local function add(key, tally, amount, most)
  tally.count = tally.count + amount
  if tally.lease then
    redis.call("ZADD", key, now + lease, id)
    if redis.call("PTTL", key) < lease then redis.call("PEXPIRE", key, lease) end
  else
    redis.call(
      "HSET", key, "start", tally.start, "count", tally.count, "previous", tally.previous, "most", most
    )
    redis.call("PEXPIRE", key, reset_of(tally))
  end
end

local tallies, waits, fits, output = {}, {}, true, wanted
for i = 1, limits do
  local most, amount, each = tonumber(ARGV[6 * i + 3]), tonumber(ARGV[6 * i + 4]), tonumber(ARGV[6 * i + 5])
  tallies[i] = tally_of(KEYS[i + 1], i)
  waits[i] = wait_for(tallies[i], amount + each * least, most)
  fits = fits and waits[i] == 0
  if each > 0 then output = math.min(output, math.floor((most - used_of(tallies[i]) - amount) / each)) end
end

local answer, longest = { fits and 1 or 0, now, output }, 0
for i = 1, limits do
  local tally, most = tallies[i], tonumber(ARGV[6 * i + 3])
  local amount = tonumber(ARGV[6 * i + 4]) + tonumber(ARGV[6 * i + 5]) * output
  if fits and amount > 0 then add(KEYS[i + 1], tally, amount, ARGV[6 * i + 3]) end
  answer[4 * i] = math.max(0, most - used_of(tally))
  answer[4 * i + 1] = reset_of(tally)
  answer[4 * i + 2] = waits[i]
  answer[4 * i + 3] = tally.start
  longest = math.max(longest, answer[4 * i + 1])
end
-- When all of it is free again there is nothing left to settle.
if fits and reservation then
  redis.call("SET", reservation, identity, "PX", math.max(1, math.min(longest, day)))
end
if ARGV[6] == "" then answer[#answer + 1] = mark end
return answer
