-- Choices through `vim.ui.select` and `vim.ui.input`, inside tasks; what a person uses for those takes over. What must not live here:
-- what happens with the choice.
local display = require("limpid.display")
local known = require("limpid.wire").known
local requests = require("limpid.requests")
local task = require("limpid.task")
local token_display = require("limpid.token_display")

local M = {}

--- Likely tokens that are offered.
local OFFERED = 20

---@class limpid.Item
---@field label string
---@field value any

--- Asks for one of some items; nil: nobody chose.
---@param title string
---@param items limpid.Item[]
---@return any
function M.select(title, items)
  local chosen = task.await(function(done)
    vim.ui.select(items, {
      prompt = title,
      kind = "limpid",
      format_item = function(item)
        return item.label
      end,
    }, function(item)
      -- The stand-in of Neovim itself calls back at once.
      vim.schedule(function()
        done(item)
      end)
    end)
  end)
  return chosen and chosen.value
end

--- Asks for a text; nil: nobody answered.
---@param title string
---@param default? string
---@return string?
function M.input(title, default)
  return task.await(function(done)
    vim.ui.input({ prompt = title, default = default, completion = nil }, function(text)
      vim.schedule(function()
        done(text)
      end)
    end)
  end)
end

--- Asks for a token: one of the likely ones, or any text. nil: nobody chose.
---@param run limpid.Run
---@param position integer
---@param how { title: string, without?: integer, none?: string }
---@return { token: integer|string? }?
function M.token(run, position, how)
  local layer = run:predicted().view.model.n_layers - 1
  local answer =
    run:ask("limpid/node", { node = { kind = "resid_post", layer = layer, position = position }, top = OFFERED })
  ---@type limpid.Item[]
  local items = {}
  if how.none then
    items[1] = { label = how.none, value = {} }
  end
  for place, row in ipairs(answer.view.top) do
    if row.id ~= how.without then
      items[#items + 1] = {
        label = ("%-24s %7s  %s"):format(
          token_display.token(row.text),
          display.probability(row.prob),
          display.rank(place)
        ),
        value = { token = row.id },
      }
    end
  end
  items[#items + 1] = { label = "Another one: type it", value = { typed = true } }
  local chosen = M.select(how.title, items)
  if not chosen or not chosen.typed then
    return chosen
  end
  local text = M.input("The token exactly, its leading space too: ", " ")
  return text and text ~= "" and { token = text } or nil
end

--- Asks for a model's name; nil: nobody chose.
---@param bufnr integer
---@param title string
---@param which fun(row: table): boolean
---@param with_path boolean offers a file or name of one's own
---@return string?
function M.model(bufnr, title, which, with_path)
  local items = {}
  for _, row in ipairs(requests.ask(bufnr, "limpid/models", { action = "list" }).models) do
    if which(row) then
      local facts = { row.state }
      if known(row.device) then
        facts[#facts + 1] = row.device
      end
      if known(row.bytes) then
        facts[#facts + 1] = display.bytes(row.bytes)
      end
      if row.is_default then
        facts[#facts + 1] = "default"
      end
      if known(row.problem) then
        facts[#facts + 1] = row.problem
      end
      items[#items + 1] =
        { label = ("%s  %s"):format(row.name, table.concat(facts, " · ")), value = { name = row.name } }
    end
  end
  if with_path then
    items[#items + 1] = { label = "Another one: a name, a .gguf file, or a folder", value = { typed = true } }
  end
  if #items == 0 then
    require("limpid.problems").throw("no-model", "There is no such model.")
  end
  local chosen = M.select(title, items)
  if chosen and chosen.typed then
    local text = M.input("Model (owner/name of the hub, or a path): ")
    return text and text ~= "" and text or nil
  end
  return chosen and chosen.name
end

return M
