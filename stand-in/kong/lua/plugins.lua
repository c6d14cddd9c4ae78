-- Loads Lua plugins as Kong does, and runs their phases. Returns a table of functions for the host.

local kept = {}
local cjson = require("cjson").new()
cjson.decode_array_with_array_mt(true)

local plugins = {}

-- What the runloop must know of a plugin: its priority, version and phases.
function plugins.load(name)
  local handler = require("kong.plugins." .. name .. ".handler")
  kept[name] = handler
  local phases = {}
  for phase, run in pairs(handler) do
    if type(phase) == "string" and type(run) == "function" then
      phases[#phases + 1] = phase
    end
  end
  return { priority = handler.PRIORITY, version = handler.VERSION, phases = phases }
end

function plugins.schema(name)
  return require("kong.plugins." .. name .. ".schema")
end

-- A plugin's config: one table as long as the worker lives, arrays marked as Kong marks them.
function plugins.config(json)
  return cjson.decode(json)
end

function plugins.list(...)
  return { ... }
end

function plugins.run(name, phase, argument)
  local handler = kept[name]
  return handler[phase](handler, argument)
end

return plugins
