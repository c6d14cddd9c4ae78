-- lua/form.lua: the small parts of a multipart form, such as the model of a transcription. Files are
-- stepped over in pieces and never kept, and the form goes upstream as it came (RFC 7578, RFC 2046). So
-- what another reader of forms might read in another way is no form here.

local parameters = require("kong_llm.parameters")

-- The sandbox of pre-function opens no files: there only a form that fits nginx' buffer is read.
local open = io and io.open
local PIECE, LONGEST_VALUE, MOST_PARTS, LONGEST_HEAD = 65536, 4096, 100, 8192

-- The body as a function that gives the next piece of it, and how to close it.
local function pieces()
  ngx.req.read_body()
  local data = ngx.req.get_body_data()
  local name = not data and ngx.req.get_body_file()
  local file = name and open and open(name, "rb")
  if file then
    return function() return file:read(PIECE) end, function() file:close() end
  end
  return function()
    local all = data
    data = nil
    return all
  end, function() end
end

-- A window over the pieces: what is behind is dropped, more is read only when it is needed.
local function window(next_piece)
  local held = ""
  -- at: how many bytes of the body have been stepped over.
  local self = { at = 0 }

  local function step(bytes)
    held = held:sub(bytes + 1)
    self.at = self.at + bytes
  end

  local function more()
    local piece = next_piece()
    held = held .. (piece or "")
    return piece
  end

  -- The next so many bytes, or what is left of them.
  function self.next(bytes)
    while #held < bytes and more() do end
    local taken = held:sub(1, bytes)
    step(#taken)
    return taken
  end

  -- How many bytes of what was read have not been stepped over: all that is left, at the body's end.
  function self.left()
    return #held
  end

  -- What stands before the mark, up to `longest` bytes of it, stepping over the mark; nil where it is
  -- longer. Then how many bytes it has, and its last two: nil where there is no mark.
  function self.upto(mark, longest)
    local kept, bytes, last = {}, 0, ""
    while true do
      local from = held:find(mark, 1, true)
      local safe = from and from - 1 or math.max(0, #held - #mark + 1)
      local part = held:sub(1, safe)
      if bytes <= longest then
        kept[#kept + 1] = part
      end
      bytes, last = bytes + safe, (last .. part:sub(-2)):sub(-2)
      step(safe)
      if from then
        step(#mark)
        return bytes <= longest and table.concat(kept) or nil, bytes, last
      end
      if not more() then
        return nil
      end
    end
  end

  return self
end

-- Readers decode all others: what they read then is not what stands here.
local PLAIN = { ["7bit"] = true, ["8bit"] = true, ["binary"] = true }

-- The name of a part, and whether it is a file; nil for one that others might read in another way.
local function part_in(head)
  local disposition, coding
  for line in (head .. "\r\n"):gmatch("(.-)\r\n") do
    local name, value = line:match("^([%w-]+):[ \t]*([^\r\n]*)$")
    name = name and name:lower()
    if not name or (name == "content-disposition" and disposition) then
      return nil
    end
    if name == "content-disposition" then
      disposition = value
    elseif name == "content-transfer-encoding" then
      coding = value
    end
  end
  local told = disposition and parameters(disposition, "form-data")
  if not told or not told.name then
    return nil
  end
  local is_file = told.filename or told["filename*"]
  if coding and not is_file and not PLAIN[coding:lower()] then
    return nil
  end
  return told.name, is_file
end

-- Name and value of each small part. One that is too long, or stands twice, is `false`: upstreams
-- differ in what they make of it. Then where each value stands, as { offset, length } in bytes, and how
-- many bytes the form has. Nil for what every reader of forms need not read alike.
local function read(content_type, next_piece)
  local boundary = (parameters(content_type, "multipart/form-data") or {}).boundary
  local body, mark = window(next_piece), "--" .. (boundary or "")
  if not boundary or not (body.upto(mark, 2) or "x"):find("^[\r\n]*$") then
    return nil
  end
  local fields, places = {}, {}
  for _ = 1, MOST_PARTS do
    local ends = body.next(2)
    if ends == "--" then
      -- Some readers go on behind the end.
      local goes_on = select(2, body.upto(mark, 0))
      return not goes_on and fields or nil, places, body.at + body.left()
    end
    local head = ends == "\r\n" and body.upto("\r\n\r\n", LONGEST_HEAD)
    if not head or head:find(mark, 1, true) then
      return nil
    end
    local name, is_file = part_in(head)
    local starts_at = body.at
    local value, bytes, last = body.upto(mark, LONGEST_VALUE + 2)
    -- Readers that take any end of a line see a part where another one does not.
    if not name or last ~= "\r\n" then
      return nil
    end
    if is_file then
      -- Nobody sends a model as a file.
      fields.model = name ~= "model" and fields.model
    else
      fields[name] = fields[name] == nil and value and value:sub(1, -3) or false
      places[name] = { starts_at, bytes - 2 }
    end
  end
  return nil
end

return function(content_type)
  local next_piece, close = pieces()
  local read_well, fields, places, bytes = pcall(read, content_type, next_piece)
  close()
  if read_well and fields then
    return fields, places, bytes
  end
end
