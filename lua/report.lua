-- lua/report.lua: tells the plugin server how each request ended. Outcomes wait in a queue of this
-- Kong worker and go in batches over the plugin server's outcomes socket; a batch leaves the queue
-- when it is acknowledged. The frames: kong/outcome-frame.ts.

local record = require("kong_llm.record")
local trace_parent = require("kong_llm.trace-parent")
local tries = require("kong_llm.tries")
local u32 = require("kong_llm.u32")

local BATCH_SECONDS, RETRY_SECONDS, TIMEOUT_MS = 0.02, 0.5, 6000
local BATCH_OUTCOMES, BATCH_BYTES = 256, 8 * 1024 * 1024
-- The queue's bounds; what comes beyond them is dropped and counted.
local MOST_OUTCOMES, MOST_BYTES = 10000, 64 * 1024 * 1024
-- A batch that was sent this often without an answer is dropped, so that it cannot block others.
local MOST_ATTEMPTS = 20

-- nginx' own timers also run in a worker that exits, Kong's timer library has stopped by then. The
-- sandbox of pre- and post-function has the library's alone.
local timer_at = (_G or {}).native_timer_at or ngx.timer.at

-- These live as long as this worker, in a snippet as long as its config.
local queue, sizes, first, last, bytes, dropped = {}, {}, 1, 0, 0, 0
local scheduled, path = false, nil
-- Kong's own answers, by status: nobody waits for them, so they are only counted. So are questions that
-- got no answer, by reason.
local own, unanswered = {}, {}

local function add_to(counts, more)
  for key, count in pairs(more) do
    counts[key] = (counts[key] or 0) + count
  end
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

local function enqueue(outcome, size)
  if last - first + 1 >= MOST_OUTCOMES or bytes + size > MOST_BYTES then
    dropped = dropped + 1
    return
  end
  last = last + 1
  queue[last], sizes[last] = outcome, size
  bytes = bytes + size
end

-- The batch on its way holds the same until it is acknowledged, and bears a name: one that came before,
-- and whose acknowledgement was lost, is counted once. One that is sent again says so: a plugin server
-- that was started in between does not know the name.
local pending, serial, worker = nil, 0, nil

local function next_name()
  worker = worker or table.concat({ ngx.worker.pid(), ngx.now(), tostring(queue) }, " ")
  serial = serial + 1
  return worker .. " " .. serial
end

local function head_of(batch, sent_before)
  local head, size = record({ [20] = batch.name, [24] = sent_before })
  batch.parts[2], batch.size, batch.head_size = head, batch.size - batch.head_size + size, size
  batch.parts[1] = u32(batch.size)
end

local function next_batch()
  local parts, size, index = { "", "" }, 0, first
  local function add(outcome, outcome_size)
    parts[#parts + 1] = outcome
    size = size + outcome_size
  end
  if dropped > 0 then
    add(record({ [13] = dropped }))
  end
  for status, count in pairs(own) do
    add(record({ [2] = status, [15] = count }))
  end
  if next(unanswered) then
    add(record({ [26] = unanswered.closed, [27] = unanswered.silent }))
  end
  while index <= last and index - first < BATCH_OUTCOMES and size < BATCH_BYTES do
    add(queue[index], sizes[index])
    index = index + 1
  end
  local batch = {
    name = next_name(), parts = parts, size = size, head_size = 0, count = index - first,
    dropped = dropped, own = own, unanswered = unanswered, attempts = 0,
  }
  head_of(batch)
  dropped, own, unanswered = 0, {}, {}
  return batch
end

local function forget_pending()
  for _ = 1, pending.count do
    bytes = bytes - sizes[first]
    queue[first], sizes[first] = nil, nil
    first = first + 1
  end
  pending = nil
end

-- What a batch told that nobody will take any more is told by the next.
local function give_up_pending()
  dropped = dropped + pending.dropped + pending.count
  add_to(own, pending.own)
  add_to(unanswered, pending.unanswered)
  forget_pending()
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
  pending = pending or next_batch()
  local taken, reached = deliver(pending.parts)
  if taken then
    forget_pending()
    return true
  end
  if reached then
    pending.attempts = pending.attempts + 1
    head_of(pending, pending.attempts)
    if pending.attempts >= MOST_ATTEMPTS then
      give_up_pending()
    end
  end
  return false
end

local flush

-- One timer at a time: a delivery waits for its answer, and meanwhile other requests come by here.
local function schedule(seconds)
  scheduled = timer_at(seconds, flush) and true or false
end

local function is_empty()
  return not pending and first > last and next(own) == nil and next(unanswered) == nil
end

-- Runs also when the worker is told to exit, which ends all waiting. An exiting worker takes only
-- timers that run at once, so it goes on in this one; it must not try for ever where nobody answers.
flush = function()
  local ran, taken
  repeat
    ran, taken = pcall(deliver_next)
    if not ran then
      kong.log.err("outcomes: ", taken)
    end
  until is_empty() or not (ran and taken and ngx.worker.exiting())
  scheduled = false
  if not is_empty() and not ngx.worker.exiting() then
    schedule(ran and taken and BATCH_SECONDS or RETRY_SECONDS)
  end
end

-- Of a header that was sent several times, the first.
local function first_of(value)
  return type(value) == "table" and value[1] or value
end

-- state: what present.lua and tap.lua left; decision: where there is one.
return function(state, decision)
  add_to(unanswered, state.unanswered or {})
  if state.learned then
    return
  end
  path = decision and decision.outcomes_socket or path
  if decision and decision.ticket then
    local kept, ended_at = state.kept, ngx.now()
    enqueue(record({
      [1] = decision.ticket,
      [2] = kong.response.get_status(),
      -- Kong takes a host whose name is unknown for a mistake of its own.
      [3] = state.is_unresolved and "error" or kong.response.get_source(),
      [4] = first_of(state.content_type),
      [5] = first_of(state.retry_after),
      [6] = kept,
      [7] = flags(kept),
      [8] = milliseconds(ngx.req.start_time()),
      [9] = milliseconds(state.first_byte_at or ended_at),
      [10] = milliseconds(ended_at),
      [11] = ngx.var.kong_request_id,
      [14] = kept and kept.total,
      [17] = first_of(state.content_encoding),
      [18] = first_of(state.retry_after_ms) or nil,
      [19] = tries(),
      [21] = decision.traced and trace_parent() or nil,
      [22] = state.served,
      [23] = state.failures,
      [25] = state.left and table.concat(state.left, "\n"),
    }))
  else
    local status = kong.response.get_status()
    own[status] = (own[status] or 0) + 1
  end
  if path and not scheduled then
    schedule(ngx.worker.exiting() and 0 or BATCH_SECONDS)
  end
end
