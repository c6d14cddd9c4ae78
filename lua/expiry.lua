-- lua/expiry.lua: from when on the key of a request is not good any more, as a tag of its credential says
-- (`kong-llm keys`). Times are ISO 8601 in UTC, so that their order is that of their letters.

local MARK = "llm-expires-"

return function()
  local credential = kong.client.get_credential()
  for _, tag in ipairs(credential and credential.tags or {}) do
    if tag:sub(1, #MARK) == MARK then
      return tag:sub(#MARK + 1)
    end
  end
end
