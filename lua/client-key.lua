-- lua/client-key.lua: finds the client's key wherever an SDK puts it, and shows it to key-auth as
-- x-api-key, so that a consumer needs one credential. Runs before key-auth.

-- Which headers carry a key, the first that does wins.
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

local is_place = {}
for _, place in ipairs(PLACES) do
  is_place[place.name] = true
end

local upstream = kong.service.request

-- What stands in those places. A name that is not there is sought in other spellings, at each of them,
-- by the table that nginx gives, so it is gone through once.
local function given()
  local found = {}
  for name, value in pairs(ngx.req.get_headers(0)) do
    if is_place[name] then
      found[name] = value
    end
  end
  return found
end

-- What Claude Code has stored for Anthropic itself, and sends beside the key of a gateway.
local ANTHROPICS = "sk-ant-"

-- The key that counts, or the values of a header that stands twice; nil where there is none.
local function key_of(found)
  local anthropics
  for _, place in ipairs(PLACES) do
    local value = found[place.name]
    if type(value) == "table" then
      return value
    end
    local key = value and place.read(value)
    if key and key ~= "" then
      if key:sub(1, #ANTHROPICS) ~= ANTHROPICS then
        return key
      end
      anthropics = anthropics or key
    end
  end
  return anthropics
end

local function show(found)
  local key, shown = key_of(found), found["x-api-key"]
  if type(key) == "table" then
    -- Readers differ in which of them counts: key-auth refuses both.
    upstream.set_header("x-api-key", key[1])
    upstream.add_header("x-api-key", key[2])
  elseif key and key ~= shown then
    upstream.set_header("x-api-key", key)
  elseif shown and not key then
    upstream.clear_header("x-api-key")
  end
end

return function()
  local found = given()
  show(found)
  -- Whatever becomes of the plugins behind this one: no key of a client goes upstream by these.
  for _, name in ipairs({ "authorization", "api-key" }) do
    if found[name] then
      upstream.clear_header(name)
    end
  end
end
