-- lua/whole.lua: whether what the plugin server says is all that carrying it out needs. A driver never
-- carries out half of an answer: the request is refused before anything of it is done.

local function is_count(value)
  return type(value) == "number" and value >= 0 and value % 1 == 0
end

-- Names to texts; false where a header is taken away.
local function are_headers(value, may_clear)
  if type(value) ~= "table" then
    return false
  end
  for name, text in pairs(value) do
    if type(name) ~= "string" or not (type(text) == "string" or (may_clear and text == false)) then
      return false
    end
  end
  return true
end

local function are_edits(lists)
  if type(lists) ~= "table" then
    return false
  end
  for _, edits in ipairs(lists) do
    if type(edits) ~= "table" then
      return false
    end
    for _, edit in ipairs(edits) do
      if type(edit) ~= "table" or not is_count(edit[1]) or not is_count(edit[2]) or type(edit[3]) ~= "string" then
        return false
      end
    end
  end
  return true
end

local function is_target(value)
  return value == nil or type(value) == "table" and type(value.scheme) == "string"
    and type(value.host) == "string" and value.host ~= "" and is_count(value.port)
end

local function are_tries(value, most)
  if value == nil then
    return true
  end
  if type(value) ~= "table" or not is_count(most) then
    return false
  end
  for _, try in ipairs(value) do
    local is_whole = type(try) == "table" and is_target(try.target) and are_headers(try.headers, true)
      and are_headers(try.response_headers) and are_edits({ try.edits })
    if not is_whole then
      return false
    end
  end
  return true
end

local M = {}

-- stages/decision.ts declares it.
function M.decision(head)
  local path = head.path
  return are_headers(head.headers, true) and are_headers(head.response_headers) and are_edits(head.edits)
    and is_count(head.keep) and (path == nil or type(path) == "string" and path:sub(1, 1) == "/")
    and is_target(head.target) and are_tries(head.tries, head.most_tries)
end

function M.answer(head)
  return is_count(head.status) and head.status >= 200 and head.status <= 599 and are_headers(head.headers)
end

return M
