-- Small windows that say something and go away with the next move: explanations, keys, status. What must not live here: hovers of
-- the text (hover.lua).
local M = {}

--- Shows lines of Markdown at the cursor; asked for again, it is entered.
---@param lines string[]
---@param name string
function M.show(lines, name)
  vim.lsp.util.open_floating_preview(lines, "markdown", {
    border = "rounded",
    focus_id = "limpid_" .. name,
    max_width = 72,
    wrap = true,
  })
end

--- A list of keys.
---@param keys { keys: string[], says: string }[]
function M.keys(keys)
  local lines = {}
  for _, key in ipairs(keys) do
    lines[#lines + 1] = ("%-12s %s"):format(table.concat(key.keys, " "), key.says)
  end
  lines[#lines + 1] = ("%-12s %s"):format("1 … 7", "prediction, routes, lens, parts, components, effects, compare")
  lines[#lines + 1] = ("%-12s %s"):format("za zR zM", "folds")
  vim.lsp.util.open_floating_preview(lines, "", { border = "rounded", focus_id = "limpid_keys", wrap = false })
end

return M
