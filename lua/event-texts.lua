-- lua/event-texts.lua: the texts that are values in the JSON of an event, by where they stand in it, and
-- which of them are pieces of what a model says.

local end_of_text = require("kong_llm.end-of-text")

local M = {}

-- Members of a delta in which a model speaks.
local SPOKEN = {
  content = true, text = true, reasoning_content = true, reasoning = true, refusal = true,
  arguments = true, partial_json = true, thinking = true, transcript = true, input = true, summary = true, delta = true,
}
local INDEXES = { index = true, output_index = true, content_index = true, summary_index = true }

local function note_member(box, key, text, at)
  if INDEXES[key] then
    box[key] = text:match("^%s*(%d+)", at)
  elseif key == "finish_reason" then
    box.finished = text:find('^%s*"', at) ~= nil
  end
end

-- The texts that are values in an event's JSON, and the object that holds all.
function M.texts_of(event, at)
  local texts, root, box, key = {}, nil, nil, nil
  while true do
    local found = event:find('["{}%[%]]', at)
    if not found then
      return texts, root
    end
    local code = event:byte(found)
    at = found + 1
    if code == 34 then
      local last = end_of_text(event, found + 1)
      if not last or not box then
        return texts, root
      end
      local _, colon = event:find("^%s*:", last + 1)
      local spelt = event:sub(found + 1, last - 1)
      if colon then
        key, at = spelt, colon + 1
        note_member(box, key, event, at)
      else
        local own = box.is_array and box.key or key
        texts[#texts + 1] = { first = found + 1, last = last - 1, spelt = spelt, key = own, box = box }
        if own == "type" then
          box.type = spelt
        end
        at = last + 1
      end
    elseif code == 123 or code == 91 then
      -- What an array holds has its name, whatever stands before it there.
      box = { parent = box, key = box and box.is_array and box.key or key, is_array = code == 91 }
      root = root or box
    else
      box = box and box.parent
      if not box then
        return texts, root
      end
    end
  end
end

function M.is_delta(text)
  if not SPOKEN[text.key] then
    return false
  end
  if text.key == "delta" or (text.key == "text" and text.box.key == "choices") then
    return true
  end
  return M.in_delta(text)
end

-- Whether it stands in a delta, spoken or not.
function M.in_delta(text)
  local box = text.box
  while box do
    if box.key == "delta" then
      return true
    end
    box = box.parent
  end
  return false
end

return M
