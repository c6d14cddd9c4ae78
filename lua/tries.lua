-- lua/tries.lua: each try of the balancer where there were several, as in "10.0.0.1 443 failed 429, 10.0.0.2 443".

return function()
  local balancer = ngx.ctx.balancer_data
  local made = balancer and balancer.tries
  if not made or #made < 2 then
    return nil
  end
  local told = {}
  for _, try in ipairs(made) do
    local words = { try.ip, try.port, try.state, try.code }
    told[#told + 1] = table.concat({
      tostring(words[1]), tostring(words[2]), words[3] and tostring(words[3]) or nil,
      words[3] and words[4] and tostring(words[4]) or nil,
    }, " ")
  end
  return table.concat(told, ", ")
end
