-- One typed question to the daemon, inside a task: asked, heard in pieces, given up, and its errors as problems.
-- What must not live here: what is done with answers.
local problems = require("limpid.problems")
local task = require("limpid.task")

local M = {}

---@type table<string, fun(failed: table?, result: any)> who waits for an answer, by client and request
local waiting = {}

-- A request that the daemon gave up for a newer one is answered with an error that Neovim keeps to itself. It says only that the request
-- is over, just before it hands on the answers that it does hand on.
vim.api.nvim_create_autocmd("LspRequest", {
  group = vim.api.nvim_create_augroup("limpid_requests", {}),
  callback = function(event)
    local data = event.data
    local done = data.request.type == "complete" and waiting[data.client_id .. " " .. data.request_id]
    if done then
      vim.schedule(function()
        done({ code = -32800, message = "replaced by a newer request" })
      end)
    end
  end,
})

local has_011 = vim.fn.has("nvim-0.11") == 1

---@class limpid.Asking
---@field partial? fun(value: any) hears pieces

---@param client vim.lsp.Client
---@param method string
---@param params table
---@param bufnr integer
---@param handler fun(failed: table?, result: any)
---@return boolean sent
---@return integer? id
local function send(client, method, params, bufnr, handler)
  if has_011 then
    return client:request(method, params, handler, bufnr)
  end
  return client.request(method, params, handler, bufnr)
end

---@param client vim.lsp.Client
---@param id integer
local function give_up(client, id)
  if has_011 then
    client:cancel_request(id)
  else
    client.cancel_request(id)
  end
end

--- Asks, and returns the answer; throws a problem.
---@param bufnr integer a buffer that the daemon knows
---@param method string
---@param params table
---@param how? limpid.Asking
---@return any
function M.ask(bufnr, method, params, how)
  local client = require("limpid.client").open(bufnr)
  local forget
  if how and how.partial then
    local token
    token, forget = require("limpid.client").listen(how.partial)
    params = vim.tbl_extend("force", params, { partial_result_token = token })
  end
  local failed, result = task.await(function(done)
    if not vim.api.nvim_buf_is_valid(bufnr) then
      return done({ code = -32800, message = "the buffer is gone" })
    end
    local no_longer, name
    local function over(failed, result)
      if name then
        waiting[name] = nil
      end
      no_longer()
      done(failed, result)
    end
    local sent, id = send(client, method, params, bufnr, over)
    if not sent or not id then
      return done({ code = 0, message = "the Limpid daemon is not running", data = { kind = "stopped" } })
    end
    name = client.id .. " " .. id
    waiting[name] = over
    -- A server that dies answers nothing any more.
    no_longer = require("limpid.client").when_ended(function()
      waiting[name] = nil
      done({ code = 0, message = "the Limpid daemon went away while it was asked", data = { kind = "stopped" } })
    end)
    return function()
      waiting[name] = nil
      no_longer()
      if forget then
        forget()
      end
      give_up(client, id)
    end
  end)
  if forget then
    forget()
  end
  if failed then
    error(problems.of_answer(failed), 0)
  end
  return result
end

return M
