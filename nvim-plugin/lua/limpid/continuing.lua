-- The model writes on behind the prompt: into the panel, with and without what is switched off, piece by piece; or into the text,
-- which the daemon does. What must not live here: anything that is drawn.
local known = require("limpid.wire").known
local session = require("limpid.session")
local switches = require("limpid.switches")
local task = require("limpid.task")

local M = {}

--- Tokens written in the panel: as many as a report records.
local MOST = 32

---@class limpid.Continuing
---@field run limpid.Run
---@field view table a ContinuationView, growing
---@field is_over boolean

---@type limpid.Continuing?
M.now = nil
---@type limpid.Task?
local writing

---@param run limpid.Run
---@return table? view a ContinuationView, as far as it is written
---@return boolean is_over
function M.of(run)
  if M.now and M.now.run == run then
    return M.now.view, M.now.is_over
  end
  return nil, true
end

---@param into table
---@param piece table
local function grow(into, piece)
  vim.list_extend(into.tokens, piece.tokens)
  into.text = into.text .. piece.text
end

--- Writes on in the panel.
---@param run limpid.Run
function M.start(run)
  M.stop()
  local off = switches.of(run)
  local view = { tokens = {}, text = "" }
  if #off > 0 then
    view.unchanged = { tokens = {}, text = "" }
  end
  local mine = { run = run, view = view, is_over = false }
  M.now = mine
  session.changed()
  writing = task.start(function()
    local params = { max_tokens = MOST, switches = #off > 0 and off or nil }
    local answer = run:ask("limpid/continue", params, {
      partial = function(piece)
        if type(piece) == "table" and known(piece.tokens) then
          grow(piece.side == "unchanged" and view.unchanged or view, piece)
          session.changed()
        end
      end,
    })
    mine.view = answer.view
  end, function()
    mine.is_over = true
    session.changed()
  end)
end

--- Gives up what is being written; what came stays.
function M.stop()
  if writing then
    writing:cancel()
    writing = nil
  end
end

--- Has the daemon edit the text: `limpid.continue`, `limpid.applyTemplate`.
---@param command string
---@param about? table
function M.below(command, about)
  task.start(function()
    local requests = require("limpid.requests")
    local place = session.place(about)
    if not vim.bo[place.bufnr].modifiable then
      require("limpid.problems").throw("not-modifiable", "This buffer cannot be changed: 'modifiable' is off.")
    end
    require("limpid.documents").ask(place.bufnr)
    require("limpid.client").open(place.bufnr)
    local position = place.at or place.range.start
    -- The daemon tells everybody of a command that it could not carry out, so the model is waited for before.
    session.when_loaded(place.bufnr, function()
      local version = vim.lsp.util.buf_versions[place.bufnr] or 0
      local prompt = { uri = place.uri, version = version, at = position }
      return requests.ask(place.bufnr, "limpid/tokens", { subject = { prompt = prompt } })
    end)
    session.say("Writing")
    requests.ask(place.bufnr, "workspace/executeCommand", {
      command = command,
      arguments = { { uri = place.uri, position = position } },
    })
  end, function()
    session.say(nil)
  end)
end

return M
