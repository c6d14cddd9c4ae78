-- The libraries of LuaJIT, OpenResty and Kong that `require` finds without a file, put where Kong's
-- plugins look for them, and the search for those that have one.

local host, bits, balancer, environment = ...

kong, ngx = environment.kong, environment.ngx
-- nginx' own timer: Kong keeps it under this name, and puts its library's in ngx.timer.at.
native_timer_at = environment.native_timer_at

local loaded = package.loaded
loaded.utf8 = nil
loaded.bit, bit = bits, bits
loaded["ngx.balancer"] = balancer

local array_mt, empty_array_mt = {}, {}

local function new_cjson()
  local empty_as_object, decoded_mt = true, nil
  local cjson = {
    null = ngx.null,
    empty_array = host.empty_array(),
    array_mt = array_mt,
    empty_array_mt = empty_array_mt,
    encode = function(value)
      return host.json_encode(value, empty_as_object, array_mt, empty_array_mt)
    end,
    decode = function(text)
      return host.json_decode(text, decoded_mt)
    end,
    encode_empty_table_as_object = function(on)
      empty_as_object = on ~= false and on ~= "off"
    end,
    decode_array_with_array_mt = function(on)
      decoded_mt = on and array_mt or nil
    end,
  }
  return cjson
end

-- The same, with nil and a message where the other raises an error.
local function new_safe_cjson()
  local cjson = new_cjson()
  for _, name in ipairs({ "encode", "decode" }) do
    local run = cjson[name]
    cjson[name] = function(...)
      local ok, result = pcall(run, ...)
      if ok then
        return result
      end
      return nil, (tostring(result):gsub("^[^%s:]+:%d+: ", ""))
    end
  end
  cjson.new = new_safe_cjson
  return cjson
end

local cjson = new_cjson()
cjson.new = new_cjson
loaded.cjson, loaded["cjson.safe"] = cjson, new_safe_cjson()

loaded["table.new"] = function()
  return {}
end

loaded["table.clear"] = function(items)
  for key in pairs(items) do
    items[key] = nil
  end
end

loaded["table.nkeys"] = function(items)
  local count = 0
  for _ in pairs(items) do
    count = count + 1
  end
  return count
end

loaded["table.isempty"] = function(items)
  return next(items) == nil
end

local buffer = {}
buffer.__index = buffer

function buffer.put(self, ...)
  for index = 1, select("#", ...) do
    self.bytes = self.bytes .. tostring((select(index, ...)))
  end
  return self
end

function buffer.putf(self, ...)
  return self:put(string.format(...))
end

function buffer.set(self, bytes)
  self.bytes = bytes
  return self
end

function buffer.skip(self, count)
  self.bytes = self.bytes:sub(count + 1)
  return self
end

function buffer.get(self, count)
  local taken = count and self.bytes:sub(1, count) or self.bytes
  self.bytes = self.bytes:sub(#taken + 1)
  return taken
end

function buffer.reset(self)
  return self:set("")
end
buffer.free = buffer.reset

function buffer.tostring(self)
  return self.bytes
end
buffer.__tostring = buffer.tostring

function buffer.__len(self)
  return #self.bytes
end

loaded["string.buffer"] = {
  new = function()
    return setmetatable({ bytes = "" }, buffer)
  end,
}

local file = {}
file.__index = file

function file.read(self, what)
  return host.file_read(self.handle, what)
end

function file.close(self)
  return host.file_close(self.handle)
end

function io.open(path, mode)
  local handle, why = host.file_open(path, mode)
  if handle then
    return setmetatable({ handle = handle }, file)
  end
  return nil, why
end

-- kong.db.schema.typedefs, of which schemas of plugins use these.
local function nobody(reference)
  return { type = "foreign", reference = reference, eq = ngx.null }
end
local http_protocols = { "grpc", "grpcs", "http", "https" }
loaded["kong.db.schema.typedefs"] = {
  no_consumer = nobody("consumers"),
  no_route = nobody("routes"),
  no_service = nobody("services"),
  protocols_http = {
    type = "set",
    required = true,
    default = http_protocols,
    elements = { type = "string", one_of = http_protocols },
  },
}

package.path = host.package_path()
package.cpath = ""
package.loaders = {
  function(name)
    return package.preload[name] or "\n\tno field package.preload['" .. name .. "']"
  end,
  function(name)
    local source, file = host.find_module(name)
    if not source then
      return "\n\tno file for it in " .. package.path
    end
    return assert(load(source, "@" .. file, "t")), file
  end,
}
package.searchers = package.loaders
