-- fail.lua: counts a failed request of a target, and lets the target cool when it fails too often,
-- when the upstream asked for it, or when it has not come back since it cooled last.
-- KEYS[1]  hash of the target: since, until (absent while it is healthy), probed
-- KEYS[2]  list of its latest failures, newest first
-- ARGV[1]  how long ago the request was sent, in ms     ARGV[2]  how long ago it ended, in ms
-- ARGV[3]  how long the target shall cool, in ms        ARGV[4]  1: at once, whatever the count
-- ARGV[5]  how many failures make it cool               ARGV[6]  within how many ms
-- Returns  1 when it begins to cool, else 0. Times are kept by the clock of Redis.

local KEPT_MS = 3600000

local time = redis.call("TIME")
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local sent_at, ended_at = now - tonumber(ARGV[1]), now - tonumber(ARGV[2])
local cool_ms, at_once = tonumber(ARGV[3]), ARGV[4] == "1"
local most, window_ms = tonumber(ARGV[5]), tonumber(ARGV[6])

local known = redis.call("HMGET", KEYS[1], "since", "until")
if sent_at < tonumber(known[1] or 0) then
  return 0
end

redis.call("LPUSH", KEYS[2], ended_at)
redis.call("LTRIM", KEYS[2], 0, most - 1)
redis.call("PEXPIRE", KEYS[2], window_ms)
local oldest = redis.call("LINDEX", KEYS[2], most - 1)
local often = oldest and ended_at - tonumber(oldest) <= window_ms
if not often and not at_once and not known[2] then
  return 0
end

local cools_until = ended_at + cool_ms
redis.call("DEL", KEYS[2])
redis.call("HSET", KEYS[1], "since", ended_at, "until", cools_until)
redis.call("HDEL", KEYS[1], "probed")
redis.call("PEXPIRE", KEYS[1], math.max(0, cools_until - now) + KEPT_MS)
return 1
