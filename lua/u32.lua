-- lua/u32.lua: a number as four bytes, the highest first, as frames and outcomes have their lengths.

-- Of small numbers, nearly all, they are made once.
local known = {}

return function(number)
  if known[number] then
    return known[number]
  end
  local bytes = string.char(
    math.floor(number / 16777216) % 256, math.floor(number / 65536) % 256,
    math.floor(number / 256) % 256, number % 256
  )
  if number < 4096 then
    known[number] = bytes
  end
  return bytes
end
