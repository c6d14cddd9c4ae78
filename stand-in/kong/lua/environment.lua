-- Builds the `kong` and `ngx` that Lua code sees, out of functions of the host (host-functions.ts)
-- and of Kong's configuration. Returns a table with both.

local host, pdk, configuration = ...

local function text_of(...)
  local parts = {}
  for index = 1, select("#", ...) do
    parts[index] = tostring((select(index, ...)))
  end
  return table.concat(parts)
end

local function without_case(headers)
  return setmetatable(headers, {
    __index = function(_, name)
      return rawget(headers, (name:lower():gsub("_", "-")))
    end,
  })
end

local function indexed(read, write)
  return setmetatable({}, {
    __index = function(_, key)
      return read(key)
    end,
    __newindex = function(_, key, value)
      write(key, value)
    end,
  })
end

local function unwritable(table)
  return setmetatable({}, {
    __index = table,
    __newindex = function()
      error("cannot modify configuration")
    end,
  })
end

local kong = { version = "3.9.3", version_num = 3009003, ctx = {}, plugin = {},
  configuration = unwritable(configuration) }

for name, call in pairs(pdk) do
  local module = kong
  for part in name:gmatch("([%w_]+)%.") do
    if part ~= "kong" then
      module[part] = module[part] or {}
      module = module[part]
    end
  end
  module[name:match("[%w_]+$")] = call
end

for _, module in ipairs({ kong.request, kong.response }) do
  local get_headers = module.get_headers
  module.get_headers = function(...)
    return without_case(get_headers(...))
  end
end

setmetatable(kong.ctx, {
  __index = function(_, name)
    return name == "shared" and host.shared() or name == "plugin" and host.plugin() or nil
  end,
})

kong.dns = { toip = host.toip }

function kong.plugin.get_id()
  return host.plugin_id()
end

for _, level in ipairs({ "debug", "info", "notice", "warn", "err", "crit", "alert", "emerg" }) do
  kong.log[level] = function(...)
    host.log(level, text_of(...))
  end
end
setmetatable(kong.log, {
  __call = function(_, ...)
    host.log("notice", text_of(...))
  end,
})

local ngx = {
  OK = 0, ERROR = -1, AGAIN = -2, DONE = -4, DECLINED = -5,
  STDERR = 0, EMERG = 1, ALERT = 2, CRIT = 3, ERR = 4, WARN = 5, NOTICE = 6, INFO = 7, DEBUG = 8,
  HTTP_GET = 2, HTTP_HEAD = 4, HTTP_POST = 8, HTTP_PUT = 16, HTTP_DELETE = 32,
  HTTP_OPTIONS = 512, HTTP_PATCH = 16384,
  HTTP_OK = 200, HTTP_CREATED = 201, HTTP_ACCEPTED = 202, HTTP_NO_CONTENT = 204,
  HTTP_PARTIAL_CONTENT = 206, HTTP_MOVED_PERMANENTLY = 301, HTTP_MOVED_TEMPORARILY = 302,
  HTTP_SEE_OTHER = 303, HTTP_NOT_MODIFIED = 304, HTTP_TEMPORARY_REDIRECT = 307,
  HTTP_BAD_REQUEST = 400, HTTP_UNAUTHORIZED = 401, HTTP_PAYMENT_REQUIRED = 402,
  HTTP_FORBIDDEN = 403, HTTP_NOT_FOUND = 404, HTTP_NOT_ALLOWED = 405, HTTP_NOT_ACCEPTABLE = 406,
  HTTP_REQUEST_TIMEOUT = 408, HTTP_CONFLICT = 409, HTTP_GONE = 410, HTTP_UPGRADE_REQUIRED = 426,
  HTTP_TOO_MANY_REQUESTS = 429, HTTP_CLOSE = 444, HTTP_INTERNAL_SERVER_ERROR = 500,
  HTTP_METHOD_NOT_IMPLEMENTED = 501, HTTP_BAD_GATEWAY = 502, HTTP_SERVICE_UNAVAILABLE = 503,
  HTTP_GATEWAY_TIMEOUT = 504,
  null = host.null(),
  now = host.now,
  time = host.time,
  update_time = host.update_time,
  get_phase = host.get_phase,
  sleep = host.sleep,
  exit = host.exit,
  encode_base64 = host.encode_base64,
  decode_base64 = host.decode_base64,
  md5 = host.md5,
  md5_bin = host.md5_bin,
  sha1_bin = host.sha1_bin,
  escape_uri = host.escape_uri,
  unescape_uri = host.unescape_uri,
  var = indexed(host.get_variable, host.set_variable),
  arg = indexed(host.get_argument, host.set_argument),
  header = indexed(host.get_response_header, host.set_response_header),
  req = {
    start_time = host.start_time,
    get_method = host.get_method,
    read_body = host.read_body,
    get_body_data = host.get_body_data,
    get_body_file = host.get_body_file,
    clear_header = host.clear_request_header,
    get_headers = function(_, raw)
      local headers = host.get_request_headers(raw)
      return raw and headers or without_case(headers)
    end,
  },
  worker = { id = host.worker_id, pid = host.worker_pid, count = host.worker_count,
    exiting = host.worker_exiting },
  timer = {},
  socket = {},
}

local LEVELS = { "emerg", "alert", "crit", "err", "warn", "notice", "info", "debug" }

function ngx.log(level, ...)
  host.log(LEVELS[level] or "err", text_of(...))
end

local function timer(start)
  return function(delay, run, ...)
    local arguments, count = { ... }, select("#", ...)
    return start(delay, function(premature)
      run(premature, unpack(arguments, 1, count))
    end)
  end
end
ngx.timer.at = timer(host.timer_at)

local socket = {}
socket.__index = socket

for _, name in ipairs({ "connect", "send", "receive", "receiveany", "settimeout", "settimeouts",
  "setkeepalive", "getreusedtimes", "close" }) do
  local call = host["socket_" .. name]
  socket[name] = function(self, ...)
    return call(self.handle, ...)
  end
end

function ngx.socket.tcp()
  return setmetatable({ handle = host.socket_tcp() }, socket)
end

local balancer_data = indexed(host.get_balancer, host.set_balancer)

setmetatable(ngx, {
  __index = function(_, name)
    if name == "ctx" then
      local context = host.context()
      if context.balancer_data == nil and host.has_balancer() then
        context.balancer_data = balancer_data
      end
      return context
    end
    if name == "status" then
      return host.get_status()
    end
    return name == "headers_sent" and host.headers_sent() or nil
  end,
  __newindex = function(_, name, value)
    if name ~= "status" then
      error("attempt to write to ngx." .. tostring(name))
    end
    host.set_status(value)
  end,
})

return { kong = kong, ngx = ngx, native_timer_at = timer(host.native_timer_at) }
