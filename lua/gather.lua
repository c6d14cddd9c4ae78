-- lua/gather.lua: puts what the stages need of a request into kong.ctx.shared.llm, where the
-- plugin server reads it with one call. Runs in pre-function (access), before key-auth.

-- Endpoints whose body we read; openai/endpoint.ts holds the same list (a test compares them).
local ENDPOINTS = { "/chat/completions", "/completions", "/embeddings", "/responses" }
-- Longest body handed to the plugin server, in bytes: half of what it takes in one message.
-- The plugins' max_body_bytes is what a client sees.
local LONGEST = 32 * 1024 * 1024

local request = kong.request
local method, path = request.get_method(), request.get_path()
local query = request.get_raw_query()
local route, service = kong.router.get_route(), kong.router.get_service()

local gathered = {
  id = ngx.var.kong_request_id,
  method = method,
  path = path,
  query = query ~= "" and query or nil,
  content_type = request.get_header("Content-Type"),
  cache_control = request.get_header("Cache-Control"),
  client_ip = kong.client.get_forwarded_ip(),
  route = route and (route.name or route.id),
  service = service and (service.name or service.id),
}

local function is_read()
  local trimmed = path:gsub("/$", "")
  for _, endpoint in ipairs(ENDPOINTS) do
    if trimmed:sub(-#endpoint) == endpoint then
      return true
    end
  end
  return false
end

if method == "POST" and is_read() then
  local announced = tonumber(request.get_header("Content-Length")) or 0
  -- With a limit the PDK also reads a body that nginx has spilled to a file.
  local body = announced <= LONGEST and request.get_raw_body(LONGEST) or nil
  if body and #body <= LONGEST then
    gathered.body, gathered.bytes = body, #body
  else
    gathered.bytes = math.max(announced, LONGEST + 1)
  end
end

kong.ctx.shared.llm = gathered
