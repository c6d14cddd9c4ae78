-- lua/gather.lua: what the stages need of a request, as plain values, before anything is decided.
-- The body goes beside them, as bytes: it may be long, and is not to be escaped.

local form = require("kong_llm.form")

-- Longest body handed to the plugin server, in bytes. The plugins' max_body_bytes is what a client sees.
local LONGEST = 32 * 1024 * 1024

local request = kong.request

-- A header that was sent several times is one of its values at most upstream: the first.
local function first_of(value)
  return type(value) == "table" and value[1] or value
end

-- All of them as one value (RFC 9110, section 5.3).
local function joined(value)
  return type(value) == "table" and table.concat(value, ",") or value
end

local function is_form(content_type)
  return content_type and content_type:lower():find("multipart/form-data", 1, true) ~= nil
end

-- The bytes of the body, and how many there are: without the bytes where they are too many.
local function read_body(announced)
  local body = announced <= LONGEST and request.get_raw_body(LONGEST) or nil
  if body and #body <= LONGEST then
    return body, #body
  end
  return nil, math.max(announced, LONGEST + 1)
end

-- What is told of the headers: under which name, and how several become one.
local TOLD = {
  ["content-type"] = { "content_type", joined },
  ["content-encoding"] = { "content_encoding", first_of },
  ["cache-control"] = { "cache_control", joined },
  ["anthropic-version"] = { "anthropic_version", first_of },
  ["anthropic-beta"] = { "anthropic_beta", joined },
  ["upgrade"] = { "upgrade", first_of },
}

-- Third: all headers, by their names in lower case, for carry-out.lua. They are gone through once: what
-- is not there is sought by nginx' table in other spellings.
return function()
  local query = request.get_raw_query()
  local route, service = kong.router.get_route(), kong.router.get_service()
  local gathered = {
    method = ngx.req.get_method(),
    path = request.get_raw_path(),
    query = query ~= "" and query or nil,
    upstream_path = ngx.var.upstream_uri,
    client_ip = kong.client.get_forwarded_ip(),
    route = route and (route.name or route.id),
    service = service and (service.name or service.id),
  }
  local headers, announced = ngx.req.get_headers(0), 0
  for name, value in pairs(headers) do
    local told = TOLD[name]
    if told then
      gathered[told[1]] = told[2](value)
    elseif name == "content-length" then
      announced = tonumber(first_of(value)) or 0
    end
  end

  local body
  if gathered.method == "POST" then
    if is_form(gathered.content_type) then
      -- What comes in chunks announces no length.
      local bytes
      gathered.form, gathered.form_places, bytes = form(gathered.content_type)
      gathered.bytes = bytes or announced
    else
      body, gathered.bytes = read_body(announced)
    end
  end
  return gathered, body, headers
end
