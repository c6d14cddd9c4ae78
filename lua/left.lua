-- lua/left.lua: which headers of an upstream say what is left of its own limits, and where each stands: the
-- requests and when there are all again, then the same of tokens. stages/allowance.ts reads them.

local PLACES = {
  ["x-ratelimit-remaining-requests"] = 1, ["anthropic-ratelimit-requests-remaining"] = 1,
  ["x-ratelimit-reset-requests"] = 2, ["anthropic-ratelimit-requests-reset"] = 2,
  ["x-ratelimit-remaining-tokens"] = 3, ["anthropic-ratelimit-tokens-remaining"] = 3,
  ["x-ratelimit-reset-tokens"] = 4, ["anthropic-ratelimit-tokens-reset"] = 4,
}

local M = { places = PLACES }

-- told: what is known so far, nil at first. No such value is longer than a time with its zone.
function M.note(told, place, value)
  told = told or { "", "", "", "" }
  told[place] = tostring(type(value) == "table" and value[1] or value):sub(1, 40)
  return told
end

return M
