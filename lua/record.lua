-- lua/record.lua: one outcome in bytes, as kong/outcome-frame.ts reads it: each field by its id, with its
-- length before it.

local LAST_FIELD = 25
local IDS = {}
for id = 1, LAST_FIELD do
  IDS[id] = string.char(id)
end

-- The lengths of short texts, nearly all, are made once.
local lengths = {}

local function u32(number)
  local known = lengths[number]
  if known then
    return known
  end
  local text = string.char(
    math.floor(number / 16777216) % 256, math.floor(number / 65536) % 256,
    math.floor(number / 256) % 256, number % 256
  )
  if number < 4096 then
    lengths[number] = text
  end
  return text
end

local M = { u32 = u32 }

-- One outcome, of its fields by their ids, and its size in bytes. It stays in parts until it is sent,
-- as an answer may be long. A field may be what tap.lua has kept.
function M.record(fields)
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

return M
