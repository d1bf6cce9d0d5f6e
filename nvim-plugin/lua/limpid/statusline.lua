-- A short text for a status line: what goes on, what went wrong, or what is predicted. Worked out once for each change, so that a
-- redraw costs a look-up. What must not live here: when status lines are drawn, colours.
local display = require("limpid.display")
local problems = require("limpid.problems")
local session = require("limpid.session")
local token_display = require("limpid.token_display")

local M = {}

--- Columns of a problem's sentence or of what goes on.
local MOST_COLUMNS = 40

---@type string?
local kept

session.on_change(function()
  kept = nil
end)

---@param busy string
---@return string
local function going_on(busy)
  return "Limpid: " .. token_display.cut(busy:sub(1, 1):lower() .. busy:sub(2), MOST_COLUMNS)
end

--- What is being measured, where something is.
---@return string?
local function measuring()
  local effects = package.loaded["limpid.effects"] and require("limpid.effects")
  local job = effects and effects.job
  if not job then
    return nil
  end
  return job.of and ("Measuring %d of %d"):format(job.done, job.of) or ("Measuring, %d done"):format(job.done)
end

---@param run limpid.Run
---@return string
local function predicted(run)
  local target, top = run.head.target, run.head.predictions[1]
  local id, text = top and top.id, top and top.text
  if type(target) == "table" then
    id, text = target.id, target.text
  end
  local words = text and token_display.token(text) or ""
  -- The probability of a target that is none of the likely tokens is not known here.
  for _, row in ipairs(run.head.predictions) do
    if row.id == id then
      words = words .. " " .. display.probability(row.prob)
      break
    end
  end
  return vim.trim((run.head.is_stale and "stale " or "") .. words)
end

---@return string
local function now()
  local busy = session.busy_words() or measuring()
  if busy then
    return going_on(busy)
  elseif problems.shown then
    local mark = require("limpid.config").get().glyphs == "ascii" and "! " or "⚠ "
    local sentence = token_display.escape(problems.shown.message)
    return mark .. token_display.cut(sentence, MOST_COLUMNS)
  end
  local run = require("limpid.runs").shown
  return run and predicted(run) or ""
end

--- As it reads: for `%{}` of 'statusline', where a `%` is only a `%`.
---@return string
function M.text()
  kept = kept or now()
  return kept
end

--- With every `%` doubled: for lualine, heirline and whatever else puts what it is given into 'statusline' as it is.
---@return string
function M.component()
  return (M.text():gsub("%%", "%%%%"))
end

return M
