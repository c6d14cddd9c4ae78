-- lua/trim.lua: takes the one event out of a stream that only this gateway has asked for: the chunk of
-- usage, which has no choices, and on which clients that did not ask for it fail. Only whole events
-- are looked at: the beginning of one waits for its end.

local function ends_at(text, from)
  local lf, crlf = text:find("\n\n", from, true), text:find("\r\n\r\n", from, true)
  if crlf and (not lf or crlf < lf) then
    return crlf + 3
  end
  return lf and lf + 1
end

local function is_usage_only(event)
  return event:find('"choices"%s*:%s*%[%s*%]') ~= nil and event:find('"usage"%s*:%s*{') ~= nil
end

-- The chunk as it goes on to the client. What is held back is kept in state.
return function(state, chunk, ended)
  local text = (state.held or "") .. (chunk or "")
  local parts, at = {}, 1
  while true do
    local last = ends_at(text, at)
    if not last then
      break
    end
    local event = text:sub(at, last)
    if not is_usage_only(event) then
      parts[#parts + 1] = event
    end
    at = last + 1
  end
  state.held = text:sub(at)
  if ended then
    parts[#parts + 1] = state.held
    state.held = nil
  end
  return table.concat(parts)
end
