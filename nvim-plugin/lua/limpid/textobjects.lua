-- Text objects of prompts: messages and few-shot examples. The daemon says where they are, for it alone knows the formats; it needs no
-- model for that and answers in milliseconds. A text object must be there at once, so this, and nothing else, waits for the answer.
-- What must not live here: reading formats.
local M = {}

--- So long a key may wait, milliseconds.
local LIMIT_MS = 200

--- Kinds of the symbols: Namespace and Event.
local KINDS = { message = 3, example = 24 }

---@alias limpid.Spot { line: integer, character: integer }
---@alias limpid.SpotRange { start: limpid.Spot, ["end"]: limpid.Spot }

---@param message string
local function say(message)
  vim.api.nvim_echo({ { "Limpid: " .. message } }, false, {})
end

---@param a limpid.Spot
---@param b limpid.Spot
---@return boolean
local function is_before(a, b)
  return a.line < b.line or (a.line == b.line and a.character < b.character)
end

---@param client vim.lsp.Client
---@param bufnr integer
---@param method string
---@param params table
---@param until_ms number
---@return any result
local function ask(client, bufnr, method, params, until_ms)
  local left = math.max(1, math.floor(until_ms - vim.uv.hrtime() / 1e6))
  local full = vim.tbl_extend("error", { textDocument = { uri = vim.uri_from_bufnr(bufnr) } }, params)
  local answer
  if vim.fn.has("nvim-0.11") == 1 then
    answer = client:request_sync(method, full, left, bufnr)
  else
    answer = client.request_sync(method, full, left, bufnr)
  end
  return answer and answer.result
end

--- The innermost symbol of a kind that holds a line; blank lines behind one belong to it.
---@param symbols table[]
---@param kind integer
---@param line integer
---@param is_blank fun(line: integer): boolean
---@return limpid.SpotRange?
function M.around_line(symbols, kind, line, is_blank)
  local found
  local function look(all)
    for _, symbol in ipairs(all) do
      local range = symbol.range
      local last = range["end"].line
      if range.start.line <= line then
        local reaches = last
        while reaches < line and is_blank(reaches + 1) do
          reaches = reaches + 1
        end
        if symbol.kind == kind and reaches >= line then
          found = range
        end
        look(symbol.children or {})
      end
    end
  end
  look(symbols)
  return found
end

--- What a message says, without its heading: the widest of the spans around its end that starts behind its start.
---@param chain table? innermost first, each in its `parent`
---@param message limpid.SpotRange
---@return limpid.SpotRange?
function M.content(chain, message)
  local content
  while chain do
    local range = chain.range
    if not is_before(message.start, range.start) then
      break
    end
    content = range
    chain = chain.parent
  end
  if not content or not is_before(content.start, content["end"]) then
    return nil
  end
  local is_longer = is_before(message["end"], content["end"])
  return { start = content.start, ["end"] = is_longer and message["end"] or content["end"] }
end

--- Where the text of a message written as JSON starts: behind the quote.
---@param lines string[] of the message
---@param message limpid.SpotRange
---@return limpid.Spot?
function M.json_content(lines, message)
  local text = table.concat(lines, "\n")
  local _, at = text:find('^{.-"content"%s*:%s*"')
  if not at then
    _, at = text:find('^{.-"text"%s*:%s*"')
  end
  if not at then
    return nil
  end
  local before = vim.split(text:sub(1, at), "\n", { plain = true })
  local is_first = #before == 1
  return {
    line = message.start.line + #before - 1,
    character = #before[#before] + (is_first and message.start.character or 0),
  }
end

--- The widest of the spans around a place that starts there.
---@param chain table? innermost first, each in its `parent`
---@param spot limpid.Spot
---@return limpid.SpotRange?
function M.starting_at(chain, spot)
  local found
  while chain do
    local start = chain.range.start
    if start.line == spot.line and start.character == spot.character then
      found = chain.range
    end
    chain = chain.parent
  end
  return found and is_before(found.start, found["end"]) and found or nil
end

---@param client vim.lsp.Client
---@param bufnr integer
---@param object "message"|"example"
---@param side "inner"|"around"
---@return limpid.SpotRange?
---@return string? problem
local function range_of(client, bufnr, object, side)
  local until_ms = vim.uv.hrtime() / 1e6 + LIMIT_MS
  local symbols = ask(client, bufnr, "textDocument/documentSymbol", {}, until_ms)
  if type(symbols) ~= "table" then
    return nil, "The daemon has not answered in time; try again."
  end
  local lines = vim.api.nvim_buf_get_lines(bufnr, 0, -1, false)
  local function is_blank(line)
    return lines[line + 1] ~= nil and not lines[line + 1]:find("%S")
  end
  local line = vim.api.nvim_win_get_cursor(0)[1] - 1
  local range = M.around_line(symbols, KINDS[object], line, is_blank)
  if not range then
    return nil, ("The cursor is in no %s."):format(object)
  end
  if side == "around" then
    -- As `ap` does: with the blank lines behind it.
    local last = range["end"].line
    while is_blank(last + 1) do
      last = last + 1
    end
    return { start = range.start, ["end"] = last > range["end"].line and { line = last, character = 0 } or range["end"] }
  elseif object == "example" then
    return range
  end
  local own = { unpack(lines, range.start.line + 1, range["end"].line + 1) }
  own[1] = (own[1] or ""):sub(range.start.character + 1)
  local json = M.json_content(own, range)
  local answer = ask(client, bufnr, "textDocument/selectionRange", { positions = { json or range["end"] } }, until_ms)
  local chain = type(answer) == "table" and answer[1] or nil
  local content = json and M.starting_at(chain, json) or not json and M.content(chain, range) or nil
  if not content then
    return nil, "The message says nothing."
  end
  return content
end

--- Selects a range: whole lines where it is of whole lines.
---@param bufnr integer
---@param range limpid.SpotRange
local function mark(bufnr, range)
  local from, to = range.start, range["end"]
  local function line_at(line)
    return vim.api.nvim_buf_get_lines(bufnr, line, line + 1, false)[1] or ""
  end
  local last = math.min(to.line, vim.api.nvim_buf_line_count(bufnr) - 1)
  local length = #line_at(last)
  local is_lines = from.character == 0 and (to.character >= length or to.line > last)
  local mode = vim.fn.mode()
  if mode == "v" or mode == "V" or mode == "\22" then
    vim.cmd("normal! \27")
  end
  vim.api.nvim_win_set_cursor(0, { from.line + 1, from.character })
  vim.cmd(is_lines and "normal! V" or "normal! v")
  local column = math.min(to.character, length)
  -- The last character that belongs to it, whatever its bytes.
  local before = vim.fn.strpart(line_at(last), 0, column)
  local character = vim.fn.matchstr(before, ".$")
  vim.api.nvim_win_set_cursor(0, { last + 1, math.max(0, column - #character) })
end

--- Selects the message or the example at the cursor.
---@param object "message"|"example"
---@param side "inner"|"around" a message without its heading, or with it and the blank lines behind
function M.select(object, side)
  local bufnr = vim.api.nvim_get_current_buf()
  local client = vim.lsp.get_clients({ name = "limpid", bufnr = bufnr })[1]
  if not client then
    return say("The daemon does not know this text; is it a prompt?")
  end
  local range, problem = range_of(client, bufnr, object, side)
  if range then
    mark(bufnr, range)
  else
    say(problem or "There is nothing here.")
  end
end

return M
