-- The store with its log thread and checkpoint thread under several clients.
local tool = (os.getenv "MOONKEEP_BUILD" or "build") .. "/spec/tool_storethreads"

local function run(folder, ...)
  local pipe = assert(io.popen(("%s '%s' %s 2>&1"):format(tool, folder, table.concat({ ... }, " "))))
  local output = pipe:read "a"
  local ok = pipe:close()
  assert(ok, output)
  return output
end

describe("a store with threads #threads", function()
  for _, case in ipairs { { 1, 1, 500 }, { 2, 20, 1000 }, { 4, 10, 1000 } } do
    it(("keeps every count of %d clients with %d objects"):format(case[1], case[2]), function()
      local folder = os.tmpname()
      os.remove(folder)
      local output = run(folder, table.unpack(case))
      os.execute("rm -rf '" .. folder .. "'")
      assert.equal(case[1] * case[3], tonumber(output:match "^(%d+) commits"))
    end)
  end

  it("takes back what fails, and only that, while others go on", function()
    assert.matches("commits", run("-", 3, 8, 1000))
  end)
end)
