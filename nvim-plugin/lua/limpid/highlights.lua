-- Highlight groups, worked out from the colour scheme: tints of its own background on which its text stays legible, the nearest of a
-- terminal's 256 colours, and bold, underline and reverse where there are few. What a person or a scheme defines is left alone.
-- What must not live here: arithmetic of colours (colours.lua), which group a score gets (scale.lua).
local colours = require("limpid.colours")

local M = {}

local STEPS = 7
--- Least contrast of text, and that of the scheme's own colours which never had it, as a share of what they had.
local CONTRAST, KEPT = 4.5, 0.85
--- The hue's part in the strongest step: at most, and at least, where the text is moved toward black or white instead.
local MOST, LEAST = 0.45, 0.25
--- Of a terminal's colours those count as a hue's that are so near to it, and no grey.
local APART, SATURATED = 40, 0.3
--- Least contrast of a tint with the background.
local SEEN = 1.05

--- Blue supports, orange opposes, one hue for flow: told apart by the colour-blind too. The same as in the panel of VS Code.
---@class limpid.Hue
---@field group string the steps are `GROUP1`..`GROUP7`
---@field dark integer
---@field light integer
---@field scheme string? group of the scheme whose colour is taken where it is near enough
---@field from number hue, degrees
---@field to number
local HUES = {
  { group = "LimpidSupport", dark = 0x3794ff, light = 0x0b6bcb, scheme = "DiagnosticInfo", from = 195, to = 235 },
  { group = "LimpidOppose", dark = 0xd6822a, light = 0xc25a00, scheme = "DiagnosticWarn", from = 18, to = 42 },
  { group = "LimpidHeat", dark = 0x2aa78b, light = 0x0a7d68, from = 0, to = -1 },
}

--- The same of a terminal's first eight: blue, yellow or brown, green.
local FEW = { 4, 3, 2 }

--- Groups whose colours text in a prompt has: on a step they keep them while they can be read.
local TEXT_GROUPS = {
  "Comment",
  "String",
  "Constant",
  "Number",
  "Identifier",
  "Function",
  "Statement",
  "Keyword",
  "PreProc",
  "Type",
  "Special",
  "Title",
  "Delimiter",
}

---@param name string
---@return vim.api.keyset.get_hl_info
local function scheme_group(name)
  return vim.api.nvim_get_hl(0, { name = name, link = false, create = false })
end

---@class limpid.Ground
---@field background integer
---@field text integer
---@field others integer[] colours that text has here and there

---@param is_dark boolean
---@return limpid.Ground gui
---@return limpid.Ground terminal
local function grounds(is_dark)
  local normal = scheme_group("Normal")
  local background = normal.bg or (is_dark and 0x000000 or 0xffffff)
  local text = normal.fg or (is_dark and 0xe0e0e0 or 0x101010)
  local gui = { background = background, text = text, others = {} }
  local terminal = {
    background = normal.ctermbg and colours.of_terminal(normal.ctermbg) or background,
    text = normal.ctermfg and colours.of_terminal(normal.ctermfg) or text,
    others = {},
  }
  for _, name in ipairs(TEXT_GROUPS) do
    local group = scheme_group(name)
    gui.others[#gui.others + 1] = group.fg
    terminal.others[#terminal.others + 1] = group.ctermfg and colours.of_terminal(group.ctermfg) or nil
  end
  return gui, terminal
end

---@param hue limpid.Hue
---@param is_dark boolean
---@return integer
local function colour_of(hue, is_dark)
  local own = is_dark and hue.dark or hue.light
  local scheme = hue.scheme and scheme_group(hue.scheme).fg
  if scheme then
    local degrees, saturation = colours.hue(scheme)
    if degrees >= hue.from and degrees <= hue.to and saturation >= 0.5 then
      return scheme
    end
  end
  return own
end

--- Whether all text reads on a tint as it should: a colour that was faint on the background already must stay near to what it was.
---@param tint integer
---@param ground limpid.Ground
---@return boolean
local function keeps_colours(tint, ground)
  for _, colour in ipairs(ground.others) do
    local least = math.min(CONTRAST, KEPT * colours.contrast(colour, ground.background))
    if colours.contrast(colour, tint) < least then
      return false
    end
  end
  return true
end

--- How opaque the strongest step may be.
---@param hue integer
---@param ground limpid.Ground
---@param most number
---@return number
local function strongest(hue, ground, most)
  local alpha = most
  while alpha > LEAST and colours.contrast(ground.text, colours.blend(ground.background, hue, alpha)) < CONTRAST do
    alpha = alpha - 0.01
  end
  return alpha
end

---@param step integer
---@param hue integer
---@param ground limpid.Ground
---@return integer tint
---@return integer? text the text's colour, only where the scheme's own would not read
local function tint_of(step, hue, ground)
  local tint = colours.blend(ground.background, hue, strongest(hue, ground, MOST) * step / STEPS)
  if colours.contrast(ground.text, tint) >= CONTRAST and keeps_colours(tint, ground) then
    return tint, nil
  end
  return tint, colours.readable(ground.text, tint, CONTRAST)
end

--- The terminal's number for text on a tint; nil where the scheme's own colours read there.
---@param tint integer
---@param ground limpid.Ground
---@return integer?
local function terminal_text(tint, ground)
  if colours.contrast(ground.text, tint) >= CONTRAST and keeps_colours(tint, ground) then
    return nil
  end
  local moved = colours.readable(ground.text, tint, CONTRAST)
  for _, wanted in ipairs({ ground.text, moved }) do
    local number = colours.to_terminal(wanted)
    if colours.contrast(colours.of_terminal(number), tint) >= CONTRAST then
      return number
    end
  end
  return colours.to_terminal(colours.readable(ground.text, tint, 21))
end

--- Steps out of a terminal's 256 colours, from the background to the hue: each of its own, and further from the background than
--- the one before. The cube has few dark colours, so the strongest are as bright as the hue and have dark text where they must.
---@param hue integer
---@param ground limpid.Ground
---@return { ctermbg: integer, ctermfg: integer? }[]
local function terminal_steps(hue, ground)
  local degrees = colours.hue(hue)
  local left = {}
  for _, choice in ipairs(colours.palette()) do
    local apart = math.abs((choice.hue - degrees + 180) % 360 - 180)
    local contrast = colours.contrast(choice.colour, ground.background)
    if choice.saturation >= SATURATED and apart <= APART and contrast > SEEN then
      left[#left + 1] = { number = choice.number, colour = choice.colour, contrast = contrast }
    end
  end
  table.sort(left, function(a, b)
    return a.contrast < b.contrast or (a.contrast == b.contrast and a.number < b.number)
  end)
  local steps, first = {}, 1
  for step = 1, STEPS do
    -- So many must be left for the steps that follow.
    local last = math.max(first, #left - (STEPS - step))
    local found, at = colours.nearest(colours.blend(ground.background, hue, step / STEPS), left, first, last)
    if not found or not at then
      break
    end
    first = at + 1
    steps[step] = { ctermbg = found.number, ctermfg = terminal_text(found.colour, ground) }
  end
  return steps
end

--- Few colours: sign by bold or underline, strength by nothing, italic, reverse; colours by their ANSI numbers.
---@param group string
---@param step integer
---@param has_colours boolean
---@return vim.api.keyset.highlight
local function plain_step(group, step, has_colours)
  local is_against = group == "LimpidOppose"
  local level = step <= 2 and 1 or step <= 5 and 2 or 3
  local pair = ({ LimpidSupport = { 4, 6 }, LimpidOppose = { 3, 1 }, LimpidHeat = { 2, 2 } })[group]
  local definition = {
    cterm = {
      bold = not is_against or nil,
      underline = is_against or nil,
      italic = level == 2 or nil,
      reverse = level == 3 or nil,
    },
  }
  if has_colours and level == 2 then
    definition.ctermbg, definition.ctermfg = pair[1], pair[1] == 4 and 7 or 0
  elseif has_colours and level == 3 then
    -- Reversed: the first is what is seen behind the text.
    definition.ctermfg, definition.ctermbg = pair[2], pair[2] == 1 and 7 or 0
  end
  return definition
end

--- Lines under the text instead of tints behind it: colour says strength and sign, the line's kind too.
---@param group string
---@param step integer
---@param line integer
---@return vim.api.keyset.highlight
local function line_step(group, step, line)
  local is_strong = step > STEPS / 2
  local kind
  if group == "LimpidOppose" then
    kind = is_strong and "underdashed" or "underdotted"
  else
    kind = is_strong and "underdouble" or "underline"
  end
  return { [kind] = true, sp = line, cterm = { [kind] = true } }
end

---@param into table<string, vim.api.keyset.highlight>
---@param is_dark boolean
---@param gui limpid.Ground
---@param terminal limpid.Ground
---@param count integer colours of the terminal
---@param is_underlined boolean
local function add_steps(into, is_dark, gui, terminal, count, is_underlined)
  for _, hue in ipairs(HUES) do
    local colour = colour_of(hue, is_dark)
    local is_rich = count > 16 and not is_underlined and not vim.o.termguicolors
    local cterm = is_rich and terminal_steps(colour, terminal) or {}
    for step = 1, STEPS do
      local definition
      if is_underlined then
        definition = line_step(hue.group, step, colours.blend(gui.background, colour, 0.35 + 0.65 * step / STEPS))
      else
        local tint, text = tint_of(step, colour, gui)
        definition = { bg = tint, fg = text }
      end
      if count <= 16 then
        definition = vim.tbl_extend("force", definition, plain_step(hue.group, step, count >= 8))
      elseif cterm[step] then
        definition = vim.tbl_extend("force", definition, cterm[step], { cterm = {} })
      end
      into[hue.group .. step] = definition
    end
  end
end

--- Everything that is no step.
---@param into table<string, vim.api.keyset.highlight>
---@param is_dark boolean
---@param gui limpid.Ground
---@param terminal limpid.Ground
---@param count integer
local function add_marks(into, is_dark, gui, terminal, count)
  local support, oppose, flow = colour_of(HUES[1], is_dark), colour_of(HUES[2], is_dark), colour_of(HUES[3], is_dark)
  local function on_ground(colour, least)
    return colours.readable(colour, gui.background, least)
  end
  local function cterm(colour, least)
    if count <= 16 or vim.o.termguicolors then
      return nil
    end
    return colours.to_terminal(colours.readable(colour, terminal.background, least))
  end
  local dim = on_ground(colours.blend(gui.text, gui.background, 0.45), CONTRAST)
  local dim_cterm = cterm(colours.blend(terminal.text, terminal.background, 0.45), CONTRAST)
  local grey = colours.blend(gui.background, gui.text, 0.13)
  local grey_cterm = count > 16 and colours.to_terminal(colours.blend(terminal.background, terminal.text, 0.16)) or nil
  local stale_text = colours.readable(colours.blend(gui.text, gui.background, 0.3), grey, CONTRAST)
  local function coloured(colour, more)
    local least = 3
    local number = count > 16 and cterm(colour, least)
      or count >= 8 and FEW[colour == support and 1 or colour == oppose and 2 or 3]
      or nil
    return vim.tbl_extend("error", { fg = on_ground(colour, least), ctermfg = number }, more or {})
  end
  into.LimpidSink =
    { underdotted = true, sp = dim, bg = colours.blend(gui.background, gui.text, 0.07), cterm = { underdotted = true } }
  into.LimpidTarget =
    { underdouble = true, bold = true, sp = on_ground(support, 3), cterm = { underdouble = true, bold = true } }
  into.LimpidFoil =
    { underdashed = true, bold = true, sp = on_ground(oppose, 3), cterm = { underdashed = true, bold = true } }
  into.LimpidStale = { bg = grey, fg = stale_text, ctermbg = grey_cterm, cterm = { italic = count <= 16 or nil } }
  into.LimpidPoint = { reverse = true, bold = true, cterm = { reverse = true, bold = true } }
  for weight, kind in ipairs({ "underdotted", "underdashed", "underline", "underdouble" }) do
    local line = colours.blend(gui.background, gui.text, 0.4 + 0.15 * weight)
    into["LimpidSurprisal" .. weight] = { [kind] = true, sp = line, cterm = { [kind] = true } }
  end
  into.LimpidDim = { fg = dim, ctermfg = dim_cterm, cterm = {} }
  into.LimpidVirtual = { fg = dim, italic = true, ctermfg = dim_cterm, cterm = { italic = true } }
  into.LimpidTitle = { bold = true, cterm = { bold = true } }
  into.LimpidTab = { fg = dim, ctermfg = dim_cterm, cterm = {} }
  into.LimpidTabCurrent = { bold = true, underline = true, cterm = { bold = true, underline = true } }
  into.LimpidLink = coloured(support, { underline = true, cterm = { underline = true } })
  into.LimpidKey = coloured(support, { bold = true, cterm = { bold = true } })
  into.LimpidProblem = coloured(oppose, { bold = true, cterm = { bold = true } })
  into.LimpidBar = coloured(flow, { cterm = {} })
  into.LimpidEstimate = { fg = dim, ctermfg = dim_cterm, cterm = {} }
  into.LimpidMeasured = { bold = true, cterm = { bold = true } }
  into.LimpidDisagree = coloured(oppose, { bold = true, cterm = { bold = true } })
  into.LimpidSign = coloured(flow, { cterm = {} })
  into.LimpidSignSupport = coloured(support, { cterm = {} })
  into.LimpidSignOppose = coloured(oppose, { cterm = {} })
end

--- So many colours the terminal has. It says nothing where it has none.
---@return integer
local function terminal_colours()
  local is_told, count = pcall(vim.api.nvim_eval, "&t_Co")
  return is_told and (tonumber(count) or 0) or 256
end

--- All groups as the scheme has it now, by name.
---@return table<string, vim.api.keyset.highlight>
function M.definitions()
  local is_dark = vim.o.background == "dark"
  local gui, terminal = grounds(is_dark)
  local count = terminal_colours()
  local is_underlined = require("limpid.config").get().heat.scale == "underline"
  local all = {}
  add_steps(all, is_dark, gui, terminal, count, is_underlined)
  add_marks(all, is_dark, gui, terminal, count)
  return all
end

--- What was defined here, to tell it from a person's own.
---@type table<string, vim.api.keyset.get_hl_info>
local own = {}

--- A group as it is defined now. Whether as a default is left out: setting `background` drops that from a group that it keeps.
---@param name string
---@return vim.api.keyset.get_hl_info
local function defined(name)
  local group = vim.api.nvim_get_hl(0, { name = name, create = false })
  group.default = nil
  return group
end

local function define()
  for name, definition in pairs(M.definitions()) do
    local now = defined(name)
    if vim.tbl_isempty(now) or vim.deep_equal(now, own[name]) then
      vim.api.nvim_set_hl(0, name, {})
      definition.default = true
      vim.api.nvim_set_hl(0, name, definition)
      own[name] = defined(name)
    end
  end
end

--- How strength was painted when the groups were defined last; nil: they never were.
---@type string?
local scale

--- Defines the groups, and again whenever the scheme, the terminal or the setting changes.
function M.apply()
  local wanted = require("limpid.config").get().heat.scale
  if scale == wanted then
    return
  end
  local is_first = scale == nil
  scale = wanted
  define()
  if not is_first then
    return
  end
  local group = vim.api.nvim_create_augroup("limpid_highlights", {})
  vim.api.nvim_create_autocmd({ "ColorScheme", "UIEnter" }, { group = group, callback = define })
  vim.api.nvim_create_autocmd("OptionSet", {
    group = group,
    pattern = { "background", "termguicolors" },
    callback = define,
  })
end

return M
