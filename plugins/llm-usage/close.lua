-- Closes a month: what comes of it later is booked in the month in which it comes.
--
-- KEYS[1]   the closed months, a hash: when each was closed
-- ARGV[1]   the month
-- ARGV[2]   now, as text that people read
-- ARGV[3]   seconds that it is known
-- returns   when it was closed: now, or before

redis.call("HSETNX", KEYS[1], ARGV[1], ARGV[2])
redis.call("EXPIRE", KEYS[1], tonumber(ARGV[3]))
return redis.call("HGET", KEYS[1], ARGV[1])
