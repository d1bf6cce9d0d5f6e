-- Settings: their types, defaults and checks. The words and defaults are those of VS Code's settings and of `limpid.toml`.
-- What must not live here: what settings are used for.
local M = {}

---@class limpid.Options
---@field path? string the binary; empty: the one on PATH
---@field model? string name of the model, a .gguf file, or a folder with config.json and safetensors
---@field device? "auto"|"cpu"|"cuda"|"metal" where to compute
---@field memory_budget? string what model and traces may take, like "1.5G"; empty: half of what is free
---@field chat? boolean put a plain prompt into the model's chat template as one user message
---@field untrusted? string[] roles whose text others wrote
---@field languages? string[] file types of which the daemon is told
---@field inlay? limpid.InlayOptions
---@field heat? limpid.HeatOptions
---@field routes? limpid.RoutesOptions
---@field effects? limpid.EffectsOptions
---@field panel? limpid.PanelOptions
---@field rollups? boolean after an inspection each line ends with what it sums up to
---@field signs? boolean after an inspection each line has a sign as high as its share
---@field code_lens? boolean show code lenses at prompts: what a glance tells, and what can be done
---@field follow_cursor? boolean the panel is about the token at the cursor
---@field glyphs? "unicode"|"ascii" what bars are drawn with
---@field notify? boolean say problems by `vim.notify`; the panel and the status line show them anyway

---@class limpid.InlayOptions
---@field enabled? boolean show the prediction behind a prompt
---@field predictions? integer likely next tokens shown, 0 to 10
---@field surprisal? boolean show how surprising each token and line is

---@class limpid.HeatOptions
---@field method? string attribution method, by name
---@field scale? "background"|"underline" how strength is painted
---@field numbers? boolean print each token's number beside it

---@class limpid.RoutesOptions
---@field mass? number share of the flow shown, above 0 and at most 1

---@class limpid.EffectsOptions
---@field auto? "off"|"hover"|"lines" what is measured by itself
---@field budget_ms? integer what that may take, milliseconds
---@field floor? number nats below which an effect counts as none

---@class limpid.PanelOptions
---@field width? integer columns
---@field position? "left"|"right"

---@class limpid.Settings : limpid.Options
local defaults = {
  path = "",
  model = "",
  device = "auto",
  memory_budget = "",
  chat = false,
  untrusted = {},
  languages = { "prompt", "prompty", "chat", "markdown" },
  inlay = { enabled = true, predictions = 3, surprisal = false },
  heat = { method = "atp", scale = "background", numbers = false },
  routes = { mass = 0.9 },
  effects = { auto = "off", budget_ms = 2000, floor = 0.05 },
  panel = { width = 60, position = "right" },
  rollups = false,
  signs = false,
  code_lens = false,
  follow_cursor = true,
  glyphs = "unicode",
  notify = true,
}

local METHODS = { "atp", "atp_linear", "atp_true", "gradient_x_input_linear", "flow", "logit_attribution" }

---@alias limpid.Check fun(value: any): string?  -- what it has to be, where it is not

---@param words string[]
---@return limpid.Check
local function one_of(words)
  return function(value)
    if not vim.tbl_contains(words, value) then
      return "one of " .. table.concat(words, ", ")
    end
  end
end

---@return limpid.Check
local function of_type(name)
  return function(value)
    if type(value) ~= name then
      return "a " .. name
    end
  end
end

---@param least number
---@param most number
---@return limpid.Check
local function whole(least, most)
  return function(value)
    if type(value) ~= "number" or value % 1 ~= 0 or value < least or value > most then
      return ("a whole number from %d to %d"):format(least, most)
    end
  end
end

---@type limpid.Check
local function texts(value)
  local all = type(value) == "table" and vim.islist(value)
  if not all or not vim.iter(value):all(function(one)
    return type(one) == "string"
  end) then
    return "a list of strings"
  end
end

---@type table<string, limpid.Check>
local checks = {
  path = of_type("string"),
  model = of_type("string"),
  device = one_of({ "auto", "cpu", "cuda", "metal" }),
  memory_budget = function(value)
    local is_size = type(value) == "string"
      and (value == "" or value:match("^%d+[KMG]?$") or value:match("^%d+%.%d+[KMG]?$"))
    return not is_size and 'a size such as "800M" or "1.5G"' or nil
  end,
  chat = of_type("boolean"),
  untrusted = texts,
  languages = texts,
  ["inlay.enabled"] = of_type("boolean"),
  ["inlay.predictions"] = whole(0, 10),
  ["inlay.surprisal"] = of_type("boolean"),
  ["heat.method"] = one_of(METHODS),
  ["heat.scale"] = one_of({ "background", "underline" }),
  ["heat.numbers"] = of_type("boolean"),
  ["routes.mass"] = function(value)
    return (type(value) ~= "number" or value <= 0 or value > 1) and "a number above 0 and at most 1" or nil
  end,
  ["effects.auto"] = one_of({ "off", "hover", "lines" }),
  ["effects.budget_ms"] = whole(50, 600000),
  ["effects.floor"] = function(value)
    return (type(value) ~= "number" or value < 0) and "a number from 0 on" or nil
  end,
  ["panel.width"] = whole(30, 400),
  ["panel.position"] = one_of({ "left", "right" }),
  rollups = of_type("boolean"),
  signs = of_type("boolean"),
  code_lens = of_type("boolean"),
  follow_cursor = of_type("boolean"),
  glyphs = one_of({ "unicode", "ascii" }),
  notify = of_type("boolean"),
}

local TABLES = { inlay = true, heat = true, routes = true, effects = true, panel = true }

---@type limpid.Settings?
local settings

--- What is wrong with options, a sentence each; and the settings without what is wrong.
---@param options any
---@return limpid.Settings settings
---@return string[] problems
function M.checked(options)
  local good, problems = vim.deepcopy(defaults), {}
  if type(options) ~= "table" then
    return good, { ("options have to be a table, not %s."):format(type(options)) }
  end
  local function take(into, given, prefix)
    for key, value in pairs(given) do
      local name = prefix .. tostring(key)
      if prefix == "" and TABLES[key] then
        if type(value) == "table" then
          take(into[key], value, key .. ".")
        else
          problems[#problems + 1] = ("`%s` has to be a table, not %s."):format(name, vim.inspect(value))
        end
      elseif not checks[name] then
        problems[#problems + 1] = ("There is no setting `%s`."):format(name)
      else
        local wanted = checks[name](value)
        if wanted then
          problems[#problems + 1] = ("`%s` has to be %s, not %s."):format(name, wanted, vim.inspect(value))
        else
          into[key] = value
        end
      end
    end
  end
  take(good, options, "")
  table.sort(problems)
  return good, problems
end

--- Problems of the options that were set last: `:checkhealth limpid` shows them.
---@type string[]
M.problems = {}

---@param options limpid.Options
function M.set(options)
  settings, M.problems = M.checked(options)
  if #M.problems > 0 then
    local more = #M.problems > 1 and (" And %d more."):format(#M.problems - 1) or ""
    local problem = { message = "setup(): " .. M.problems[1] .. more, ways = { { title = "Check", word = "health" } } }
    vim.schedule(function()
      require("limpid.problems").tell(problem, vim.log.levels.WARN)
    end)
  end
  if package.loaded["limpid.client"] then
    require("limpid.client").settings_changed()
  end
end

---@return limpid.Settings
function M.get()
  if not settings then
    settings = vim.deepcopy(defaults)
  end
  return settings
end

--- Changes one setting for this session and tells the daemon.
---@param name string such as `inlay.surprisal`
---@param value any
function M.change(name, value)
  local into, key = M.get(), name
  local outer, inner = name:match("^(%w+)%.([%w_]+)$")
  if outer then
    into, key = into[outer], inner
  end
  into[key] = value
  if package.loaded["limpid.client"] then
    require("limpid.client").settings_changed()
  end
end

--- Names of all settings.
---@return string[]
function M.names()
  local names = vim.tbl_keys(checks)
  table.sort(names)
  return names
end

--- The settings that the daemon reads, as it spells them.
---@return table
function M.for_daemon()
  local now = M.get()
  return {
    limpid = {
      model = now.model ~= "" and now.model or nil,
      chat = now.chat,
      untrusted = #now.untrusted > 0 and now.untrusted or nil,
      inlay = { predictions = now.inlay.predictions, surprisal = now.inlay.surprisal },
      heat = { method = now.heat.method },
      routes = { mass = now.routes.mass },
      effects = { floor = now.effects.floor },
    },
  }
end

return M
