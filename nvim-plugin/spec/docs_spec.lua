-- The help holds every word, key, setting, map, highlight group and problem that there is, with defaults as they are, and its tags and
-- links are sound. What must not live here: whether what it says is true (the sessions in tests/neovim show that).
local testing = require("spec.testing")
local describe, equal, it, ok = testing.describe, testing.equal, testing.it, testing.ok

local help = testing.read("nvim-plugin/doc/limpid.txt")
local help_lines = vim.split(help, "\n")

---@return table<string, integer> how often each tag is defined
local function tags()
  local found = {}
  for tag in help:gmatch("%*([^%s*|]+)%*") do
    found[tag] = (found[tag] or 0) + 1
  end
  return found
end

--- Names that have no tag of this form.
---@param names string[]
---@param form string
---@return string[]
local function without_tag(names, form)
  local known = tags()
  local missing = vim.tbl_filter(function(name)
    return not known[form:format(name)]
  end, names)
  table.sort(missing)
  return missing
end

--- The text between a tag and the next line of `=`.
---@param tag string
---@return string
local function section(tag)
  local _, from = help:find("*" .. tag .. "*", 1, true)
  local to = help:find("\n====", ok(from, "there is no tag " .. tag), true)
  return help:sub(from --[[@as integer]], to or #help)
end

--- Text of the plugin's own Lua, all files in one.
---@return string
local function sources()
  local texts = {}
  local folder = vim.fs.joinpath(testing.plugin, "lua")
  for name, kind in vim.fs.dir(folder, { depth = 10 }) do
    if kind == "file" and vim.endswith(name, ".lua") and not name:find("generated") then
      texts[#texts + 1] = testing.read("nvim-plugin/lua/" .. name)
    end
  end
  return table.concat(texts, "\n")
end

describe("the help", function()
  it("has every word of :Limpid", function()
    equal(without_tag(require("limpid.command").words(), ":Limpid-%s"), {})
  end)

  it("has every key of the panel", function()
    local about_keys, missing = section("limpid-panel-keys"), {}
    for _, key in ipairs(require("limpid.panel.keys").KEYS) do
      for _, lhs in ipairs(key.keys) do
        -- Special keys are written as help writes them: `CTRL-C`, not `<C-C>`.
        local name = lhs:gsub("^<[Cc]%-(%w)>$", function(letter)
          return "CTRL-" .. letter:upper()
        end)
        if not about_keys:find("\n" .. name, 1, true) and not about_keys:find(" " .. name .. " ", 1, true) then
          missing[#missing + 1] = lhs
        end
      end
    end
    equal(missing, {})
  end)

  it("has every section and card of the panel", function()
    equal(without_tag(require("limpid.views").SECTIONS, "limpid-section-%s"), {})
    equal(without_tag({ "token", "node", "edge", "head", "mlp", "neuron" }, "limpid-card-%s"), {})
  end)

  it("has every setting with its default", function()
    local config = require("limpid.config")
    equal(without_tag(config.names(), "limpid-setting-%s"), {})
    for _, name in ipairs(config.names()) do
      local default = config.get()
      for part in vim.gsplit(name, ".", { plain = true }) do
        default = default[part]
      end
      local _, from = help:find(("*limpid-setting-%s*"):format(name), 1, true)
      local said = help:sub(from --[[@as integer]]):match("default ([^\n]*)%)\n")
      equal(said, vim.inspect(default, { newline = " ", indent = "" }), name)
    end
  end)

  it("has every map", function()
    vim.g.loaded_limpid = nil
    vim.cmd.source(vim.fs.joinpath(testing.plugin, "plugin/limpid.lua"))
    local names = {}
    for _, mode in ipairs({ "n", "x", "o" }) do
      for _, map in ipairs(vim.api.nvim_get_keymap(mode)) do
        local name = map.lhs:match("^<Plug>%(limpid%-([%w-]+)%)$")
        if name and not vim.tbl_contains(names, name) then
          names[#names + 1] = name
        end
      end
    end
    ok(#names > 30, "the maps were found")
    equal(without_tag(names, "<Plug>(limpid-%s)"), {})
  end)

  it("has every highlight group", function()
    equal(without_tag(vim.tbl_keys(require("limpid.highlights").definitions()), "hl-%s"), {})
  end)

  it("has every kind of problem", function()
    local about_problems, missing = section("limpid-problems"), {}
    local kinds = {}
    for kind in sources():gmatch('problems?%.%l+%(%s*"([%l-]+)",') do
      kinds[kind] = true
    end
    for kind in testing.read("protocol/PROTOCOL.md"):gmatch("\n| %-?%d+ | `([%l-]+)` |") do
      kinds[kind] = true
    end
    -- These are no news and shown to nobody.
    kinds["cancelled"], kinds["stale-version"] = nil, nil
    for kind in pairs(kinds) do
      local word = vim.pesc(kind) .. "%f[%s,]"
      if not about_problems:find("\n" .. word) and not about_problems:find(", " .. word) then
        missing[#missing + 1] = kind
      end
    end
    table.sort(missing)
    equal(missing, {})
    ok(vim.tbl_count(kinds) > 30, "kinds were found")
  end)

  it("has no tag twice, and none that is not of this plugin", function()
    local twice = {}
    for tag, count in pairs(tags()) do
      if count > 1 then
        twice[#twice + 1] = tag
      end
    end
    equal(twice, {})
    for tag in pairs(tags()) do
      ok(tag:lower():find("limpid"), tag .. " might be a tag of somebody else")
    end
  end)

  it("has links that lead somewhere", function()
    local known = tags()
    for line in io.lines(vim.fs.joinpath(vim.env.VIMRUNTIME, "doc/tags")) do
      known[line:match("^[^\t]+")] = 1
    end
    local dead = {}
    for link in help:gmatch("%f[|]|([^%s|]+)|") do
      if not known[link] then
        dead[#dead + 1] = link
      end
    end
    equal(dead, {})
  end)

  it("is taken by :helptags", function()
    local folder = vim.fn.tempname()
    vim.fn.mkdir(folder, "p")
    vim.fn.writefile(help_lines, folder .. "/limpid.txt")
    vim.cmd.helptags(folder)
    local taken = {}
    for line in io.lines(folder .. "/tags") do
      taken[line:match("^[^\t]+")] = 1
    end
    taken["!_TAG_FILE_ENCODING"] = nil
    equal(taken, tags())
  end)

  it("is called on by a README whose pictures are there", function()
    local readme, seen = testing.read("nvim-plugin/README.md"), 0
    for picture in readme:gmatch("%]%((media/[^)]+)%)") do
      seen = seen + 1
      ok(vim.uv.fs_stat(vim.fs.joinpath(testing.plugin, picture)), picture .. " is not there")
    end
    ok(seen > 0, "no picture was found")
    for topic in readme:gmatch("`:help ([%w.-]+)`") do
      ok(tags()[topic], "there is no :help " .. topic)
    end
  end)

  it("fits 78 columns", function()
    local wide = {}
    for number, line in ipairs(help_lines) do
      if vim.fn.strdisplaywidth(line) > 78 then
        wide[#wide + 1] = ("%d: %s"):format(number, line)
      end
    end
    equal(wide, {})
  end)
end)
