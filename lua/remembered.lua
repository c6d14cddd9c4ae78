-- lua/remembered.lua: what a function says of a name, remembered: the same few names come again and again,
-- and of others no more than a thousand are kept.

local MOST = 1000

return function(tell)
  local said, count = {}, 0
  return function(name)
    local known = said[name]
    if known == nil then
      known = tell(name)
      if count == MOST then
        said, count = {}, 0
      end
      said[name], count = known, count + 1
    end
    return known
  end
end
