-- lua/form.lua: the small parts of a multipart form, such as the model of a transcription. Files are
-- stepped over in pieces and never kept, and the form goes upstream as it came (RFC 7578, RFC 2046).

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

  -- What stands before the mark, up to `longest` bytes of it, stepping over the mark; nil without one.
  function self.upto(mark, longest)
    local kept, bytes = {}, 0
    while true do
      local from, to = held:find(mark, 1, true)
      local safe = from and from - 1 or math.max(0, #held - #mark + 1)
      if bytes <= longest then
        kept[#kept + 1] = held:sub(1, safe)
      end
      bytes = bytes + safe
      if from then
        held = held:sub(to + 1)
        self.at = self.at + to
        return bytes <= longest and table.concat(kept) or nil, bytes
      end
      held = held:sub(safe + 1)
      self.at = self.at + safe
      local piece = next_piece()
      if not piece then
        return nil, nil
      end
      held = held .. piece
    end
  end

  return self
end

local function boundary_of(content_type)
  local quoted = content_type:match('[Bb][Oo][Uu][Nn][Dd][Aa][Rr][Yy]="([^"]+)"')
  return quoted or content_type:match("[Bb][Oo][Uu][Nn][Dd][Aa][Rr][Yy]=([^%s;,]+)")
end

-- The name of a part that is no file.
local function field_in(head)
  local disposition = head:match("[Cc]ontent%-[Dd]isposition:([^\r\n]*)")
  if not disposition or disposition:lower():find("filename", 1, true) then
    return nil
  end
  return disposition:match('[%s;]name="([^"]*)"') or disposition:match("[%s;]name=([^%s;]+)")
end

-- Name and value of each small part. One that is too long, or stands twice, is `false`: upstreams
-- differ in what they make of it. Then where each value stands, as { offset, length } in bytes. Nil for
-- what every reader of forms need not read alike.
local function read(content_type, next_piece)
  local boundary = boundary_of(content_type)
  local body, delimiter = window(next_piece), "\r\n--" .. (boundary or "")
  if not boundary or not body.upto("--" .. boundary, PIECE) then
    return nil
  end
  local fields, places = {}, {}
  for _ = 1, MOST_PARTS do
    local head, head_bytes = body.upto("\r\n\r\n", LONGEST_HEAD)
    if not head_bytes then
      return fields, places
    end
    if not head or head:sub(1, 2) ~= "\r\n" or head:find(delimiter, 1, true) then
      return nil
    end
    local name, starts_at = field_in(head), body.at
    local value, bytes = body.upto(delimiter, LONGEST_VALUE)
    if not bytes then
      return nil
    end
    if name then
      fields[name] = fields[name] == nil and value or false
      places[name] = { starts_at, bytes }
    end
  end
  return nil
end

return function(content_type)
  local next_piece, close = pieces()
  local read_well, fields, places = pcall(read, content_type, next_piece)
  close()
  if read_well and fields then
    return fields, places
  end
end
