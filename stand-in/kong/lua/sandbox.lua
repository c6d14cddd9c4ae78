-- Compiles the snippets of pre- and post-function as Kong 3.9 does: in its sandbox (only the names
-- below, plus kong and ngx), each once for a plugin config. Returns a function that takes a list of
-- sources and gives the function of their phase.

local worker, host = ...
local kong, ngx, check = worker.kong, worker.ngx, host.check

local SAFE = {
  "_VERSION", "assert", "error", "ipairs", "next", "pairs", "pcall", "select", "tonumber",
  "tostring", "type", "unpack", "xpcall",
}
local SAFE_MODULES = {
  coroutine = { "create", "resume", "running", "status", "wrap", "yield" },
  math = {
    "abs", "acos", "asin", "atan", "atan2", "ceil", "cos", "cosh", "deg", "exp", "fmod", "floor",
    "frexp", "huge", "ldexp", "log", "log10", "max", "min", "modf", "pi", "pow", "rad", "random",
    "sin", "sinh", "sqrt", "tan", "tanh",
  },
  os = { "clock", "date", "difftime", "time" },
  string = {
    "byte", "char", "find", "format", "gmatch", "gsub", "len", "lower", "match", "rep", "reverse",
    "sub", "upper",
  },
  table = { "concat", "insert", "maxn", "remove", "sort" },
}

local function refuse(name)
  error("require '" .. tostring(name) .. "' not allowed within sandbox")
end

local function protected(name, members)
  local module = {}
  for _, member in ipairs(members) do
    module[member] = _G[name][member]
  end
  return setmetatable({}, {
    __index = module,
    __newindex = function(_, member)
      error("Can not modify " .. name .. "." .. member .. ". Protected by the sandbox.")
    end,
  })
end

local function environment()
  local env = { kong = kong, ngx = ngx, require = refuse }
  for _, name in ipairs(SAFE) do
    env[name] = _G[name]
  end
  for name, members in pairs(SAFE_MODULES) do
    env[name] = protected(name, members)
  end
  env._G = env
  return env
end

local function compiled(source)
  check(source)
  return assert(load(source, nil, "t", environment()))
end

-- The first run of a snippet may answer a function: from then on that is what runs, and what it
-- closes over lives as long as the worker. A first run that exits has answered nothing.
local function phase_function(source)
  local run, started = compiled(source), false
  return function()
    if started then
      run()
      return
    end
    started = true
    local result = run()
    if type(result) == "function" then
      run = result
      run()
    end
  end
end

return function(sources)
  local functions = {}
  for index, source in ipairs(sources) do
    functions[index] = phase_function(source)
  end
  return function()
    for _, run in ipairs(functions) do
      run()
    end
  end
end
