-- Takes an amount from every limit of one identity, or from none.
--
-- KEYS[i]         tally of limit i, a hash: `start` of the bucket of the clock that was counted last
--                 (ms since the epoch), `count` taken in it, `previous` taken in the one before.
--                 It expires when it no longer says anything.
-- ARGV[3i-2]      window of limit i: second, minute, hour (sliding), day, month (calendar, UTC)
-- ARGV[3i-1]      the most that the limit holds
-- ARGV[3i]        the amount to take, 0 to look only
-- returns[1]      1 when all was taken, 0 when nothing was
-- returns[2]      the time of this decision by the clock of Redis, ms since the epoch
-- returns[3i]     what remains of limit i
-- returns[3i+1]   ms until all of limit i is free again
-- returns[3i+2]   ms until the amount fits limit i: 0 when it did, -1 when it never will
-- The arithmetic is that of windows.ts, where its reasons are.

local day = 86400000
local lengths = { second = 1000, minute = 60000, hour = 3600000 }
local month_days = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 }

local time = redis.call("TIME")
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

local function is_leap(year)
  return year % 4 == 0 and (year % 100 ~= 0 or year % 400 == 0)
end

-- First day of the month that holds a day, and of the month after; days since 1970-01-01.
local function month_of(wanted)
  local year, first = 1970, 0
  while first + (is_leap(year) and 366 or 365) <= wanted do
    first = first + (is_leap(year) and 366 or 365)
    year = year + 1
  end
  for month, days in ipairs(month_days) do
    if month == 2 and is_leap(year) then days = 29 end
    if first + days > wanted then return first, first + days end
    first = first + days
  end
end

local function bucket_of(window, at)
  local length = lengths[window] or day
  if window == "month" then
    local first, after = month_of(math.floor(at / day))
    return first * day, after * day
  end
  return at - at % length, at - at % length + length
end

local function tally_of(key, window)
  local start, finish = bucket_of(window, now)
  local tally = { start = start, finish = finish, length = lengths[window], count = 0, previous = 0 }
  local stored = redis.call("HMGET", key, "start", "count", "previous")
  local counted = tonumber(stored[1] or -1)
  if counted >= start then
    tally.start, tally.finish = bucket_of(window, counted)
    tally.count, tally.previous = tonumber(stored[2]), tonumber(stored[3])
  elseif tally.length and counted + tally.length == start then
    tally.previous = tonumber(stored[2])
  end
  return tally
end

local function used_of(tally)
  if tally.previous == 0 then return tally.count end
  local covered = math.min(tally.length, tally.finish - now)
  return tally.count + math.ceil(tally.previous * covered / tally.length)
end

local function wait_for(tally, amount, most)
  if used_of(tally) + amount <= most then return 0 end
  if amount > most then return -1 end
  if not tally.length then return tally.finish - now end
  local room = most - amount - tally.count
  if room >= 0 then return tally.finish - math.floor(room * tally.length / tally.previous) - now end
  return tally.finish + tally.length - math.floor((most - amount) * tally.length / tally.count) - now
end

local function reset_of(tally)
  if tally.count > 0 then return tally.finish + (tally.length or 0) - now end
  return tally.previous > 0 and tally.finish - now or 0
end

local tallies, waits, fits = {}, {}, true
for i, key in ipairs(KEYS) do
  tallies[i] = tally_of(key, ARGV[3 * i - 2])
  waits[i] = wait_for(tallies[i], tonumber(ARGV[3 * i]), tonumber(ARGV[3 * i - 1]))
  fits = fits and waits[i] == 0
end

local answer = { fits and 1 or 0, now }
for i, key in ipairs(KEYS) do
  local tally, most, amount = tallies[i], tonumber(ARGV[3 * i - 1]), tonumber(ARGV[3 * i])
  if fits and amount > 0 then
    tally.count = tally.count + amount
    redis.call("HSET", key, "start", tally.start, "count", tally.count, "previous", tally.previous)
    redis.call("PEXPIRE", key, reset_of(tally))
  end
  answer[3 * i] = math.max(0, most - used_of(tally))
  answer[3 * i + 1] = reset_of(tally)
  answer[3 * i + 2] = waits[i]
end
return answer
