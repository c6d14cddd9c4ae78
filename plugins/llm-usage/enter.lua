-- Enters requests that have ended into the ledger, each once: those of one consumer and month together.
--
-- KEYS[1]   the closed months, a hash: when each was closed
-- KEYS[2]   the ids that were entered lately, a set
-- KEYS[3]   who has rows of the month, a set
-- KEYS[4]   the rows of the month and consumer, a hash: row to amounts, whole numbers joined by spaces
-- KEYS[5]   as KEYS[3], and
-- KEYS[6]   as KEYS[4], of the month in which late entries are booked
-- ARGV[1]   the month
-- ARGV[2]   the consumer
-- ARGV[3]   seconds that rows are kept after the last entry
-- ARGV[4]   the most rows of a month and consumer; what comes beyond goes to the coarse rows
-- ARGV[5]   the entries as JSON, each [id, row, coarse row, amounts, late row, late amounts]
-- returns   for each entry 1: entered, 0: it was entered before, 2: late, as its month is closed
-- Amounts are exact up to 2^53: dollars are counted in billionths, as models/money.ts says why.

local closed, ids = KEYS[1], KEYS[2]
local month, consumer = ARGV[1], ARGV[2]
local kept, most = tonumber(ARGV[3]), tonumber(ARGV[4])
local entries = cjson.decode(ARGV[5])

-- A plugin server that was away gets outcomes again that it had learned: ids are kept for a day. Of a
-- gateway with more than 5,000 requests in ten minutes, which one set holds, for two hours.
local id_seconds, many_ids, many_id_seconds = 86400, 5000, 7200

local function add(rows, row, coarse, amounts)
  local stored = redis.call("HGET", rows, row)
  if not stored and redis.call("HLEN", rows) >= most then
    row = coarse
    stored = redis.call("HGET", rows, row)
  end
  local sums, at = {}, 0
  for sum in string.gmatch(stored or "", "%S+") do
    at = at + 1
    sums[at] = tonumber(sum)
  end
  for i = 1, math.max(#amounts, at) do
    sums[i] = string.format("%.0f", (sums[i] or 0) + (amounts[i] or 0))
  end
  redis.call("HSET", rows, row, table.concat(sums, " "))
end

local is_closed = redis.call("HEXISTS", closed, month) == 1
local who, rows = KEYS[3], KEYS[4]
if is_closed then who, rows = KEYS[5], KEYS[6] end
local reply, any = {}, false
for i, entry in ipairs(entries) do
  local id, row, coarse, amounts, late_row, late_amounts = unpack(entry)
  if redis.call("SADD", ids, id) == 0 then
    reply[i] = 0
  elseif is_closed then
    add(rows, late_row, late_row, late_amounts)
    reply[i], any = 2, true
  else
    add(rows, row, coarse, amounts)
    reply[i], any = 1, true
  end
end
redis.call("EXPIRE", ids, redis.call("SCARD", ids) > many_ids and many_id_seconds or id_seconds)
if any then
  redis.call("SADD", who, consumer)
  redis.call("EXPIRE", who, kept)
  redis.call("EXPIRE", rows, kept)
end
return reply
