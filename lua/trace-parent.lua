-- lua/trace-parent.lua: the span to which what is told of a request belongs, as a header traceparent (W3C Trace
-- Context): the client's, or Kong's own where a plugin of Kong's has put that into the request on its way
-- upstream. Asked for in log, when all of them have run.

local function hex(bytes)
  return (bytes:gsub(".", function(byte)
    return string.format("%02x", byte:byte())
  end))
end

-- Kong's spans of this request where one of them has this id (kong/pdk/tracing.lua, 3.9.3: ids are bytes).
local function spans_with(id)
  local spans = ngx.ctx.KONG_SPANS
  for _, span in ipairs(type(spans) == "table" and spans or {}) do
    if type(span.span_id) == "string" and hex(span.span_id) == id then
      return spans
    end
  end
end

-- Nil where Kong passes on what it does not trace itself: nobody will ever get such a span
-- (kong/plugins/opentelemetry/traces.lua, 3.9.3).
return function()
  local sent = kong.request.get_header("traceparent")
  local version, trace, id, flags = (sent or ""):match("^(%x%x)%-(%x+)%-(%x+)%-(%x%x)$")
  if not id then
    return nil
  end
  local spans = spans_with(id)
  if not spans then
    return sent
  end
  local root = spans[1]
  if root.attributes and root.attributes["kong.propagation_only"] then
    return nil
  end
  -- The upstream is told of the balancer's span, which is one of several and begins late: the request's is
  -- Kong's first.
  return table.concat({ version, trace, hex(root.span_id), flags }, "-")
end
