-- lua/retry.lua: the further tries of a request. Kong's balancer asks before each, and gets from the
-- decision where it goes and what it sends; nothing may wait there, so names are resolved before.

local cjson = require("cjson.safe")
local aim = require("kong_llm.aim")
local edited = require("kong_llm.edited")
local left = require("kong_llm.left")

-- Of the answer of a failed try, which nobody else ever sees: $upstream_http_ has it until the next try.
local TOLD = { "retry_after", "retry_after_ms" }

-- What nginx says of the try with this number: one part for each, as in "0.002, - : " (the last is to be).
local function part_of(text, number)
  local at = 0
  for part in (text or ""):gmatch("[^,:]+") do
    at = at + 1
    if at == number then
      return part:match("^%s*(.-)%s*$")
    end
  end
end

-- Sent, and no answer to it has come: the upstream may work on it still, and bill it.
local function is_unanswered(number)
  local connected = part_of(ngx.var.upstream_connect_time, number)
  local answered = part_of(ngx.var.upstream_header_time, number)
  return connected ~= nil and connected ~= "-" and (answered == nil or answered == "-")
end

-- The next try: one with another key of the same model helps only where a key was refused.
local function pick(tries, used, code)
  local spare
  for index, try in ipairs(tries) do
    if not used[index] then
      if not try.for_key or code == 429 then
        return index
      end
      spare = spare or index
    end
  end
  return spare
end

-- No key of one provider may go on to another.
local function clear_header(name)
  if not pcall(ngx.req.clear_header, name) then
    kong.service.request.set_header(name, "")
  end
end

local function apply(state, try)
  if try.target then
    aim(try.target)
  end
  for name, value in pairs(try.headers) do
    if value then
      kong.service.request.set_header(name, value)
    else
      clear_header(name)
    end
  end
  kong.service.request.set_raw_body(edited(state.body, { try.edits }))
end

local function told_left()
  local told
  for name, place in pairs(left.places) do
    local value = ngx.var["upstream_http_" .. name:gsub("-", "_")]
    if value and value ~= "" then
      told = left.note(told, place, value)
    end
  end
  return told and table.concat(told, "\n")
end

local function note_failure(state, code)
  local failed = { try = state.served or 0, status = code }
  for _, name in ipairs(TOLD) do
    local value = ngx.var["upstream_http_" .. name]
    failed[name] = value ~= "" and value or nil
  end
  failed.left = told_left()
  state.failed[#state.failed + 1] = failed
end

local function next_try(state, decision)
  local balancer = require("ngx.balancer")
  local _, code = balancer.get_last_failure()
  state.sent = state.sent + 1
  if is_unanswered(state.sent) and not decision.repeats_unanswered then
    -- present.lua answers as if Kong had not asked.
    state.instead = code
    return false
  end
  local index = pick(decision.tries, state.used, code)
  if not index then
    return false
  end
  note_failure(state, code)
  state.used[index], state.served = true, index
  apply(state, decision.tries[index])
  return assert(balancer.recreate_request())
end

-- Puts the name into the cache of names, in which alone the balancer looks for a further try.
local function resolves(target)
  local dns = kong.dns
  if not target or not (dns and dns.toip) then
    return true
  end
  local ran, ip = pcall(dns.toip, target.host, target.port)
  return not ran or ip ~= nil
end

-- In access: what is known to go nowhere is not tried. Without any name that resolves Kong answers.
-- Returns how many further tries there are: nginx must not ask for more, as the answer before is gone then.
local function skip_unknown_hosts(state, decision)
  local first, left = nil, 0
  for index, try in ipairs(decision.tries) do
    if resolves(try.target) then
      first, left = first or index, left + 1
    else
      state.used[index] = true
    end
  end
  if resolves(decision.target) then
    return left
  end
  kong.log.err("the name ", decision.target.host, " is unknown")
  state.is_unresolved = first == nil
  if not first then
    return 0
  end
  state.failed[1] = { try = 0 }
  state.used[first], state.served = true, first
  apply(state, decision.tries[first])
  return left - 1
end

local M = {}

-- Arms the balancer with the tries of a decision that was carried out. state: what the phases share.
function M.arm(state, decision)
  state.used, state.failed, state.sent = {}, {}, 0
  local left = skip_unknown_hosts(state, decision)
  kong.service.set_retries(math.min(left, decision.most_tries - #state.failed))
  ngx.ctx.balancer_data.type = "name"
  kong.service.set_target_retry_callback(function()
    return next_try(state, decision)
  end)
end

-- For report.lua: the tries that failed, as JSON; nil where the first served.
function M.failures(state)
  local failed = state.failed
  return failed and #failed > 0 and cjson.encode(failed) or nil
end

return M
