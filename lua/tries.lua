-- lua/tries.lua: each try of the balancer where there were several: address, port, the millisecond in which it
-- began, and how it failed, as in "10.0.0.1 443 1764172800000 failed 429, 10.0.0.2 443 1764172800250".

local function told(try)
  local start = string.format("%.0f", try.balancer_start or 0)
  local words = { tostring(try.ip), tostring(try.port), start }
  if try.state then
    words[4] = tostring(try.state)
    words[5] = try.code and tostring(try.code) or nil
  end
  return table.concat(words, " ")
end

return function()
  local balancer = ngx.ctx.balancer_data
  local made = balancer and balancer.tries
  if not made or #made < 2 then
    return nil
  end
  local each = {}
  for _, try in ipairs(made) do
    each[#each + 1] = told(try)
  end
  return table.concat(each, ", ")
end
