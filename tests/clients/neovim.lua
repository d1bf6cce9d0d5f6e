-- What the Neovim plugin draws of a recording: `nvim -l neovim.lua ASKED.json`, where ASKED is a list of { recording, view, context };
-- prints for each the lines with what they are about. What must not live here: what of a line is compared (neovim.mjs).
local here = vim.fs.dirname(vim.fs.normalize(vim.fn.fnamemodify(debug.getinfo(1, "S").source:sub(2), ":p")))
vim.opt.runtimepath:prepend(vim.fs.dirname(vim.fs.dirname(here)) .. "/nvim-plugin")

local Page = require("limpid.page")
local views = require("limpid.views")

--- Wide enough that no column is left out.
local COLUMNS = 220

---@param path string
local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read("*a")
  file:close()
  return vim.json.decode(text)
end

--- One spelling for params, so that two that mean the same are equal.
local function canonical(value)
  if type(value) ~= "table" then
    return vim.json.encode(value)
  end
  local parts = {}
  for key, inner in pairs(value) do
    if inner ~= vim.NIL then
      parts[#parts + 1] = ("%s:%s"):format(key, canonical(inner))
    end
  end
  table.sort(parts)
  return "{" .. table.concat(parts, ",") .. "}"
end

local function key_of(method, params)
  return method .. " " .. canonical(params)
end

local recordings = {}

---@param path string
local function recording_at(path)
  if not recordings[path] then
    local recording = read(path)
    local results = {}
    for _, answer in ipairs(recording.answers) do
      results[key_of(answer.method, answer.params)] = answer.result
    end
    recordings[path] = { run = recording.run, results = results }
  end
  return recordings[path]
end

local function context_of(recording, over)
  local tokens = recording.results[key_of("limpid/tokens", {})]
  local head = {
    id = "recorded",
    title = recording.run.title,
    uri = "",
    model = recording.run.model,
    target = tokens.view.target,
    predictions = tokens.view.predictions,
    n_tokens = #tokens.token_table,
    took_ms = recording.run.took_ms,
    at = recording.run.at,
    is_pinned = false,
    is_stale = false,
  }
  return vim.tbl_extend("force", {
    columns = COLUMNS,
    glyphs = "unicode",
    head = head,
    tokens = tokens.token_table,
    method = "atp",
    heat = "attribution",
    mass = 0.9,
    maps = false,
    switches = {},
    measured = {},
    partners = {},
    part_by = "line",
  }, over)
end

--- A line with one character a column, so that what stands below a heading is found by counting: a mark behind each wide character,
--- none that takes no column.
local function grid(text)
  local columns = {}
  for _, character in ipairs(vim.fn.split(text, "\\zs")) do
    local width = vim.fn.strdisplaywidth(character)
    columns[#columns + 1] = width > 0 and vim.fn.strcharpart(character, 0, 1, false) .. ("‗"):rep(width - 1) or ""
  end
  return table.concat(columns)
end

local function drawn(asked)
  local recording = recording_at(asked.recording)
  local context = context_of(recording, asked.context)
  local view = views.view(asked.view)
  local answers = { errors = {} }
  for key, request in pairs(view.asks(context)) do
    answers[key] = recording.results[key_of(request.method, request.params)]
    if not answers[key] then
      answers.errors[key] = { kind = "not-recorded", message = key_of(request.method, request.params) }
    end
  end
  local page = Page.new({ columns = COLUMNS, glyphs = "unicode" })
  view.draw(page, answers, context)
  local lines = {}
  for at, line in ipairs(page.lines) do
    local text = Page.text(line)
    lines[at] = { text = text, grid = grid(text), about = line.about or vim.NIL }
  end
  return lines
end

io.stdout:write(vim.json.encode(vim.tbl_map(drawn, read(_G.arg[1]))))
