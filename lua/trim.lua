-- lua/trim.lua: takes the one event out of a stream that only this gateway has asked for: the chunk of
-- usage, which has no choices, and on which clients that did not ask for it fail. Only whole events
-- are looked at: the beginning of one waits for its end.

-- A usage that is filled: all other chunks have none, or null. It is sought without its first quote, as
-- quotes stand everywhere.
local function has_usage(text)
  local first, last = text:find('usage"', 1, true)
  while first do
    if text:byte(first - 1) == 34 and text:find("^%s*:%s*{", last + 1) then
      return true
    end
    first, last = text:find('usage"', last + 1, true)
  end
  return false
end

-- Choices that are empty, null or not there. Inside a text the quotes would be escaped.
local function has_no_choices(event)
  local _, last = event:find('"choices"', 1, true)
  return not last or event:find("^%s*:%s*%[%s*%]", last + 1) or event:find("^%s*:%s*null", last + 1)
end

local function has_error(event)
  local _, last = event:find('"error"', 1, true)
  return last and not event:find("^%s*:%s*null", last + 1)
end

local function is_usage_chunk(event)
  return has_usage(event) and has_no_choices(event) and not has_error(event)
end

-- Nearly every event is shorter, so a gap is sought here before it is sought in all of a text.
local WINDOW = 1024

-- Where the last gap of a text ends; 0 where there is none.
local function last_gap(text, gap)
  local last, at = 0, 1
  while true do
    local _, found = text:find(gap, at, true)
    if not found then
      return last
    end
    last, at = found, found
  end
end

-- Where the last blank line of a text ends; 0 where there is none.
local function blank_line(text)
  local lf = last_gap(text, "\n\n")
  return text:find("\r", 1, true) and math.max(lf, last_gap(text, "\r\n\r\n")) or lf
end

-- Where the part of the text ends that is whole events; 0 where there is none.
local function end_of_events(text)
  if text:sub(-2) == "\n\n" then
    return #text
  end
  local before = #text - WINDOW
  if before <= 0 then
    return blank_line(text)
  end
  local found = blank_line(text:sub(before + 1))
  return found > 0 and before + found or blank_line(text)
end

-- Whole events without that chunk. A relay's own ping may end in another way than what it passes on.
local function without_usage(events)
  local parts, at = {}, 1
  -- Few streams have any: it is not sought behind each event.
  local has_crlf = events:find("\r\n\r\n", 1, true) ~= nil
  while at <= #events do
    local _, last = events:find("\n\n", at, true)
    last = last or #events
    if has_crlf then
      local _, crlf = events:find("\r\n\r\n", at, true)
      last = math.min(last, crlf or last)
    end
    local event = events:sub(at, last)
    if not is_usage_chunk(event) then
      parts[#parts + 1] = event
    end
    at = last + 1
  end
  return table.concat(parts)
end

-- The chunk as it goes on to the client; nil where it goes on as it is. What is held back is kept in
-- state.
return function(state, chunk, ended)
  local held = state.held
  local text = chunk or ""
  if held then
    text = held .. text
  end
  local last = ended and #text or end_of_events(text)
  state.held = last < #text and text:sub(last + 1) or nil
  local events = last < #text and text:sub(1, last) or text
  -- One search over all of them: nearly no chunk has the event.
  if has_usage(events) then
    return without_usage(events)
  end
  if held or last < #text then
    return events
  end
end
