-- lua/present.lua: completes the head of an answer: our headers, who made it, nothing of the upstream's
-- account, and the shape of the caller's API for what Kong refused by itself.

local left = require("kong_llm.left")
local refusals = require("kong_llm.refusals")
local remembered = require("kong_llm.remembered")

-- What the upstream tells its customer, who is not its client here. A trailing * is any end.
local ACCOUNT = {
  "set-cookie", "openai-organization", "openai-project", "anthropic-organization-id",
  "anthropic-workspace-id", "anthropic-ratelimit-*", "anthropic-priority-*", "anthropic-fast-*",
  "x-ratelimit*", "x-rate-limit-*", "ratelimit*", "x-tokenlimit-*", "x-trial-endpoint-*",
  "x-endpoint-monthly-*", "x-codex-*", "x-databricks-org-id",
  "msh-gid", "msh-uid", "msh-org-id", "msh-project-id",
  -- What a router of somebody else tells of its key, its budget and its own upstream; and what a server
  -- that shows the headers it got would give away of ours.
  "x-litellm-*", "x-account-*", "x-organization*", "x-credit*", "x-balance*",
  "authorization", "x-api-key", "api-key",
  -- What it says of its own host would be taken for what ours says.
  "alt-svc", "strict-transport-security", "nel", "report-to", "reporting-endpoints", "set-cookie2",
}

local function is_of_account(sent)
  local name = sent:lower()
  for _, known in ipairs(ACCOUNT) do
    local beginning = known:sub(-1) == "*" and known:sub(1, -2)
    if beginning and name:sub(1, #beginning) == beginning or name == known then
      return true
    end
  end
  return false
end

local goes_no_further = remembered(is_of_account)

local function clear_account(headers)
  for name in pairs(headers) do
    if goes_no_further(name) then
      ngx.header[name] = nil
    end
  end
end

-- In which words of which API the caller is answered.
local function shapes_for(request)
  local path = request.path or kong.request.get_raw_path()
  local speaks = request.anthropic_version or kong.request.get_header("anthropic-version")
  return (speaks or path:find("/v1/messages", 1, true)) and refusals.anthropic or refusals.openai
end

-- A POST that is sent on to another address: an SDK would follow with its key, past the gateway.
local REDIRECTS = { [301] = true, [302] = true, [303] = true, [307] = true, [308] = true }

local function leads_away(status)
  return REDIRECTS[status] and ngx.req.get_method() == "POST"
end

-- Kong's own words for a request that was let through are about the upstream, all others about us.
local function refusal_for(status, state, shapes, decision)
  if state.misconfigured then
    return shapes.misconfigured[status]
  end
  return decision and shapes.upstream[status] or shapes.gateway[status]
end

local function replace_body(state, text, shapes)
  state.refusal = text
  if text then
    kong.response.clear_header("Content-Length")
    kong.response.set_header("Content-Type", "application/json")
    kong.response.set_header(shapes.request_id, ngx.var.kong_request_id)
  end
end

-- Our headers: those of the try that served, and how many there were.
local function headers_of(state, decision)
  local try = state.served and decision.tries[state.served]
  local headers = (try or decision or {}).response_headers or {}
  if try then
    headers["X-LLM-Tries"] = tostring(#state.failed + 1)
  end
  return headers
end

-- What report.lua tells of the head.
local TOLD = {
  ["content-type"] = "content_type",
  ["content-encoding"] = "content_encoding",
  ["retry-after"] = "retry_after",
  ["retry-after-ms"] = "retry_after_ms",
}

-- state: what the later phases of this request share; request and decision: where there are some.
return function(state, request, decision)
  local response = kong.response
  local source = response.get_source()
  state.first_byte_at = ngx.now()

  -- Answers of the plugin server carry this header already, and it has learned from them.
  state.learned = source == "exit" and response.get_header("X-LLM-Source") ~= nil
  if state.learned then
    return
  end

  local header, headers = ngx.header, response.get_headers(1000)
  for name, value in pairs(headers) do
    local told = TOLD[name]
    if told then
      state[told] = value
    elseif left.places[name] and source == "service" then
      -- Before it is cleared.
      state.left = left.note(state.left, left.places[name], value)
    end
  end
  if source == "service" then
    clear_account(headers)
  end
  local away = source == "service" and leads_away(response.get_status())
  header["X-LLM-Source"] = source == "service" and not away and "upstream" or "gateway"
  if source ~= "exit" then
    -- Here and not in access: an upstream's header of the same name is replaced, not doubled.
    for name, value in pairs(headers_of(state, decision)) do
      header[name] = value
    end
    if decision and decision.without_usage then
      header["Content-Length"] = nil
    end
  end

  if source == "service" and not away then
    return
  end
  local shapes = shapes_for(request)
  if away then
    response.set_status(502)
    header["Location"], header["Content-Encoding"], header["x-should-retry"] = nil, nil, "false"
    replace_body(state, shapes.redirected[502], shapes)
  else
    -- Kong's 503 where retry.lua gave no further try: what came of the one before counts.
    if state.instead then
      response.set_status(state.instead)
    end
    -- Kong's 500 for a plugin whose server it could not reach even once (kong/init.lua, 3.9.3).
    if response.get_status() == 500 and not decision then
      response.set_status(503)
      response.set_header("Retry-After", "1")
    end
    local let_through = not state.refused and decision
    replace_body(state, refusal_for(response.get_status(), state, shapes, let_through), shapes)
  end
end
