-- lua/edited.lua: a body after edits: lists of { offset, length, text } in ascending order, one list
-- after the other.

return function(body, lists)
  for _, edits in ipairs(lists) do
    local parts, at = {}, 1
    for _, edit in ipairs(edits) do
      assert(edit[1] + 1 >= at and edit[1] + edit[2] <= #body, "an edit is not within the body")
      parts[#parts + 1] = body:sub(at, edit[1])
      parts[#parts + 1] = edit[3]
      at = edit[1] + edit[2] + 1
    end
    parts[#parts + 1] = body:sub(at)
    body = table.concat(parts)
  end
  return body
end
