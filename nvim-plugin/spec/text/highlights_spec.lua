-- Steps are legible and apart from each other in every colour scheme that Neovim brings, in 24 bits, 256 colours, 16 and none.
-- What must not live here: which group a score gets.
local colours = require("limpid.colours")
local highlights = require("limpid.highlights")
local testing = require("spec.testing")

local describe, it, equal, ok = testing.describe, testing.it, testing.equal, testing.ok

local SCALES = { "LimpidSupport", "LimpidOppose", "LimpidHeat" }

--- Text reads on every step with 24 bits, and each step differs from the one before.
local function check_tints(name, definitions, ground, own)
  for _, scale in ipairs(SCALES) do
    local before = ground
    for step = 1, 7 do
      local group = definitions[scale .. step]
      local contrast = colours.contrast(group.fg or own, group.bg)
      ok(contrast >= 4.5, ("%s: %s%d has %.2f"):format(name, scale, step, contrast))
      ok(group.bg ~= before, ("%s: %s%d is as the one before"):format(name, scale, step))
      before = group.bg
    end
  end
  local stale = definitions.LimpidStale
  ok(colours.contrast(stale.fg, stale.bg) >= 4.4, name .. ": stale text")
  ok(colours.contrast(definitions.LimpidDim.fg, ground) >= 4.5, name .. ": dim text")
end

--- The scheme's own colours read where they are kept.
local function check_syntax(name, definitions, ground)
  for _, syntax in ipairs({ "Comment", "String", "Statement", "Type" }) do
    local colour = vim.api.nvim_get_hl(0, { name = syntax, link = false }).fg
    local least = colour and math.min(4.5, 0.85 * colours.contrast(colour, ground))
    for _, scale in ipairs(SCALES) do
      for step = 1, 7 do
        local group = definitions[scale .. step]
        local reads = group.fg or not colour or colours.contrast(colour, group.bg) >= least
        ok(reads, ("%s: %s on %s%d"):format(name, syntax, scale, step))
      end
    end
  end
end

--- Of 256 colours each step has its own, and text reads on it.
local function check_terminal(name, definitions, own)
  local seen = {}
  for _, scale in ipairs(SCALES) do
    for step = 1, 7 do
      local group = definitions[scale .. step]
      local text = group.ctermfg and colours.of_terminal(group.ctermfg) or own
      local contrast = colours.contrast(text, colours.of_terminal(group.ctermbg))
      ok(contrast >= 4.5, ("%s: %s%d has %.2f in the terminal"):format(name, scale, step, contrast))
      local key = (scale == "LimpidHeat" and "flow " or "signed ") .. group.ctermbg
      ok(not seen[key], ("%s: %s%d is another's colour"):format(name, scale, step))
      seen[key] = true
    end
  end
end

--- Every built-in scheme as it is, and in its other background where it has one.
local function each_scheme(check)
  local count = 0
  for _, name in ipairs(vim.fn.getcompletion("", "color")) do
    vim.cmd.colorscheme(name)
    for turn = 1, 2 do
      local background = vim.o.background
      check(
        ("%s %s"):format(name, background),
        vim.api.nvim_get_hl(0, { name = "Normal", link = false }),
        background == "dark"
      )
      count = count + 1
      local other = background == "dark" and "light" or "dark"
      vim.o.background = other
      if vim.o.background ~= other or turn == 2 then
        break
      end
    end
  end
  ok(count > 20, "schemes were found")
  vim.o.background = "dark"
  vim.cmd.colorscheme("default")
end

describe("highlights", function()
  it("steps are legible and apart in every scheme, with 24 bits and 256 colours", function()
    each_scheme(function(name, normal, is_dark)
      local ground = normal.bg or (is_dark and 0x000000 or 0xffffff)
      local own = normal.fg or (is_dark and 0xe0e0e0 or 0x101010)
      vim.o.termguicolors = true
      local definitions = highlights.definitions()
      check_tints(name, definitions, ground, own)
      check_syntax(name, definitions, ground)
      vim.o.termguicolors = false
      check_terminal(name, highlights.definitions(), normal.ctermfg and colours.of_terminal(normal.ctermfg) or own)
    end)
  end)

  local function with_colours(count, check)
    local eval = vim.api.nvim_eval
    rawset(vim.api, "nvim_eval", function(text)
      return text == "&t_Co" and count or eval(text)
    end)
    local went_well, problem = pcall(check)
    rawset(vim.api, "nvim_eval", eval)
    if not went_well then
      error(problem, 0)
    end
  end

  it("few colours: three levels and the sign are told apart by bold, italic, underline and reverse alone", function()
    vim.o.termguicolors = false
    for _, said in ipairs({ "", 8, 16 }) do
      local count = tonumber(said) or 0
      with_colours(said, function()
        local definitions = highlights.definitions()
        local looks = {}
        for _, scale in ipairs({ "LimpidSupport", "LimpidOppose" }) do
          for _, step in ipairs({ 1, 4, 7 }) do
            local group = definitions[scale .. step]
            local look = vim.inspect(group.cterm)
            ok(not looks[look], ("%d colours: %s%d looks like %s"):format(count, scale, step, tostring(looks[look])))
            looks[look] = scale .. step
            ok(count >= 8 or not (group.ctermbg or group.ctermfg), "no colour where there is none")
            ok((group.ctermbg or 0) < 8 and (group.ctermfg or 0) < 8, "only what eight colours have")
          end
        end
      end)
    end
    vim.o.termguicolors = true
  end)

  it("underlines instead of tints, where that is the setting: kind for the sign, colour for the step", function()
    require("limpid.config").set({ heat = { scale = "underline" } })
    local definitions = highlights.definitions()
    require("limpid.config").set({})
    ok(definitions.LimpidSupport1.underline and definitions.LimpidSupport7.underdouble)
    ok(definitions.LimpidOppose1.underdotted and definitions.LimpidOppose7.underdashed)
    equal(definitions.LimpidSupport3.bg, nil)
    local seen = {}
    for step = 1, 7 do
      local line = definitions["LimpidSupport" .. step].sp
      ok(not seen[line])
      seen[line] = true
    end
  end)

  it("a scheme without a background is taken by the option `background`", function()
    for background, bound in pairs({ dark = { 0, 0.3 }, light = { 0.4, 1 } }) do
      vim.o.background = background
      vim.api.nvim_set_hl(0, "Normal", {})
      local light = colours.luminance(highlights.definitions().LimpidSupport7.bg)
      ok(light >= bound[1] and light <= bound[2], background .. " " .. light)
    end
    vim.o.background = "dark"
    vim.cmd.colorscheme("default")
  end)

  it("a person's own group stays, before and after a change of scheme", function()
    vim.o.termguicolors = true
    vim.api.nvim_set_hl(0, "LimpidSupport7", { bg = 0x123456 })
    highlights.apply()
    equal(vim.api.nvim_get_hl(0, { name = "LimpidSupport7" }).bg, 0x123456)
    local before = vim.api.nvim_get_hl(0, { name = "LimpidOppose7" }).bg
    ok(before)
    vim.api.nvim_create_autocmd("ColorScheme", {
      once = true,
      callback = function()
        vim.api.nvim_set_hl(0, "LimpidOppose7", { bg = 0x654321 })
      end,
    })
    vim.cmd.colorscheme("morning")
    local steps = vim.api.nvim_get_hl(0, { name = "LimpidHeat7" })
    ok(colours.luminance(steps.bg) > 0.2, "follows the scheme")
    vim.api.nvim_set_hl(0, "LimpidOppose7", { bg = 0x654321 })
    vim.cmd.doautocmd("ColorScheme")
    equal(vim.api.nvim_get_hl(0, { name = "LimpidOppose7" }).bg, 0x654321)
    vim.cmd.colorscheme("default")
    vim.o.background = "light"
    ok(colours.luminance(vim.api.nvim_get_hl(0, { name = "LimpidHeat7" }).bg) > 0.2, "follows `background`")
    vim.o.background = "dark"
    ok(colours.luminance(vim.api.nvim_get_hl(0, { name = "LimpidHeat7" }).bg) < 0.3, "and back")
    vim.g.colors_name = nil
    vim.o.background = "light"
    ok(
      colours.luminance(vim.api.nvim_get_hl(0, { name = "LimpidHeat7" }).bg) > 0.2,
      "where no scheme was ever loaded, too"
    )
    vim.o.background = "dark"
    require("limpid.config").change("heat.scale", "underline")
    highlights.apply()
    ok(vim.api.nvim_get_hl(0, { name = "LimpidHeat7" }).underdouble, "follows the setting")
    require("limpid.config").change("heat.scale", "background")
    highlights.apply()
  end)

  it("has every group that is drawn anywhere", function()
    local definitions = highlights.definitions()
    local missing = {}
    for _, file in ipairs(vim.fn.globpath(testing.plugin .. "/lua", "**/*.lua", false, true)) do
      for group in table.concat(vim.fn.readfile(file), "\n"):gmatch('"(Limpid%u%w+)"') do
        local is_scale = vim.tbl_contains(SCALES, group) or group == "LimpidSurprisal"
        if not definitions[group] and not is_scale and group ~= "LimpidChanged" then
          missing[group] = file:match("[^/]+$")
        end
      end
    end
    equal(missing, {})
  end)
end)
