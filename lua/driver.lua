-- lua/driver.lua: a plugin of ours as Kong runs it: it asks the plugin server once, carries out what it
-- answers, and watches the answer pass. Whatever goes wrong on the way, the request is not sent on.

local ask = require("kong_llm.ask")
local carry_out = require("kong_llm.carry-out")
local expiry = require("kong_llm.expiry")
local gather = require("kong_llm.gather")
local present = require("kong_llm.present")
local report = require("kong_llm.report")
local restore = require("kong_llm.restore")
local retry = require("kong_llm.retry")
local tap = require("kong_llm.tap")

local sockets = {}

-- Where the plugin server takes questions: beside the socket that kong.conf names for this plugin; nil
-- and why not, where it names none.
local function socket_of(name)
  if sockets[name] then
    return sockets[name]
  end
  local setting = "pluginserver_" .. name:gsub("-", "_") .. "_socket"
  local socket = kong.configuration[setting]
  if not socket then
    return nil, setting .. " is not set in kong.conf: name the plugin server's socket there"
  end
  sockets[name] = socket .. ".ask"
  return sockets[name]
end

-- Several plugins of ours on one route share what they know of a request; the one that stands last
-- in it so far watches its answer.
local function state_of(name)
  local shared = kong.ctx.shared
  local state = shared.llm_state or { owner = name }
  shared.llm_state = state
  return state
end

-- Headers that the stages of one plugin ask for, by their names in lower case: as the client sent them,
-- whatever a plugin of ours before has kept from the upstream.
local function headers_of(names, sent)
  local found
  for _, name in ipairs(names) do
    local value = sent[name]
    found = found or {}
    found[name] = type(value) == "table" and value[1] or value
  end
  return found
end

-- What version 0.1 had in post-function may still stand beside us while nodes are upgraded: its
-- carry-out.lua, which runs after us, refuses what it finds no decision for, and repeats what it finds.
local function show_snippets(decision)
  kong.ctx.shared.llm_decision = decision
end

-- Its present.lua, which runs after ours, tells its tap.lua and report.lua what to do: they leave to us
-- what has been learned of.
local function quieten_snippets(state)
  if not state.quiet then
    local shared = kong.ctx.shared
    shared.llm_learned, shared.llm_refusal, state.quiet = true, nil, true
  end
end

local function credential_id()
  local credential = kong.client.get_credential()
  return credential and credential.id
end

local function consumer()
  local found = kong.client.get_consumer()
  local tags = found and found.tags
  return found and {
    id = found.id, username = found.username, custom_id = found.custom_id,
    -- An empty table would be an object in JSON.
    tags = tags and #tags > 0 and tags or nil,
  }
end

-- What the plugin server says to this request; nil, why there is no answer, and whether that is a mistake
-- of the operator, which does not pass.
local function answer_for(plugin, conf, state)
  local path, unset = socket_of(plugin.name)
  if not path then
    return nil, unset, true
  end
  local needs, unknown, refused = ask.needs(plugin, conf, path)
  if not needs then
    return nil, unknown, refused
  end
  -- What an earlier plugin of ours has changed is read as it is now: length, coding and form go with it.
  if not state.request or state.changed then
    state.request, state.body, state.headers = gather()
    state.sent = state.sent or state.headers
    state.changed = nil
  end
  local question = {
    request = state.request, consumer = consumer(), headers = headers_of(needs.headers, state.sent),
    credential = needs.credential and credential_id() or nil, expires = expiry(),
  }
  local answer, silent, forgotten =
    ask.ask(plugin, conf, path, question, state.earlier, state.body)
  if answer then
    answer.outcomes_socket = needs.outcomes_socket
  end
  return answer, silent, forgotten
end

-- present.lua gives it the body.
local function refuse(plugin, why, state, misconfigured)
  kong.log.err(plugin.name, " has not decided about this request: ", why)
  state.misconfigured = misconfigured
  if misconfigured then
    return kong.response.exit(503, "", { ["x-should-retry"] = "false" })
  end
  return kong.response.exit(503, "", { ["Retry-After"] = "1" })
end

-- What the tap has kept stays masked: that is what is stored and counted.
local function show_values(state)
  local decision = state.decision
  if not decision or not decision.restore or state.learned or state.refusal then
    return
  end
  local shown = restore.filter(state, decision.restore, ngx.arg[1], ngx.arg[2])
  if shown then
    ngx.arg[1] = shown
  end
end

local handler = {}

function handler:access(conf)
  local state = state_of(self.name)
  state.owner = self.name
  local ran, answer, why, misconfigured = pcall(answer_for, self, conf, state)
  if not ran or not answer then
    return refuse(self, ran and why or answer, state, misconfigured)
  end
  local head = answer.head
  if answer.kind == "A" then
    local body = answer.rest
    -- A stored answer is masked: it gets the values of who asks now.
    if head.restore then
      body = restore.whole(head.restore, head.headers["Content-Type"], body)
    end
    return kong.response.exit(head.status, body, head.headers)
  end
  head.ticket, head.outcomes_socket = answer.rest, answer.outcomes_socket
  state.decision = head
  state.earlier = { text = answer.text, ticket = answer.rest }
  local carried, changed = pcall(carry_out, head, state.body, state.headers)
  state.headers = nil
  if not carried then
    -- Its outcome is told all the same, so that what was taken for it is given back.
    state.refused = true
    return refuse(self, changed, state)
  end
  state.changed = changed
  if head.tries then
    retry.arm(state, head)
  elseif changed then
    -- It may be long. Whoever asks next reads it as it is now.
    state.body = nil
  end
  show_snippets(head)
end

function handler:header_filter()
  local state = state_of(self.name)
  if state.owner == self.name then
    present(state, state.request or {}, state.decision)
    if state.decision and state.decision.restore then
      ngx.header["Content-Length"] = nil
    end
    -- A body may be long, and nobody needs it any more.
    state.body, state.changed = nil, nil
  end
end

function handler:body_filter()
  local state = state_of(self.name)
  quieten_snippets(state)
  if state.owner == self.name then
    tap(state, state.decision)
    show_values(state)
  end
end

function handler:log()
  local state = state_of(self.name)
  quieten_snippets(state)
  if state.owner == self.name then
    state.failures, state.unanswered = retry.failures(state), ask.unanswered()
    report(state, state.decision)
  end
end

-- The handler of one plugin.
return function(name, priority, version)
  local plugin = { name = name, version = version, PRIORITY = priority, VERSION = version }
  for phase, run in pairs(handler) do
    plugin[phase] = run
  end
  return plugin
end
