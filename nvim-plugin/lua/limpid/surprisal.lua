-- How surprising the text is to the model: a line under each token, heavier the more it surprises, and each line's sum behind it.
-- The sum is the daemon's own inlay hint where hints are shown; it keeps up with typing. So it is drawn here only where they are not.
-- What must not live here: asking for the tokens.
local config = require("limpid.config")
local display = require("limpid.display")
local highlights = require("limpid.highlights")
local token_places = require("limpid.token_places")
local wire = require("limpid.wire")

local M = {}

local NAMESPACE = vim.api.nvim_create_namespace("limpid_surprisal")
--- Below diagnostics (150): their lines are seen where both stand.
local PRIORITY = 140
--- Nats from which a token gets each weight: e^1 of 3, e^3 of 20, e^6 of 400, e^9 of 8,000 equally likely tokens.
local WEIGHTS = { 1, 3, 6, 9 }

---@type integer?
local painted

--- The weight of a token's line, 1 to 4; nil: none.
---@param logprob number|vim.NIL|nil
---@return integer?
function M.weight(logprob)
  if not wire.known(logprob) then
    return nil
  end
  local weight
  for at, least in ipairs(WEIGHTS) do
    weight = -logprob >= least and at or weight
  end
  return weight
end

--- Whether the daemon's hints say the sums.
---@param bufnr integer
---@return boolean
local function daemon_says_sums(bufnr)
  return config.for_daemon().limpid.inlay.surprisal == true and vim.lsp.inlay_hint.is_enabled({ bufnr = bufnr })
end

--- Takes all away.
function M.clear()
  if painted and vim.api.nvim_buf_is_loaded(painted) then
    vim.api.nvim_buf_clear_namespace(painted, NAMESPACE, 0, -1)
  end
  painted = nil
end

--- Draws the tokens of a run whose text the buffer still has; nil takes all away.
---@param bufnr integer
---@param view limpid.TokensView?
---@param tokens limpid.TableToken[]?
function M.paint(bufnr, view, tokens)
  M.clear()
  if not view or not tokens or not vim.api.nvim_buf_is_loaded(bufnr) then
    return
  end
  highlights.apply()
  painted = bufnr
  local places = token_places.of(bufnr, tokens)
  ---@type table<integer, number>
  local sums = {}
  for at, token in ipairs(view.tokens) do
    local place, logprob = places[at], wire.or_nil(token.logprob)
    if place and logprob then
      local row, column, is_blank = token_places.inside(bufnr, place)
      sums[row] = (sums[row] or 0) - logprob
      local weight = M.weight(logprob)
      if weight then
        vim.api.nvim_buf_set_extmark(bufnr, NAMESPACE, is_blank and place[1] or row, is_blank and place[2] or column, {
          end_row = place[3],
          end_col = place[4],
          hl_group = "LimpidSurprisal" .. weight,
          priority = PRIORITY,
          strict = false,
        })
      end
    end
  end
  if daemon_says_sums(bufnr) then
    return
  end
  for row, nats in pairs(sums) do
    vim.api.nvim_buf_set_extmark(bufnr, NAMESPACE, row, 0, {
      virt_text = { { display.nats(nats) .. " nats", "LimpidVirtual" } },
      virt_text_pos = "eol",
      hl_mode = "combine",
    })
  end
end

return M
