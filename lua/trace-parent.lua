-- lua/trace-parent.lua: the span to which what the gateway tells of a request belongs, as a header
-- traceparent (W3C Trace Context): the client's, or Kong's own where a plugin of Kong has put that into
-- the request on its way upstream. Asked for in log, when all of them have run.

local function hex(bytes)
  return (bytes:gsub(".", function(byte)
    return string.format("%02x", byte:byte())
  end))
end

-- What goes upstream names the span of Kong's balancer, which begins late and is one of many: ours belongs
-- to Kong's first, the request's (kong/plugins/opentelemetry/traces.lua and kong/pdk/tracing.lua, 3.9: ids
-- are bytes).
local function root_of(id)
  local spans = ngx.ctx.KONG_SPANS
  for _, span in ipairs(type(spans) == "table" and spans or {}) do
    if type(span.span_id) == "string" and hex(span.span_id) == id then
      return hex(spans[1].span_id)
    end
  end
end

return function()
  local sent = kong.request.get_header("traceparent")
  local version, trace, id, flags = (sent or ""):match("^(%x%x)%-(%x+)%-(%x+)%-(%x%x)$")
  if not id then
    return nil
  end
  return table.concat({ version, trace, root_of(id) or id, flags }, "-")
end
