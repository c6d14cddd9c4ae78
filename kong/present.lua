-- kong/present.lua: completes the head of an answer: our headers, who made it, and OpenAI's shape
-- for what Kong refused by itself. Runs in post-function (header_filter).

local REFUSALS = {
  [401] = '{"error":{"message":"The API key is missing or not known here: send it as x-api-key or '
    .. 'as a Bearer token.","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}',
  [403] = '{"error":{"message":"This API key may not use this route.",'
    .. '"type":"invalid_request_error","param":null,"code":"permission_denied"}}',
}

local shared, response = kong.ctx.shared, kong.response
local source = response.get_source()
shared.llm_first_byte_at = ngx.now()

-- Answers of the plugin server carry the header already, and it has learned from them.
if source == "exit" then
  shared.llm_learned = response.get_header("X-LLM-Source") ~= nil
else
  response.set_header("X-LLM-Source", source == "service" and "upstream" or "gateway")
  -- Here and not in access: an upstream's header of the same name is replaced, not doubled.
  for name, value in pairs(shared.llm_decision and shared.llm_decision.response_headers or {}) do
    response.set_header(name, value)
  end
end

if source == "exit" and not shared.llm_learned then
  response.set_header("X-LLM-Source", "gateway")
  shared.llm_refusal = REFUSALS[response.get_status()]
  if shared.llm_refusal then
    response.clear_header("Content-Length")
    response.set_header("Content-Type", "application/json")
  end
end
