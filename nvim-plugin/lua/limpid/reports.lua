-- What is told of the daemon itself: its status, its log; and the sample of the tour. What must not live here: the health check.
local binary = require("limpid.binary")
local display = require("limpid.display")
local known = require("limpid.wire").known
local problems = require("limpid.problems")
local task = require("limpid.task")

local M = {}

--- A status as lines of Markdown.
---@param status table of `limpid/status`
---@return string[]
function M.lines(status)
  local lines = {
    ("**Limpid %s**, protocol %d, process %d, up %s"):format(
      status.version,
      status.protocol,
      status.pid,
      display.duration(status.uptime_s * 1000)
    ),
    ("%d clients, %d documents, %d jobs waiting or running"):format(status.clients, status.documents, status.queue),
    "",
  }
  for _, row in ipairs(status.models) do
    local facts = { row.state }
    for _, fact in ipairs({ row.device, known(row.bytes) and display.bytes(row.bytes) or nil, row.problem }) do
      if known(fact) then
        facts[#facts + 1] = fact
      end
    end
    if row.is_default then
      facts[#facts + 1] = "default"
    end
    lines[#lines + 1] = ("- `%s`: %s"):format(row.name, table.concat(facts, ", "))
  end
  local cache = status.cache
  lines[#lines + 1] = ""
  lines[#lines + 1] = ("Traces %s: %d answers from them, %d computed"):format(
    display.bytes(cache.bytes),
    cache.hits,
    cache.misses
  )
  return lines
end

--- The daemon's status in a small window, inside a task.
function M.status()
  local bufnr = vim.api.nvim_get_current_buf()
  local client = require("limpid.client").running()
  if not client then
    local busy = require("limpid.session").busy_words()
    return vim.api.nvim_echo(
      { { "Limpid: " .. (busy or "the server is not running; inspecting a prompt starts it.") } },
      false,
      {}
    )
  end
  local attached = next(client.attached_buffers)
  local status = require("limpid.requests").ask(attached or bufnr, "limpid/status", vim.empty_dict())
  require("limpid.float").show(M.lines(status), "status")
end

--- The daemon's log in a buffer, inside a task.
function M.log()
  local ended, why = task.program({ binary.find().path, "daemon", "logs" }, { text = true })
  if not ended or ended.code ~= 0 then
    problems.throw("no-log", problems.sentence(ended and vim.trim(ended.stderr or "") or why or "there is no log"))
    return
  end
  local bufnr = vim.api.nvim_create_buf(false, true)
  vim.api.nvim_buf_set_lines(bufnr, 0, -1, false, vim.split(vim.trim(ended.stdout), "\n"))
  vim.bo[bufnr].bufhidden = "wipe"
  vim.bo[bufnr].modifiable = false
  vim.bo[bufnr].filetype = "log"
  vim.api.nvim_open_win(bufnr, true, { split = "below", win = 0 })
  vim.api.nvim_win_set_cursor(0, { vim.api.nvim_buf_line_count(bufnr), 0 })
end

--- Opens a sample prompt and inspects it.
function M.tour()
  local path = vim.fs.joinpath(vim.fn.stdpath("cache"), "limpid", "tour.prompt")
  vim.fn.mkdir(vim.fs.dirname(path), "p")
  vim.cmd.edit(vim.fn.fnameescape(path))
  if vim.api.nvim_buf_line_count(0) == 1 and vim.api.nvim_buf_get_lines(0, 0, 1, false)[1] == "" then
    vim.api.nvim_buf_set_lines(0, 0, -1, false, { "The capital of France is" })
  end
  require("limpid.command").run("inspect", {})
end

return M
