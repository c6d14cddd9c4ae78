-- Gives the answer that is kept under a key, or else the lease to get one from the model, or else
-- tells whose request has that lease: in one step, so that of many equal requests one leads.
--
-- KEYS[1]  the entry: its first line is "llm-cache/1 <stored_at> <JSON>"
-- KEYS[2]  the lease: the id of the request that leads; it expires by itself
-- ARGV[1]  an entry counts where it was stored after this, in milliseconds since the epoch; both
--          times are of the plugin servers' clocks, as the age that clients are told
-- ARGV[2]  the id of this request
-- ARGV[3]  for how many milliseconds it wants the lease; 0: it only looks
--
-- Reply, where `other` tells what else stands under the key, "older", "garbage" or "":
--   {"entry", bytes}
--   {"leads", other}                     the lease is this request's
--   {"follows", other, id, left_ms}      another request leads, for so long at most
--   {"none", other, refusal}             no entry and no lease; "OOM" where Redis is too full for one

local after, id, lease_ms = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3])

local other = ""
local value = redis.pcall("GET", KEYS[1])
if type(value) == "string" then
  local stored_at = tonumber(string.match(value, "^llm%-cache/1 (%d+) "))
  if stored_at and stored_at > after then
    return { "entry", value }
  end
  other = stored_at and "older" or "garbage"
elseif value then
  if not string.find(value.err, "WRONGTYPE", 1, true) then
    return value
  end
  other = "garbage"
end

local leader = redis.call("GET", KEYS[2])
if leader and leader ~= id then
  return { "follows", other, leader, redis.call("PTTL", KEYS[2]) }
end
if lease_ms == 0 then
  return { "none", other, "" }
end

local taken = redis.pcall("SET", KEYS[2], id, "PX", lease_ms)
if not taken.err then
  return { "leads", other }
end
if string.find(taken.err, "OOM", 1, true) then
  return { "none", other, "OOM" }
end
return taken
