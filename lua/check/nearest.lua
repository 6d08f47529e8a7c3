-- Words that were probably meant.

-- By how many letters changed, left out, added or swapped with their neighbour
-- two words differ.
local function distance(a, b)
  local before, row = {}, {}
  local older
  for j = 0, #b do row[j] = j end
  for i = 1, #a do
    older, before, row = before, row, { [0] = i }
    for j = 1, #b do
      local cost = a:byte(i) == b:byte(j) and 0 or 1
      row[j] = math.min(before[j] + 1, row[j - 1] + 1, before[j - 1] + cost)
      if i > 1 and j > 1 and a:byte(i) == b:byte(j - 1) and a:byte(i - 1) == b:byte(j) then
        row[j] = math.min(row[j], older[j - 2] + 1)
      end
    end
  end
  return row[#b]
end

-- nearest(word, names) -> the key of `names` that differs least, letters of either
-- case being the same, and by how much; nil when more than a third of it differs.
return function(word, names)
  local best, least
  for name in pairs(names) do
    if type(name) == "string" then
      local d = distance(word:lower(), name:lower())
      if d * 3 <= #word and (not least or d < least or d == least and name < best) then
        best, least = name, d
      end
    end
  end
  return best, least
end
