-- lua/exchange.lua: one frame to the plugin server and one back, over a connection that is open. The frames:
-- kong/ask-frame.ts.

local u32 = require("kong_llm.u32")

-- A decision carries no body, an answer from the cache may.
local LONGEST_ANSWER = 64 * 1024 * 1024

local function number_at(bytes, at)
  local a, b, c, d = bytes:byte(at, at + 3)
  return ((a * 256 + b) * 256 + c) * 256 + d
end

-- u32 length of all that follows | kind | u32 length and bytes of each section
local function frame_of(kind, sections)
  local parts, size = { "", kind }, 1
  for _, section in ipairs(sections) do
    parts[#parts + 1] = u32(#section)
    parts[#parts + 1] = section
    size = size + 4 + #section
  end
  parts[1] = u32(size)
  return parts
end

local function sections_of(payload)
  local sections, at = {}, 2
  while at <= #payload do
    if at + 3 > #payload then
      return nil
    end
    local last = at + 3 + number_at(payload, at)
    if last > #payload then
      return nil
    end
    sections[#sections + 1] = payload:sub(at + 4, last)
    at = last + 1
  end
  return sections
end

-- Sends a frame and reads one: its kind and its sections; nil, why not, whether the connection was dead
-- before anything of an answer came, and whether the whole frame had gone out.
return function(socket, kind, sections)
  local sent, send_err = socket:send(frame_of(kind, sections))
  if not sent then
    return nil, send_err, send_err ~= "timeout", false
  end
  local working = false
  while true do
    local head, err, part = socket:receive(4)
    if not head then
      return nil, err, err ~= "timeout" and (part or "") == "" and not working, true
    end
    local size = number_at(head, 1)
    if size < 1 or size > LONGEST_ANSWER then
      return nil, "an answer of " .. size .. " bytes", false, true
    end
    local payload, cut = socket:receive(size)
    if not payload then
      return nil, cut, false, true
    end
    local answered = payload:sub(1, 1)
    if answered ~= "W" then
      return answered, sections_of(payload)
    end
    working = true
  end
end
