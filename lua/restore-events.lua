-- lua/restore-events.lua: puts masked values back into a stream of events. What a model says comes in
-- pieces, of each choice, block and tool call for itself: a piece may end within a placeholder. That end
-- waits for the next piece of the same, and goes before what closes it; the event itself never waits.

local event_texts = require("kong_llm.event-texts")
local put = require("kong_llm.put-back")

local NESTED = { arguments = true, partial_json = true }

-- What a text is a piece of: member and indexes up to the event. Which choice it is in, by its index.
local function lane_of(text, root)
  local names, box, choice = { text.key }, text.box, nil
  while box do
    names[#names + 1] = (box.key or "") .. (box.index or "")
      .. "." .. (box.output_index or "") .. "." .. (box.content_index or box.summary_index or "")
    if box.key == "choices" and box.index then
      choice = box.index
    end
    box = box.parent
  end
  names[#names + 1] = root.type or ""
  return table.concat(names, "/"), choice, root.output_index or root.index
end

-- The end of a text that was held back, as an event like the one it came in.
local function take_held(state, lane)
  local shown = put.put_back(state.known, lane.held, lane.level, true, lane.joined, lane.exact)
  lane.held, state.holding = nil, state.holding - 1
  lane.joined = put.joins(shown, lane.joined)
  return lane.before .. shown .. lane.after
end

local function flush(state, parts, is_closed)
  if state.holding == 0 then
    return
  end
  for _, lane in ipairs(state.lanes) do
    if lane.held and is_closed(lane) then
      parts[#parts + 1] = take_held(state, lane)
    end
  end
end

local function all()
  return true
end

-- Which lanes an event closes.
local function closed_by(root, finished, has_choices)
  if not root then
    return all
  end
  local kind = root.type
  if kind then
    if kind == "ping" or kind == "keepalive" or kind:find("delta$") and kind ~= "message_delta" then
      return nil
    end
    local place = root.output_index or root.index
    return function(lane)
      return not place or lane.place == place
    end
  end
  if not has_choices then
    return all
  end
  return next(finished) and function(lane)
    return finished[lane.choice]
  end or nil
end

local function lane_for(state, text, root)
  local id, choice, place = lane_of(text, root)
  local lane = state.lanes[id]
  if not lane then
    local nested = NESTED[text.key] or (root.type or ""):find("arguments", 1, true)
    lane = { choice = choice, place = place, level = nested and put.NESTED, exact = text.key == "thinking" }
    state.lanes[id], state.lanes[#state.lanes + 1] = lane, lane
  end
  -- A model that writes JSON says so with its first letter.
  if not lane.level and text.spelt ~= "" then
    lane.level = text.spelt:find("^%s*{") and put.NESTED or put.JSON
  end
  return lane
end

-- What an event says once of a message or a call, and clients put together like what is said.
local SAID_ONCE = { role = true, id = true, name = true }

-- The event without what is said in it, but for one text: before and behind that.
local function around(event, texts, own)
  local before, after, at = {}, {}, 1
  for _, text in ipairs(texts) do
    local parts = text.first <= own.first and before or after
    if text == own then
      before[#before + 1] = event:sub(at, text.first - 1)
      at = text.last + 1
    elseif text.delta or (SAID_ONCE[text.key] and event_texts.in_delta(text)) then
      parts[#parts + 1] = event:sub(at, text.first - 1)
      at = text.last + 1
    end
  end
  after[#after + 1] = event:sub(at)
  return table.concat(before), table.concat(after)
end

-- A piece of what is said: what is shown of it now. Its end stays in its lane.
local function spoken(state, event, texts, root, text, finished)
  local lane = lane_for(state, text, root)
  local held = lane.held
  local said = held and held .. text.spelt or text.spelt
  local final = lane.choice and finished[lane.choice]
  local shown, rest = put.put_back(state.known, said, lane.level or put.JSON, final, lane.joined, lane.exact)
  lane.joined = put.joins(shown, lane.joined)
  state.holding = state.holding + (rest and 1 or 0) - (held and 1 or 0)
  lane.held = rest
  if rest then
    lane.before, lane.after = around(event, texts, text)
  end
  return shown
end

local function with_values(state, event, texts, root, finished)
  local parts, at = nil, 1
  for _, text in ipairs(texts) do
    local shown
    if text.delta then
      shown = spoken(state, event, texts, root, text, finished)
    else
      local nested = NESTED[text.key] or text.spelt:find("^%s*{")
      local level = nested and put.NESTED or put.JSON
      shown = put.put_back(state.known, text.spelt, level, true, false, text.key == "thinking")
    end
    if shown ~= text.spelt then
      parts = parts or {}
      parts[#parts + 1] = event:sub(at, text.first - 1)
      parts[#parts + 1] = shown
      at = text.last + 1
    end
  end
  if not parts then
    return event
  end
  parts[#parts + 1] = event:sub(at)
  return table.concat(parts)
end

local function finished_in(texts, root)
  local finished, has_choices = {}, false
  for _, text in ipairs(texts) do
    text.delta = event_texts.is_delta(text)
    local box = text.box
    while box and box ~= root do
      if box.key == "choices" and box.index then
        has_choices = true
        if box.finished then
          finished[box.index] = true
        end
      end
      box = box.parent
    end
  end
  return finished, has_choices
end

local function restored(state, event, parts)
  local opens = event:find("{", 1, true)
  if not opens then
    -- Comments keep a connection alive; whatever else has no JSON ends the stream.
    if event:find("[DONE]", 1, true) then
      flush(state, parts, all)
    end
    parts[#parts + 1] = event
    return
  end
  local texts, root = event_texts.texts_of(event, opens)
  local finished, has_choices = finished_in(texts, root)
  -- A choice that says nothing is none without an index either.
  has_choices = has_choices or event:find('"index"', opens, true) ~= nil
  local is_closed = state.holding > 0 and closed_by(root, finished, has_choices)
  local own = {}
  for _, text in ipairs(texts) do
    if text.delta then
      own[lane_for(state, text, root)] = true
    end
  end
  if is_closed then
    flush(state, parts, function(lane)
      return not own[lane] and is_closed(lane)
    end)
  end
  parts[#parts + 1] = with_values(state, event, texts, root, finished)
end

-- Between two events whose upstream leaves out the empty line.
local NEXT = "}\ndata:"

-- Where the next event ends; nil where its end is still to come.
-- has_next: whether such an end stands in the text
local function end_of_event(text, at, has_next)
  local _, last = text:find("\n\n", at, true)
  if text:find("\r", at, true) then
    local _, other = text:find("\r\n\r\n", at, true)
    last = (last and other) and math.min(last, other) or last or other
  end
  local brace = has_next and text:find(NEXT, at, true)
  return brace and math.min(brace + 1, last or #text) or last
end

-- The next chunk of a stream, as it goes on to the client.
return function(state, chunk, ended)
  state.lanes, state.holding = state.lanes or {}, state.holding or 0
  local text, parts, at = state.rest .. chunk, {}, 1
  local has_next = text:find(NEXT, 1, true) ~= nil
  while at <= #text do
    local last = end_of_event(text, at, has_next)
    if not last then
      break
    end
    restored(state, text:sub(at, last), parts)
    at = last + 1
  end
  state.rest = text:sub(at)
  if ended then
    flush(state, parts, all)
    -- An event that was cut: half of its text, but no half of a placeholder.
    parts[#parts + 1] = put.put_back(state.known, state.rest, put.JSON, true, false)
    state.rest = ""
  end
  return table.concat(parts)
end
