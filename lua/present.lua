-- lua/present.lua: completes the head of an answer: our headers, who made it, and OpenAI's shape
-- for what Kong refused by itself. Runs in post-function (header_filter).

local REFUSALS = {
  [401] = '{"error":{"message":"The API key is missing or not known here: send it as x-api-key or '
    .. 'as a Bearer token.","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}',
  [403] = '{"error":{"message":"This API key may not use this route.",'
    .. '"type":"invalid_request_error","param":null,"code":"permission_denied"}}',
  [503] = '{"error":{"message":"The gateway cannot check this request now, so it was not sent on; '
    .. 'try again in a moment.","type":"server_error","param":null,"code":"gateway_unavailable"}}',
}

local shared, response = kong.ctx.shared, kong.response
local source, decision = response.get_source(), shared.llm_decision
shared.llm_first_byte_at = ngx.now()

-- Answers of the plugin server carry this header already, and it has learned from them.
shared.llm_learned = source == "exit" and response.get_header("X-LLM-Source") ~= nil
if shared.llm_learned then
  return
end

response.set_header("X-LLM-Source", source == "service" and "upstream" or "gateway")
if source ~= "exit" then
  -- Here and not in access: an upstream's header of the same name is replaced, not doubled.
  for name, value in pairs(decision and decision.response_headers or {}) do
    response.set_header(name, value)
  end
end

if source ~= "service" then
  -- Kong's 500 for a plugin whose server it could not reach even once (kong/init.lua, 3.9.3).
  if response.get_status() == 500 and not decision then
    response.set_status(503)
    response.set_header("Retry-After", "1")
  end
  shared.llm_refusal = REFUSALS[response.get_status()]
  if shared.llm_refusal then
    response.clear_header("Content-Length")
    response.set_header("Content-Type", "application/json")
  end
end
