-- lua/ask.lua: one question to the plugin server, and its answer, over a unix socket beside the one
-- that Kong's own protocol uses. A connection goes back to its pool only when its answer was read to the
-- end, so no answer can reach another question.

local cjson = require("cjson.safe")
local exchange = require("kong_llm.exchange")
local whole = require("kong_llm.whole")

-- The server says at least every few seconds that it is still deciding ("W").
local CONNECT_MS, SEND_MS, SILENCE_MS = 1000, 5000, 15000
local IDLE_MS, POOL = 60000, 256

local M = {}

-- What this worker has told the server of each config, by the config's table: Kong makes a new one
-- when it changes.
local introduced = setmetatable({}, { __mode = "k" })
-- Counts up when connections turn out to be dead: those of the pool before are not taken again.
local generation = 0

-- Where to connect, and to which pool, by path: they change with the generation.
local targets = {}

local function target_of(path)
  local target = targets[path]
  if not target or target.generation ~= generation then
    target = {
      address = "unix:" .. path, generation = generation,
      options = { pool = path .. generation, pool_size = POOL },
    }
    targets[path] = target
  end
  return target
end

local function connect(path)
  local socket, target = ngx.socket.tcp(), target_of(path)
  socket:settimeouts(CONNECT_MS, SEND_MS, SILENCE_MS)
  local connected, err = socket:connect(target.address, target.options)
  if not connected then
    return nil, err
  end
  return socket
end

-- The config as the server gets it, and the name by which it knows it: equal configs have one name.
local function introduce(plugin, conf)
  local own = {}
  for key, value in pairs(conf) do
    if key:sub(1, 2) ~= "__" then
      own[key] = value
    end
  end
  local text = cjson.encode(own)
  return { id = plugin.name .. ":" .. ngx.md5(text), text = text, at = ngx.now() }
end

-- Kong puts rotated secrets into the same table: one with vault references is looked at again.
local function introduction(plugin, conf)
  local known = introduced[conf]
  if known and not (conf["$refs"] and ngx.now() - known.at > 1) then
    return known
  end
  local fresh = introduce(plugin, conf)
  if known and known.id == fresh.id then
    known.at = fresh.at
    return known
  end
  introduced[conf] = fresh
  return fresh
end

-- Tells the server a config; what it asks for in return: { headers = {...}, outcomes_socket = ... }; else
-- nil, why not, whether the connection was dead, and whether it is the config that is refused, which asking
-- again does not change.
local function tell_config(socket, plugin, known)
  local about = cjson.encode({
    plugin = plugin.name, version = plugin.version, id = known.id,
    -- After what nginx sends a request again, as kong.conf has it.
    next_upstream = kong.configuration.nginx_proxy_proxy_next_upstream,
  })
  local kind, sections, dead = exchange(socket, "C", { about, known.text })
  if kind == "N" and sections and sections[1] then
    known.needs = cjson.decode(sections[1])
  end
  if not known.needs then
    local told = kind == "E" and sections
    return nil, told and told[1] or sections or "no answer to a config", dead, told and told[2] == "config"
  end
  return known.needs
end

-- Questions that went out whole and got no answer, by reason, since they were last told of: a plugin
-- server may have decided about them, and have taken for them what nobody gives back.
local unanswered = {}

local function asked(socket, sections)
  local kind, answer, dead, sent = exchange(socket, "Q", sections)
  if not kind and sent then
    local reason = answer == "timeout" and "silent" or "closed"
    unanswered[reason] = (unanswered[reason] or 0) + 1
  end
  return kind, answer, dead
end

-- Runs `work(socket)` on a connection; once more on a fresh one where a pooled one was dead. Not after
-- an answer, whatever it says: the question has been decided about, and what that took would be taken twice.
local function on_connection(path, work)
  for attempt = 1, 2 do
    local socket, connect_err = connect(path)
    if not socket then
      return nil, connect_err
    end
    local reused = socket:getreusedtimes() > 0
    local result, err, dead, refused = work(socket)
    if result then
      socket:setkeepalive(IDLE_MS, POOL)
      return result
    end
    socket:close()
    if not (reused and dead) or attempt == 2 then
      return nil, err, refused
    end
    generation = generation + 1
  end
end

-- What the server needs to know of each request under this config; nil, why not, whether it is refused.
function M.needs(plugin, conf, path)
  local known = introduction(plugin, conf)
  if known.needs then
    return known.needs
  end
  return on_connection(path, function(socket)
    return tell_config(socket, plugin, known)
  end)
end

-- LuaJIT keeps each string once, and finds equal ones by few of its bytes: the first, the last ones and
-- some between. Long ones that differ elsewhere are compared with one another, which can cost a third of a
-- worker's time. So what differs with each request (its id) goes in a section of its own, or stands at the
-- end of what the server says; all else is the same text again.
--
-- question: a table, the same for equal requests; earlier: what plugins before this one decided, as they
-- came; body: bytes or nil.
-- The answer: { kind = "D" or "A", head, ticket or body }; nil, why not, whether the config is refused.
function M.ask(plugin, conf, path, question, earlier, body)
  local known = introduction(plugin, conf)
  question.config = known.id
  local id = ngx.var.kong_request_id
  local sections = {
    cjson.encode({ id = id, asked_at = math.floor(ngx.now() * 1000) }), cjson.encode(question),
    earlier and earlier.text or "", earlier and earlier.ticket or "", body or "",
  }
  return on_connection(path, function(socket)
    local kind, answer, dead = asked(socket, sections)
    if kind == "U" then
      -- The server was started anew, or has forgotten a config that was long out of use.
      local needs, err, config_dead, refused = tell_config(socket, plugin, known)
      if not needs then
        return nil, err, config_dead, refused
      end
      kind, answer, dead = asked(socket, sections)
    end
    if (kind ~= "D" and kind ~= "A") or not answer or #answer ~= 3 then
      return nil, not kind and answer or "no answer of ours", dead
    end
    local head = cjson.decode(answer[2])
    if answer[1] ~= id or type(head) ~= "table" then
      return nil, "an answer to another question"
    end
    if not (kind == "D" and whole.decision or whole.answer)(head) then
      return nil, "an answer that is not whole"
    end
    return { kind = kind, head = head, text = answer[2], rest = answer[3] }
  end)
end

-- How many questions of this worker were not answered, by reason, once: { closed = n, silent = n }; nil
-- where there are none.
function M.unanswered()
  if next(unanswered) == nil then
    return nil
  end
  local counts = unanswered
  unanswered = {}
  return counts
end

return M
