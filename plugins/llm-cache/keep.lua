-- Keeps an answer for its time, and ends the lease of the request that got it: in one step, so that
-- nobody finds neither.
--
-- KEYS[1]  the entry
-- KEYS[2]  the lease
-- ARGV[1]  bytes of the entry; "" where the request brought no answer that may be kept
-- ARGV[2]  milliseconds for which it is kept
-- ARGV[3]  the id of the request, where it leads; else "". Another's lease stays
--
-- Reply: "", or "OOM" where Redis is too full to keep it

local refused
-- Before the lease goes: once a script has written, Redis no longer checks its memory.
if ARGV[1] ~= "" then
  local set = redis.pcall("SET", KEYS[1], ARGV[1], "PX", ARGV[2])
  refused = set.err
end

if ARGV[3] ~= "" and redis.call("GET", KEYS[2]) == ARGV[3] then
  redis.call("DEL", KEYS[2])
end

if refused and not string.find(refused, "OOM", 1, true) then
  return redis.error_reply(refused)
end
return refused and "OOM" or ""
