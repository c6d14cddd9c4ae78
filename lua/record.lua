-- lua/record.lua: one outcome in bytes, as kong/outcome-frame.ts reads it: each field by its id, with its
-- length before it.

local u32 = require("kong_llm.u32")

local LAST_FIELD = 27
local IDS = {}
for id = 1, LAST_FIELD do
  IDS[id] = string.char(id)
end

-- One outcome, of its fields by their ids, and its size in bytes. It stays in parts until it is sent,
-- as an answer may be long. A field may be what tap.lua has kept.
return function(fields)
  local parts, count, size = { "" }, 1, 0
  for id = 1, LAST_FIELD do
    local value = fields[id]
    if type(value) == "table" then
      parts[count + 1], parts[count + 2] = IDS[id], u32(value.bytes)
      count, size = count + 2, size + 5 + value.bytes
      for at = value.first, value.last do
        count = count + 1
        parts[count] = value[at]
      end
    elseif value ~= nil then
      local text = tostring(value)
      parts[count + 1], parts[count + 2], parts[count + 3] = IDS[id], u32(#text), text
      count, size = count + 3, size + 5 + #text
    end
  end
  parts[1] = u32(size)
  return parts, size + 4
end
