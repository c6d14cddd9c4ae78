-- Makes the libraries of Lua 5.3 answer as LuaJIT's do: it counts in doubles only, and still has
-- what Lua 5.3 has renamed or dropped. Runs once, before any other code.

unpack = table.unpack
loadstring = load

-- Of Lua 5.3 only: LuaJIT has none of these.
utf8 = nil
for library, names in pairs({
  string = { "pack", "packsize", "unpack" },
  math = { "maxinteger", "mininteger", "tointeger", "type", "ult" },
}) do
  for _, name in ipairs(names) do
    _G[library][name] = nil
  end
end

local floor, ceil, format, gsub = math.floor, math.ceil, string.format, string.gsub
local WRAP = 4294967296

-- Doubles: the whole numbers of this Lua would wrap at 2147483647.
function math.floor(number)
  return floor(number) + 0.0
end

function math.ceil(number)
  return ceil(number) + 0.0
end

function math.pow(base, exponent)
  return base ^ exponent
end

function math.log10(number)
  return math.log(number) / math.log(10)
end

function math.sinh(number)
  return (math.exp(number) - math.exp(-number)) / 2
end

function math.cosh(number)
  return (math.exp(number) + math.exp(-number)) / 2
end

function math.tanh(number)
  local squared = math.exp(2 * number)
  return squared == math.huge and 1 or (squared - 1) / (squared + 1)
end

function math.atan2(y, x)
  return math.atan(y, x)
end

function math.frexp(number)
  if number == 0 then
    return 0, 0
  end
  local exponent = floor(math.log(math.abs(number)) / math.log(2)) + 1
  return number / 2 ^ exponent, exponent
end

function math.ldexp(mantissa, exponent)
  return mantissa * 2 ^ exponent
end

function table.maxn(items)
  local largest = 0
  for key in pairs(items) do
    if type(key) == "number" and key > largest then
      largest = key
    end
  end
  return largest
end

local function truncated(number)
  return number < 0 and ceil(number) or floor(number)
end

-- Whole numbers are formatted from doubles: those of this Lua end at 2147483647.
function string.format(pattern, ...)
  local arguments, count, at = { ... }, select("#", ...), 0
  local spelt = gsub(pattern, "%%([-+ #0]*%d*%.?%d*)([%a%%])", function(flags, conversion)
    if conversion == "%" then
      return nil
    end
    at = at + 1
    local number = tonumber(arguments[at])
    if not number or not conversion:find("[diuxXoc]") then
      return nil
    end
    arguments[at] = truncated(number)
    if conversion:find("[diu]") then
      return "%" .. gsub(flags, "%.%d*$", "") .. ".0f"
    end
    if arguments[at] >= WRAP / 2 then
      arguments[at] = arguments[at] - WRAP
    end
    return nil
  end)
  return format(spelt, unpack(arguments, 1, count))
end

-- This Lua understands the mark of UTC before a format, and leaves it in the text.
local date = os.date
function os.date(pattern, ...)
  local spelt = date(pattern, ...)
  return type(spelt) == "string" and (gsub(spelt, "^!", "")) or spelt
end
