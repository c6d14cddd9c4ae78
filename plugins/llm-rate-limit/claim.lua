-- Lets one node at a time tell that a share of a limit is reached, and nobody once it is told.
--
-- KEYS[1]         what is told of one window of a limit to one receiver, a hash: `told`, the largest share
--                 that was, and by each share that is being told when that is given up (ms since the epoch)
-- ARGV[1]         the share
-- ARGV[2]         ms until another node may tell it
-- ARGV[3]         ms until nobody asks any more
-- returns         0 when this node shall tell it, -1 when that share or a larger one is told, else the ms
--                 until another node gives up

local share, lease = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call("TIME")
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

local known = redis.call("HMGET", KEYS[1], "told", ARGV[1])
if tonumber(known[1] or 0) >= share then return -1 end
local given_up = tonumber(known[2] or 0)
if given_up > now then return given_up - now end

redis.call("HSET", KEYS[1], ARGV[1], now + lease)
redis.call("PEXPIRE", KEYS[1], ARGV[3])
return 0
