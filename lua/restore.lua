-- lua/restore.lua: puts masked values back into an answer as it passes: into plain text, into the texts of
-- a JSON body piece by piece, and into streams (restore-events.lua). What the tap has kept stays masked.

local end_of_text = require("kong_llm.end-of-text")
local put = require("kong_llm.put-back")
local restore_events = require("kong_llm.restore-events")

-- Members whose text is JSON itself.
local NESTED = { arguments = true, partial_json = true }

local M = {}

-- How a text of JSON is escaped, by its member and its first letter.
function M.level_of(key, first)
  return (NESTED[key] or first == "{") and put.NESTED or put.JSON
end

-- A piece within a text whose end is still to come: what can be shown of it; the rest waits.
local function unfinished(state, text, from)
  local piece = text:sub(from)
  local shown, rest = put.put_back(state.known, piece, state.level, false, state.joined, state.exact)
  state.joined, state.rest = put.joins(shown, state.joined), rest or ""
  return shown
end

local function begin_text(state, text, at)
  local first = text:sub(at, at)
  if first == "" then
    return false
  end
  state.inside, state.joined = true, false
  state.level, state.exact = M.level_of(state.key, first), state.key == "thinking"
  return true
end

-- The next piece of a JSON body.
local function json(state, chunk)
  local text, parts, at = state.rest .. chunk, {}, 1
  state.rest = ""
  while at <= #text do
    if state.inside then
      local last = end_of_text(text, at)
      if not last then
        parts[#parts + 1] = unfinished(state, text, at)
        break
      end
      local spoken = text:sub(at, last - 1)
      parts[#parts + 1] =
        put.put_back(state.known, spoken, state.level, true, state.joined, state.exact) .. '"'
      state.inside, state.said, at = false, spoken, last + 1
    else
      local opens = text:find('"', at, true)
      local between = text:sub(at, opens or #text)
      if state.said and between:find("^%s*:") then
        state.key = state.said
      end
      if between:find("%S") then
        state.said = nil
      end
      if opens and not begin_text(state, text, opens + 1) then
        -- What the text begins with comes later, and says how it is escaped.
        parts[#parts + 1], state.rest = text:sub(at, opens - 1), '"'
        break
      end
      parts[#parts + 1] = between
      at = (opens or #text) + 1
    end
  end
  return table.concat(parts)
end

local function plain(state, chunk, ended)
  local text = state.rest .. chunk
  local shown, rest = put.put_back(state.known, text, put.PLAIN, ended, state.joined)
  state.joined, state.rest = put.joins(shown, state.joined), rest or ""
  return shown
end

local function whole_json(state, chunk, ended)
  local shown = json(state, chunk)
  -- A body that was cut within a text.
  if ended and state.rest ~= "" then
    shown = shown .. put.put_back(state.known, state.rest, state.level or put.JSON, true, state.joined)
    state.rest = ""
  end
  return shown
end

-- As its first bytes say it: some upstreams name no type, or a wrong one.
local function way_by(start)
  start = start:gsub("^\239\187\191", ""):gsub("^%s+", "")
  if start:find("^data: ?[{%[]") or start:find("^event:") or start:find("^id:") or start:find("^:") then
    return restore_events
  end
  return start:find('^[{%[]%s*["{]') and whole_json or nil
end

local function way_of(content_type, start)
  local kind = (type(content_type) == "table" and content_type[1] or content_type or ""):lower()
  local seen = way_by(start)
  if seen then
    return seen
  end
  if kind:find("event-stream", 1, true) then
    return restore_events
  end
  if kind:find("json", 1, true) then
    return whole_json
  end
  return kind:find("^text/") and plain or nil
end

local function begin(values, content_type, content_encoding, start)
  local compressed = content_encoding and content_encoding ~= "identity"
  return {
    known = put.known(values), rest = "", joined = false,
    way = not compressed and way_of(content_type, start) or nil,
  }
end

-- The chunk as it goes on to the client; nil where it goes on as it is.
function M.filter(state, values, chunk, ended)
  chunk = chunk or ""
  local restoring = state.restoring
  if not restoring then
    if not ended and not chunk:find("%S") then
      return nil
    end
    restoring = begin(values, state.content_type, state.content_encoding, chunk)
    state.restoring = restoring
  end
  if not restoring.way then
    return nil
  end
  local shown = restoring.way(restoring, chunk, ended)
  return shown ~= chunk and shown or nil
end

-- A whole answer, as of the cache.
function M.whole(values, content_type, body)
  local restoring = begin(values, content_type, nil, body)
  return restoring.way and restoring.way(restoring, body, true) or body
end

return M
