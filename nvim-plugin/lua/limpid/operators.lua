-- Target and foil by motion: `g@` operators, so that they take any motion or text object and are repeated by `.`.
-- What must not live here: asking about them (session.lua).
local pickers = require("limpid.pickers")
local positions = require("limpid.positions")
local problems = require("limpid.problems")
local token_places = require("limpid.token_places")

local M = {}

---@class limpid.Motion
---@field bufnr integer
---@field tick integer
---@field row integer from 0
---@field column integer bytes
---@field end_row integer
---@field end_column integer exclusive

--- What a motion went over.
---@param kind "char"|"line"|"block"
---@return limpid.Motion
local function motion_of(kind)
  local bufnr = vim.api.nvim_get_current_buf()
  local from, to = vim.api.nvim_buf_get_mark(bufnr, "["), vim.api.nvim_buf_get_mark(bufnr, "]")
  local last = vim.api.nvim_buf_get_lines(bufnr, to[1] - 1, to[1], false)[1] or ""
  local is_lines = kind == "line"
  return {
    bufnr = bufnr,
    tick = vim.api.nvim_buf_get_changedtick(bufnr),
    row = from[1] - 1,
    column = is_lines and 0 or from[2],
    end_row = to[1] - 1,
    end_column = is_lines and #last or positions.behind(last, to[2]),
  }
end

--- The run's tokens that a motion holds.
---@param run limpid.Run
---@param motion limpid.Motion
---@return integer? first index
---@return integer? last index
function M.tokens(run, motion)
  if run.bufnr ~= motion.bufnr or vim.api.nvim_buf_get_changedtick(motion.bufnr) ~= motion.tick then
    problems.throw("stale", "The text has changed meanwhile.")
  end
  local places = token_places.of(motion.bufnr, run.tokens)
  return token_places.within(motion.bufnr, places, motion.row, motion.column, motion.end_row, motion.end_column)
end

--- What is explained where a motion holds these tokens: one of them, or several as an answer.
---@param tokens limpid.TableToken[]
---@param first integer
---@param last integer
---@return table
function M.target_of(tokens, first, last)
  if last == 0 then
    problems.throw("no-target", "The first token is not predicted: nothing stands before it.")
  end
  -- Nothing predicts the first token; an answer starts behind it.
  first = math.max(first, 1)
  if first == last then
    return { position = first - 1, token = tokens[first + 1].id }
  end
  return { answer = { start = first, ["end"] = last + 1 } }
end

---@param motion limpid.Motion
---@param work fun(run: limpid.Run)
local function with_run(motion, work)
  local about = {
    uri = vim.uri_from_bufnr(motion.bufnr),
    bufnr = motion.bufnr,
    position = { line = motion.row, character = motion.column },
  }
  require("limpid.session").with_run(about, work)
end

---@param kind "char"|"line"|"block"
local function target(kind)
  local motion = motion_of(kind)
  with_run(motion, function(run)
    local first, last = M.tokens(run, motion)
    if not first or not last then
      problems.throw("no-token", "The motion holds no token of the inspected prompt.")
    end
    ---@cast first integer
    ---@cast last integer
    require("limpid.session").again({ target = M.target_of(run.tokens, first, last), clear = { "foil" } })
  end)
end

---@param kind "char"|"line"|"block"
local function foil(kind)
  local motion = motion_of(kind)
  with_run(motion, function(run)
    local first, last = M.tokens(run, motion)
    local chosen
    if first and last and first == last then
      chosen = { token = run.tokens[first + 1].id }
    elseif first and last then
      local places = token_places.of(motion.bufnr, run.tokens)
      local from, to = places[first + 1], places[last + 1]
      local text = vim.api.nvim_buf_get_text(motion.bufnr, from[1], from[2], to[3], to[4], {})
      chosen = { token = table.concat(text, "\n") }
    else
      chosen = pickers.token(run, run.head.target.position, { title = "Why not…", without = run.head.target.id })
    end
    if chosen then
      require("limpid.session").again({ foil = chosen.token })
    end
  end)
end

---@param name "target"|"foil"
---@param apply fun(kind: string)
---@return fun(kind: string?): string?
local function operator(name, apply)
  return function(kind)
    if kind == nil then
      vim.go.operatorfunc = ("v:lua.require'limpid.operators'.%s"):format(name)
      return "g@"
    end
    apply(kind)
  end
end

--- What the motion holds is explained. For a map with `expr`; Neovim calls it again with the kind of the motion.
M.target = operator("target", target)

--- What the motion holds is what the target is compared with; where it holds nothing, a person is asked.
M.foil = operator("foil", foil)

return M
