-- The plugin as a whole: what it leaves behind in Neovim, and whether its help holds together.
-- What must not live here: what a module does.
local testing = require("spec.testing")

local describe, it, equal = testing.describe, testing.it, testing.equal

--- Files of the plugin below a folder, in order.
---@param folder string
---@param ending string
local function files_in(folder, ending)
  local found = vim.fs.find(function(name)
    return vim.endswith(name, ending)
  end, { path = vim.fs.joinpath(testing.plugin, folder), type = "file", limit = math.huge })
  table.sort(found)
  return found
end

---@return string[]
local function modules()
  return vim.tbl_map(function(file)
    local name = vim.fs.normalize(file):sub(#testing.plugin + #"/lua/" + 1, -#".lua" - 1)
    return (name:gsub("/init$", ""):gsub("/", "."))
  end, files_in("lua", ".lua"))
end

--- Runs Lua in a Neovim of its own that has this plugin, without anything of the user's, and returns what it printed.
---@param lua string
---@return string
local function in_fresh_neovim(lua)
  local prepend = ("set runtimepath^=%s"):format(vim.fn.fnameescape(testing.plugin))
  local args = { vim.v.progpath, "--clean", "--headless", "--cmd", prepend, "-c", "lua " .. lua, "-c", "qa!" }
  local done = vim.system(args, { text = true }):wait(20000)
  equal(done.code, 0, done.stderr)
  return vim.trim((done.stdout or "") .. (done.stderr or ""))
end

describe("the plugin", function()
  it("loads every module, and none leaves a global behind", function()
    local known = {}
    for name in pairs(_G) do
      known[name] = true
    end
    for _, module in ipairs(modules()) do
      require(module)
      for name in pairs(_G) do
        testing.ok(known[name], ("%s makes the global %s"):format(module, tostring(name)))
      end
    end
  end)

  it("calls no function of a module that the module lacks", function()
    local lacks = {}
    for _, file in ipairs(files_in("lua", ".lua")) do
      local relative = vim.fs.normalize(file):sub(#testing.repository + 2)
      local text = testing.read(relative):gsub("%-%-[^\n]*", "")
      local function check(module, name)
        if require(module)[name] == nil then
          lacks[#lacks + 1] = ("%s calls %s of %s"):format(relative, name, module)
        end
      end
      for module, name in text:gmatch('require%("(limpid[%w_.]*)"%)%.([%w_]+)%(') do
        check(module, name)
      end
      for alias, module in text:gmatch('local ([%w_]+) = require%("(limpid[%w_.]*)"%)\n') do
        for name in text:gmatch("[^%w_.:]" .. alias .. "%.([%w_]+)%(") do
          check(module, name)
        end
      end
    end
    equal(lacks, {})
  end)

  it("loads nothing at start-up", function()
    local loaded = in_fresh_neovim(
      "local n = {} for k in pairs(package.loaded) do if k:find('^limpid') then n[#n + 1] = k end end print(table.concat(n, ' '))"
    )
    equal(loaded, "")
  end)

  it("asks for every view that the protocol has", function()
    -- What a prompt is made into is the command line's to print.
    local elsewhere = { ["limpid/render"] = true }
    local text = {}
    for _, file in ipairs(files_in("lua", ".lua")) do
      if not file:find("/generated/", 1, true) then
        text[#text + 1] = testing.read(vim.fs.normalize(file):sub(#testing.repository + 2))
      end
    end
    local all = table.concat(text)
    for _, method in ipairs(require("limpid.generated.protocol").METHODS) do
      local is_asked = elsewhere[method] or all:find(('"%s"'):format(method), 1, true)
      testing.ok(is_asked, method .. " is asked nowhere")
    end
  end)
end)

describe("the help", function()
  --- The help in a folder of its own: `:helptags` writes there.
  local function tags()
    local folder = vim.fn.tempname()
    vim.fn.mkdir(folder, "p")
    for _, file in ipairs(files_in("doc", ".txt")) do
      vim.uv.fs_copyfile(file, vim.fs.joinpath(folder, vim.fs.basename(file)))
    end
    vim.cmd.helptags(vim.fn.fnameescape(folder))
    local found = {}
    for line in io.lines(vim.fs.joinpath(folder, "tags")) do
      found[line:match("^[^\t]+")] = true
    end
    return found
  end

  it("has tags without duplicates", function()
    testing.ok(vim.tbl_count(tags()) > 5)
  end)

  it("has no link that leads nowhere", function()
    local known = tags()
    for _, file in ipairs(vim.api.nvim_get_runtime_file("doc/tags", true)) do
      for line in io.lines(file) do
        known[line:match("^[^\t]+")] = true
      end
    end
    for _, file in ipairs(files_in("doc", ".txt")) do
      local number = 0
      for line in io.lines(file) do
        number = number + 1
        for link in line:gmatch("|([^| \t]+)|") do
          testing.ok(known[link], ("%s:%d: |%s| leads nowhere"):format(vim.fs.basename(file), number, link))
        end
      end
    end
  end)

  it("is no wider than a help window", function()
    for _, file in ipairs(files_in("doc", ".txt")) do
      local number = 0
      for line in io.lines(file) do
        number = number + 1
        testing.ok(vim.fn.strdisplaywidth(line) <= 80, ("%s:%d"):format(vim.fs.basename(file), number))
      end
    end
  end)
end)
