-- lua/client-key.lua: finds the client's key wherever an SDK puts it, and shows it to key-auth as
-- x-api-key, so that a consumer needs one credential. Runs before key-auth.

-- Which headers carry a key, the first that does wins. A header that stands twice is left to key-auth,
-- which refuses it.
local function bearer(value)
  return value:match("^%s*[Bb][Ee][Aa][Rr][Ee][Rr]%s+(%S+)%s*$")
end

local function bare(value)
  return value:match("^%s*(.-)%s*$")
end

local PLACES = {
  { name = "x-api-key", read = bare },
  { name = "authorization", read = bearer },
  { name = "api-key", read = bare },
}

local upstream = kong.service.request

local function show()
  local headers = ngx.req.get_headers(0)
  for _, place in ipairs(PLACES) do
    local value = headers[place.name]
    if type(value) == "table" then
      -- Readers differ in which of them counts.
      upstream.set_header("x-api-key", value[1])
      upstream.add_header("x-api-key", value[2])
      return
    end
    local key = value and place.read(value)
    if key and key ~= "" then
      upstream.set_header("x-api-key", key)
      return
    end
  end
  upstream.clear_header("x-api-key")
end

return function()
  show()
  -- Whatever becomes of the plugins behind this one: no key of a client goes upstream by these.
  upstream.clear_header("authorization")
  upstream.clear_header("api-key")
end
