-- lua/parameters.lua: the parameters of a header's value (RFC 9110, section 5.6.6), where all readers read
-- them alike: nil where one of them might not.

local end_of_text = require("kong_llm.end-of-text")

-- What a file is called decides nothing: it may be escaped, or be in another alphabet (RFC 8187).
local MAY_ESCAPE = { filename = true }

-- Text of a parameter and where it ends: in quotes, or bare, as boundaries are with a = in them.
local function text_at(value, at, name)
  if value:byte(at) ~= 34 then
    local text = value:match('^[^%s;,"\\]+', at)
    return text, text and at + #text
  end
  local last = end_of_text(value, at + 1)
  local text = last and value:sub(at + 1, last - 1)
  if text and text:find("\\", 1, true) and not MAY_ESCAPE[name] then
    return nil
  end
  return text, last and last + 1
end

-- kind: what stands before them, in lower case. Texts by names in lower case.
return function(value, kind)
  if value:sub(1, #kind):lower() ~= kind then
    return nil
  end
  local found, at = {}, #kind + 1
  while not value:find("^[ \t]*;?[ \t]*$", at) do
    local name, behind = value:match("^[ \t]*;[ \t]*([%w*-]+)=()", at)
    name = name and name:lower()
    if not name or found[name] or (name:find("*", 1, true) and name ~= "filename*") then
      return nil
    end
    found[name], at = text_at(value, behind, name)
    if not found[name] then
      return nil
    end
  end
  return found
end
