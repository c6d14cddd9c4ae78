-- lua/end-of-text.lua: where a text of JSON ends.

-- text: its characters begin at `from`; the place of its closing quote, nil where that is still to come.
return function(text, from)
  local at = from
  while true do
    local found = text:find('["\\]', at)
    if not found then
      return nil
    end
    if text:byte(found) == 34 then
      return found
    end
    at = found + 2
  end
end
