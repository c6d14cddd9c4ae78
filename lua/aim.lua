-- lua/aim.lua: lets a request go to a provider's own host, in place of its service's: in access, and in
-- the balancer's phase before a further try, where nothing may wait.

local STANDARD = { http = 80, https = 443 }

return function(target)
  -- The name that its certificate must have follows, and Host without a port.
  kong.service.set_target(target.host, target.port)
  if target.port ~= STANDARD[target.scheme] then
    kong.service.request.set_header("Host", target.host .. ":" .. target.port)
  end
  local balancer = ngx.ctx.balancer_data
  -- For an address Kong would not ask its retry callback (kong/runloop/balancer, 3.9).
  balancer.type = "name"
  balancer.connect_timeout = target.connect_timeout_ms
  balancer.write_timeout = target.write_timeout_ms
  balancer.read_timeout = target.read_timeout_ms
end
