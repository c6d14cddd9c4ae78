-- Keeps that a share of a limit was told.
--
-- KEYS[1]         as claim.lua has it
-- ARGV[1]         the share
-- ARGV[2]         ms until nobody asks any more
-- returns         nothing

local told = tonumber(redis.call("HMGET", KEYS[1], "told")[1] or 0)
redis.call("HSET", KEYS[1], "told", math.max(told, tonumber(ARGV[1])))
redis.call("PEXPIRE", KEYS[1], ARGV[2])
