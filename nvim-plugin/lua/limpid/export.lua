-- Saves a run: as an offline HTML page, as the protocol's own JSON, as DOT and pictures of it, as Markdown. What must not live here:
-- what Markdown and DOT look like.
local binary = require("limpid.binary")
local problems = require("limpid.problems")
local task = require("limpid.task")

local M = {}

---@alias limpid.Format "html"|"json"|"dot"|"svg"|"png"|"markdown"

M.FORMATS = {
  { name = "html", ending = "html", says = "one offline page with the panel in it" },
  { name = "json", ending = "json", says = "the answers, as the protocol writes them" },
  { name = "dot", ending = "dot", says = "the route graph for Graphviz" },
  { name = "svg", ending = "svg", says = "the route graph drawn by Graphviz" },
  { name = "png", ending = "png", says = "the route graph drawn by Graphviz" },
  { name = "markdown", ending = "md", says = "tables for an issue or a note" },
}

--- What a report asks beside what was looked at: the same questions as VS Code's.
local ROUTES = { max_edges = 6000, prune = "mass=0.98", top = 30 }
local PARTS = { "word", "line", "sentence", "paragraph", "example", "message" }
--- Above so many tokens the lens grid is left out.
local LONGEST_LENS = 512

---@return table
local function attribution_params()
  local method = require("limpid.config").get().heat.method
  return { methods = method == "flow" and { "flow" } or { method, "flow" }, top = 30 }
end

--- All that a report answers, inside a task.
---@param run limpid.Run
---@return table
local function recorded(run)
  run:ask("limpid/attribution", attribution_params())
  run:ask("limpid/tokens", {})
  run:ask("limpid/routes", ROUTES)
  for _, by in ipairs(PARTS) do
    pcall(run.ask, run, "limpid/parts", { by = by })
  end
  if run.head.n_tokens <= LONGEST_LENS then
    pcall(run.ask, run, "limpid/lens", {})
  end
  local head = run.head
  local answers = vim.tbl_map(function(one)
    -- An empty table is a list to the encoder, and these are objects.
    return { method = one.method, params = next(one.params) and one.params or vim.empty_dict(), result = one.result }
  end, run:recorded())
  return {
    version = require("limpid.generated.protocol").PROTOCOL_VERSION,
    run = { title = head.title, model = head.model, took_ms = head.took_ms, at = head.at * 1000 },
    text = run.text,
    answers = answers,
    notes = {},
  }
end

--- Runs a program with text going in; throws where it fails.
---@param command string[]
---@param text string
---@return string
local function piped(command, text)
  local ended, why = task.program(command, { stdin = text })
  if not ended or ended.code ~= 0 then
    local said = ended and vim.trim(ended.stderr or "") or why or ""
    problems.throw("export-failed", problems.sentence(("%s: %s"):format(command[1], said)))
  end
  return ended and ended.stdout or ""
end

---@param run limpid.Run
---@return string
local function dot(run)
  local answer = run:ask("limpid/routes", ROUTES)
  return require("limpid.dot").text(answer.model, answer.view, answer.token_table)
end

---@type table<limpid.Format, fun(run: limpid.Run): string>
local write = {
  html = function(run)
    return piped({ binary.find().path, "report" }, vim.json.encode(recorded(run)))
  end,
  json = function(run)
    return vim.json.encode(recorded(run)) .. "\n"
  end,
  dot = dot,
  markdown = function(run)
    local answers = {
      attribution = run:ask("limpid/attribution", attribution_params()),
      tokens = run:ask("limpid/tokens", {}),
    }
    return require("limpid.markdown").run(answers, require("limpid.panel").context(run))
  end,
}
for _, picture in ipairs({ "svg", "png" }) do
  write[picture] = function(run)
    if vim.fn.executable("dot") == 0 then
      problems.throw(
        "no-graphviz",
        ("A picture of the routes (%s) is drawn by Graphviz, and there is no `dot` on PATH. The HTML page can draw it too."):format(
          picture
        )
      )
    end
    return piped({ "dot", "-T" .. picture }, dot(run))
  end
end

---@param path string
---@param content string
local function store(path, content)
  local file, why = vim.uv.fs_open(path, "w", 420)
  if not file then
    problems.throw("not-written", ("%s cannot be written: %s."):format(path, why or "?"))
    error("unreachable")
  end
  local written
  written, why = vim.uv.fs_write(file, content)
  vim.uv.fs_close(file)
  if not written then
    problems.throw("not-written", ("%s cannot be written: %s."):format(path, why or "?"))
  end
end

--- Where a run is saved unless a person says otherwise.
---@param run limpid.Run
---@param ending string
---@return string
local function proposed(run, ending)
  local name = vim.api.nvim_buf_is_valid(run.bufnr) and vim.api.nvim_buf_get_name(run.bufnr) or ""
  local folder = name ~= "" and vim.fs.dirname(name) or vim.fn.getcwd()
  local stem = run.head.title:gsub("[:–/\\]", "-"):gsub("%.%a+$", "")
  return vim.fs.joinpath(folder, ("%s.limpid.%s"):format(stem, ending))
end

--- Asks where, and saves, inside a task.
---@param run limpid.Run
---@param format? limpid.Format
---@param path? string
function M.save(run, format, path)
  local pickers = require("limpid.pickers")
  format = format
    or pickers.select(
      "Save the analysis as",
      vim.tbl_map(function(one)
        return { label = ("%-9s %s"):format(one.name, one.says), value = one.name }
      end, M.FORMATS)
    )
  if not format then
    return
  end
  local ending
  for _, one in ipairs(M.FORMATS) do
    if one.name == format then
      ending = one.ending
    end
  end
  if not ending then
    problems.throw(
      "bad-format",
      ("There is no format %s; there are html, json, dot, svg, png and markdown."):format(format)
    )
  end
  local to = path or pickers.input("Save to: ", proposed(run, ending))
  if not to or to == "" then
    return
  end
  to = vim.fs.normalize(to)
  store(to, write[format](run))
  vim.api.nvim_echo({ { ("Limpid: saved %s."):format(to) } }, true, {})
end

--- Opens the HTML page in a browser, inside a task.
---@param run limpid.Run
function M.open_report(run)
  local path = vim.fn.tempname() .. ".limpid.html"
  local say = require("limpid.session").say
  say("Writing the report")
  local went_well, problem = pcall(function()
    store(path, write.html(run))
  end)
  say(nil)
  if not went_well then
    error(problem, 0)
  end
  local _, why = vim.ui.open(path)
  if why then
    vim.notify(("Limpid: the report is %s; no browser could be started: %s"):format(path, why), vim.log.levels.WARN)
  end
end

return M
