-- lua/trim.lua: takes the one event out of a stream that only this gateway has asked for: the chunk of
-- usage, which has no choices, and on which clients that did not ask for it fail. Only whole events
-- are looked at: the beginning of one waits for its end.

-- A usage that is filled: all other chunks have none, or null.
local function has_usage(text)
  local _, last = text:find('"usage"', 1, true)
  while last do
    if text:find("^%s*:%s*{", last + 1) then
      return true
    end
    _, last = text:find('"usage"', last + 1, true)
  end
  return false
end

-- Choices that are empty, null or not there. Inside a text the quotes would be escaped.
local function has_no_choices(event)
  local _, last = event:find('"choices"', 1, true)
  return not last or event:find("^%s*:%s*%[%s*%]", last + 1) or event:find("^%s*:%s*null", last + 1)
end

local function is_usage_chunk(event)
  return has_usage(event) and has_no_choices(event) and not event:find('"error"', 1, true)
end

-- Where the part of the text ends that is whole events; 0 where there is none.
local function end_of_events(text)
  if text:sub(-2) == "\n\n" then
    return #text
  end
  -- Anchored: else a text without the gap is tried again from each of its characters.
  local lf, crlf = text:match("^.*\n\n()"), text:match("^.*\r\n\r\n()")
  return math.max(lf or 1, crlf or 1) - 1
end

-- Whole events without that chunk.
local function without_usage(events)
  local parts, at = {}, 1
  local gap = events:find("\r\n\r\n", 1, true) and "\r\n\r\n" or "\n\n"
  while at <= #events do
    local _, last = events:find(gap, at, true)
    local event = events:sub(at, last or #events)
    if not is_usage_chunk(event) then
      parts[#parts + 1] = event
    end
    at = (last or #events) + 1
  end
  return table.concat(parts)
end

-- The chunk as it goes on to the client. What is held back is kept in state.
return function(state, chunk, ended)
  local text = (state.held or "") .. (chunk or "")
  local last = ended and #text or end_of_events(text)
  local events = text:sub(1, last)
  state.held = text:sub(last + 1)
  -- One search over all of them: nearly no chunk has the event.
  return has_usage(events) and without_usage(events) or events
end
