-- lua/report.lua: tells the plugin server how each request ended. Outcomes wait in a queue of this
-- Kong worker and go in batches over the plugin server's outcomes socket; a batch leaves the queue
-- when it is acknowledged. Runs in post-function (log). The frames: kong/outcome-frame.ts.

local BATCH_SECONDS, RETRY_SECONDS, TIMEOUT_MS = 0.02, 0.5, 6000
local BATCH_OUTCOMES, BATCH_BYTES = 256, 8 * 1024 * 1024
-- The queue's bounds; what comes beyond them is dropped and counted.
local MOST_OUTCOMES, MOST_BYTES = 10000, 64 * 1024 * 1024
-- A batch that was sent this often without an answer is dropped, so that it cannot block others.
local MOST_ATTEMPTS = 20
local LAST_FIELD = 14

-- Upvalues of the function below: they live as long as this worker has this configuration.
local queue, first, last, bytes, dropped = {}, 1, 0, 0, 0
local attempts, scheduled, path = 0, false, nil

local function u32(number)
  return string.char(
    math.floor(number / 16777216) % 256, math.floor(number / 65536) % 256,
    math.floor(number / 256) % 256, number % 256
  )
end

local function milliseconds(seconds)
  return string.format("%.0f", seconds * 1000)
end

-- c: the last byte has passed. t: only the end is kept. p: the client was present to the end, so what
-- is missing was cut by the upstream (nginx sets $request_completion unless the client has gone).
local function flags(kept)
  return (kept and kept.complete and "c" or "") .. (kept and kept.truncated and "t" or "")
    .. (ngx.var.request_completion == "OK" and "p" or "")
end

-- One outcome, of its fields by their ids. It is put together once, as an answer may be long.
local function record(fields)
  local parts, size = { "" }, 0
  for id = 1, LAST_FIELD do
    local value = fields[id]
    if value ~= nil then
      local text = tostring(value)
      parts[#parts + 1] = string.char(id)
      parts[#parts + 1] = u32(#text)
      parts[#parts + 1] = text
      size = size + 5 + #text
    end
  end
  parts[1] = u32(size)
  return table.concat(parts)
end

local function enqueue(outcome)
  if last - first + 1 >= MOST_OUTCOMES or bytes + #outcome > MOST_BYTES then
    dropped = dropped + 1
    return
  end
  last = last + 1
  queue[last] = outcome
  bytes = bytes + #outcome
end

-- The next batch, and how many outcomes of the queue are in it.
local function next_batch()
  local parts, size, index = { "" }, 0, first
  local function add(outcome)
    parts[#parts + 1] = outcome
    size = size + #outcome
  end
  if dropped > 0 then
    add(record({ [13] = dropped }))
  end
  while index <= last and index - first < BATCH_OUTCOMES and size < BATCH_BYTES do
    add(queue[index])
    index = index + 1
  end
  parts[1] = u32(size)
  return table.concat(parts), index - first
end

local function forget(count)
  for _ = 1, count do
    bytes = bytes - #queue[first]
    queue[first] = nil
    first = first + 1
  end
  attempts = 0
end

-- True when the plugin server has taken the batch; false and whether it was reached at all.
local function deliver(batch)
  local socket = ngx.socket.tcp()
  socket:settimeout(TIMEOUT_MS)
  if not socket:connect("unix:" .. path) then
    return false, false
  end
  local taken = socket:send(batch) and socket:receive(4)
  if not taken then
    socket:close()
    return false, true
  end
  socket:setkeepalive(60000, 4)
  return true, true
end

local function deliver_next()
  local batch, count = next_batch()
  local reported = dropped
  local taken, reached = deliver(batch)
  if taken then
    dropped = dropped - reported
    forget(count)
  elseif reached then
    attempts = attempts + 1
    if attempts >= MOST_ATTEMPTS then
      dropped = dropped + count
      forget(count)
    end
  end
  return taken
end

local flush

-- One timer at a time: a delivery waits for its answer, and meanwhile other requests come by here.
local function schedule(seconds)
  scheduled = ngx.timer.at(seconds, flush) and true or false
end

-- Runs also when the worker is told to exit, which ends all waiting. An exiting worker takes only
-- timers that run at once, and must not try for ever where nobody answers.
flush = function()
  local ran, taken = pcall(deliver_next)
  scheduled = false
  if not ran then
    kong.log.err("outcomes: ", taken)
  end
  if first > last then
    return
  end
  if not ngx.worker.exiting() then
    schedule(ran and taken and BATCH_SECONDS or RETRY_SECONDS)
  elseif ran and taken then
    schedule(0)
  end
end

-- Of a header that was sent several times, the first.
local function first_of(value)
  return type(value) == "table" and value[1] or value
end

return function()
  local shared, response = kong.ctx.shared, kong.response
  if shared.llm_learned then
    return
  end
  local decision, kept = shared.llm_decision, shared.llm_kept
  local gathered = shared.llm or {}
  local ended_at = ngx.now()
  -- All at once: the PDK reads all of them for each get_header too.
  local headers = response.get_headers()
  path = decision and decision.outcomes_socket or path

  enqueue(record({
    [1] = decision and decision.ticket,
    [2] = response.get_status(),
    [3] = response.get_source(),
    [4] = first_of(headers["content-type"]),
    [5] = first_of(headers["retry-after"]),
    [6] = kept and table.concat(kept, "", kept.first, kept.last),
    [7] = flags(kept),
    [8] = milliseconds(ngx.req.start_time()),
    [9] = milliseconds(shared.llm_first_byte_at or ended_at),
    [10] = milliseconds(ended_at),
    [11] = gathered.id,
    [12] = gathered.route,
    [14] = kept and kept.total,
  }))
  if path and not scheduled then
    schedule(ngx.worker.exiting() and 0 or BATCH_SECONDS)
  end
end
