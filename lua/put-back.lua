-- lua/put-back.lua: puts values in the place of their placeholders in a piece of text. A model may write
-- [PHONE_1], PHONE_1, [phone_1], [PHONE 1] or, in Markdown, PHONE\_1 and _PHONE_1_; phone_1 without brackets
-- is a name of its own, such as a column's. Where the text goes on in a later piece, what may become a
-- placeholder is held back, which is never more than the longest of them as it may be spelt.

local M = {}

local ESCAPES = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }

local function escaped(text)
  return (text:gsub('[%c"\\]', function(character)
    return ESCAPES[character] or string.format("\\u%04x", character:byte())
  end))
end

-- How often a text is escaped where a value is put: not in plain text, once in JSON, twice in JSON that is
-- a text of JSON.
M.PLAIN, M.JSON, M.NESTED = 0, 1, 2

-- An underscore as Markdown escapes it, by how often the text itself is escaped; as a pattern.
local MARKED = { [0] = "\\_", "\\\\_", "\\\\\\\\_" }
-- What the escapes of one name's underscores take at most.
local MOST_MARKS = 24
local MARK = {}
for level, marked in pairs(MARKED) do
  MARK[level] = marked:gsub("\\", "%%\\")
end

-- What is known of the values of a request, by their names in capitals.
function M.known(values)
  local known = { values = values, spelt = { [0] = values, {}, {} }, beginnings = { [""] = true }, longest = 0 }
  for name in pairs(values) do
    for last = 1, #name do
      known.beginnings[name:sub(1, last)] = true
    end
    -- With its brackets.
    known.longest = math.max(known.longest, #name + 2)
  end
  return known
end

local function spelt(known, name, level)
  local values = known.spelt[level]
  local value = values[name]
  if not value and known.values[name] then
    value = level > 1 and escaped(spelt(known, name, level - 1)) or escaped(known.values[name])
    values[name] = value
  end
  return value
end

-- Behind a backslash the first letters of a word are its escape, behind a percent sign the first two:
-- \nPHONE_1 is a line's end and a name, %5BPHONE_1 a bracket and a name.
local function behind_escape(text, from, to)
  if from > 1 and text:byte(from - 1) == 37 and text:find("^%x%x", from) then
    return from + 2 <= to and from + 2 or nil
  end
  if from == 1 or text:byte(from - 1) ~= 92 then
    return nil
  end
  local _, last = text:find("^u%x%x%x%x", from)
  last = last or (text:find("^[bfnrt]", from) and from)
  return last and last < to and last + 1 or nil
end

-- The name that a word is, where it begins and where it ends.
local function name_in(known, text, from, to)
  if to - from >= known.longest + 5 then
    return nil
  end
  local name = text:sub(from, to):upper()
  if known.values[name] then
    return name, from, to
  end
  local after = behind_escape(text, from, to)
  name = after and text:sub(after, to):upper()
  if name and known.values[name] then
    return name, after, to
  end
  -- In italics.
  local first, marked, last = text:sub(after or from, to):match("^_+()(.-)()_+$")
  name = marked and marked:upper()
  if name and known.values[name] then
    local before = (after or from) - 1
    return name, before + first, before + last - 1
  end
end

-- The text with names as they are, where a bracketed one has a space or a hyphen for its underscores.
local function joined_names(known, text)
  if not text:find("%[%a+[ %-]") then
    return text
  end
  return (text:gsub("%[(%a[%w_ %-]*)%]", function(spelt)
    local name = spelt:upper():gsub("[ %-]", "_")
    return known.values[name] and "[" .. name .. "]" or nil
  end))
end

-- The text with names as they are, where Markdown has escaped their underscores.
local function unmarked(known, text, level)
  if not text:find(MARKED[level], 1, true) then
    return text
  end
  return (text:gsub("[%w_\\]+", function(run)
    local plain, count = run:gsub(MARK[level], "_")
    if count == 0 then
      return nil
    end
    for from, word, to in plain:gmatch("()([%w_]+)()") do
      if word ~= "" and name_in(known, plain, from, to - 1) then
        return plain
      end
    end
  end))
end

-- Where a name begins at the end of a text whose underscores are escaped, the last of them maybe in part.
local function open_mark(known, text, level)
  local first = math.max(1, #text - known.longest - MOST_MARKS)
  local from = text:find("%[?[%w_\\]*$", first)
  local tail = text:sub(from)
  if not tail:find("\\", 1, true) or (from == first and first > 1) then
    return nil
  end
  local word = tail:gsub(MARK[level], "_"):gsub("\\+$", ""):gsub("^%[", ""):gsub("^\\+[bfnrt]", "")
  return word ~= "" and known.beginnings[word:upper()] and from or nil
end

-- Where an escape begins that may not be whole at the end of a text: of JSON, or of JSON in JSON, where
-- each backslash is two.
local function open_escape(text)
  local from = text:find("\\u?%x?%x?%x?$", math.max(1, #text - 5))
  if not from then
    return nil
  end
  local first = from
  while first > 1 and text:byte(first - 1) == 92 do
    first = first - 1
  end
  local backslashes = from - first + 1
  -- Of many only the last few: what goes on before them is whole.
  return backslashes <= 4 and first or from - backslashes % 4 - 3
end

-- Where that begins at the end of a text which may become a placeholder; nil where nothing does.
local function open_end(known, text, level, joined)
  local mark = open_mark(known, text, level)
  if mark and not (joined and mark == 1 and text:find("^[%w_]")) then
    return mark
  end
  local escape = open_escape(text)
  if escape then
    return escape
  end
  local window = math.min(#text, known.longest + 6)
  local first = #text - window + 1
  local from = first - 1 + text:sub(first):find("%[?[%w_]*$")
  local bracket = text:byte(from) == 91
  local spaced = text:find("%[[%w_ %-]*$", first)
  if spaced and known.beginnings[(text:sub(spaced + 1):upper():gsub("[ %-]", "_"))] then
    return spaced
  end
  if not bracket and (from > #text or (from == first and (joined or first > 1))) then
    return nil
  end
  -- The letter of an escape begins no name: \n without its backslash would be an n.
  local word = bracket and from + 1 or behind_escape(text, from, #text + 1) or from
  -- Nor do the underscores of italics.
  if (bracket or word <= #text) and known.beginnings[(text:sub(word):upper():gsub("^_+", ""))] then
    return bracket and from or word
  end
end

-- The text with its values, and the rest that is held back (nil for none).
-- level: of the text; final: nothing follows; joined: it goes on in a word that has begun before;
-- exact: only [PHONE_1] as it was sent.
function M.put_back(known, text, level, final, joined, exact)
  text = exact and text or joined_names(known, unmarked(known, text, level))
  local held = not final and open_end(known, text, level, joined) or nil
  local last = held and held - 1 or #text
  local rest = held and text:sub(held) or nil
  -- Every name has one, and nearly no text of people does.
  if not text:find("_", 1, true) then
    return held and text:sub(1, last) or text, rest
  end
  local parts, done, at = {}, 1, 1
  while true do
    local from, to = text:find("%f[%w_][%w_]+", at)
    if not from or to > last then
      break
    end
    at = to + 1
    local name, start, stop = name_in(known, text, from, to)
    if name and not (joined and start == 1) then
      to = stop
      local opened = start > done and text:byte(start - 1) == 91
      local bracketed = opened and text:byte(to + 1) == 93
      local same = text:sub(start, to) == name
      if (opened or same) and (not exact or (bracketed and same)) then
        parts[#parts + 1] = text:sub(done, bracketed and start - 2 or start - 1)
        parts[#parts + 1] = spelt(known, name, level)
        done = bracketed and to + 2 or to + 1
        at = done
      end
    end
  end
  if #parts == 0 then
    return held and text:sub(1, last) or text, rest
  end
  parts[#parts + 1] = text:sub(done, last)
  return table.concat(parts), rest
end

-- Whether what follows this text goes on in a word of it; `before`: that of an empty one.
function M.joins(text, before)
  if text == "" then
    return before
  end
  -- The end of an escape is no word's.
  local window = text:sub(-6)
  return window:find("[%w_]$") ~= nil and not window:find("\\[bfnrt]$") and not window:find("^\\u%x%x%x%x$")
end

return M
