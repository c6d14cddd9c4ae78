-- look.lua: what is known of targets, for a node that refreshes its own view.
-- KEYS[i]  hash of target i: since, until (absent while it is healthy), probed; left:PLACE of tell.lua;
--          pace:KIND of measure.lua
-- Returns  1: the time of Redis; 1 + i: {since, until, probed, left, paces} of target i, nil where there is
--          none; left: for each key of the target its place, and its field as tell.lua has it; paces: for
--          each kind of answer its name, and its field as measure.lua has it.
-- Times in milliseconds since the epoch, by the clock of Redis.

local time = redis.call("TIME")
local reply = { tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000) }
for i, key in ipairs(KEYS) do
  local known, left, paces, fields = {}, {}, {}, redis.call("HGETALL", key)
  for at = 1, #fields, 2 do
    local group, name = fields[at]:match("^(%a+):(.*)$")
    if group == "left" then
      left[#left + 1] = name .. " " .. fields[at + 1]
    elseif group == "pace" then
      paces[#paces + 1] = name .. " " .. fields[at + 1]
    else
      known[fields[at]] = fields[at + 1]
    end
  end
  reply[i + 1] = { known.since or false, known["until"] or false, known.probed or false, left, paces }
end
return reply
