"""What sessions ask of the plugin: a prompt inspected, all answers there, heat where its tokens are. What must not live here: screens."""

import re
import time

from editor import PATIENCE_S, Editor, Failed

# What is still under way; nothing where all is done.
UNDER_WAY = """
local loaded = package.loaded
local busy = loaded["limpid.session"] and loaded["limpid.session"].busy_words()
if busy then return "busy: " .. busy end
if loaded["limpid.effects"] and loaded["limpid.effects"].job then return "measuring: " .. vim.inspect(loaded["limpid.effects"].job.title) end
local run = loaded["limpid.runs"] and loaded["limpid.runs"].shown
if run and loaded["limpid.panel.answers"] and loaded["limpid.panel.answers"].is_waiting(run) then return "the panel waits for answers" end
local continuing = loaded["limpid.continuing"]
if run and continuing then
  local view, is_over = continuing.of(run)
  if view and not is_over then return "writing on" end
end
"""
QUIET = f"local way = (function() {UNDER_WAY} end)(); return way == nil"

SHOWN = "local runs = package.loaded['limpid.runs']; local run = runs and runs.shown; return run and not run.head.is_stale and run.head.id"

# Every mark of the heat is a token's place, and the buffer says there what the token says. A token that is a piece of a character has
# no text of its own to be compared; nor has a line break.
MISPLACED = """
local runs = require("limpid.runs")
local run, wrong, count = runs.shown, {}, 0
if not run then return { "no run is shown" } end
local places = {}
local function clamped(position)
  local line = vim.api.nvim_buf_get_lines(run.bufnr, position.line, position.line + 1, false)[1] or ""
  return { line = position.line, character = math.min(position.character, #line) }
end
for _, token in ipairs(run.tokens) do
  if type(token.range) == "table" then
    local from, to = clamped(token.range.start), clamped(token.range["end"])
    places[("%d:%d-%d:%d"):format(from.line, from.character, to.line, to.character)] = token
  end
end
local space = vim.api.nvim_create_namespace("limpid_heat")
for _, mark in ipairs(vim.api.nvim_buf_get_extmarks(run.bufnr, space, 0, -1, { details = true })) do
  local row, column, details = mark[2], mark[3], mark[4]
  count = count + 1
  local token = places[("%d:%d-%d:%d"):format(row, column, details.end_row, details.end_col)]
  if not token then
    wrong[#wrong + 1] = ("no token is at %d:%d-%d:%d"):format(row, column, details.end_row, details.end_col)
  elseif not token.display:find("[⟨↵]") then
    local said = table.concat(vim.api.nvim_buf_get_text(run.bufnr, row, column, details.end_row, details.end_col, {}), "\\n")
    if require("limpid.token_display").escape(said) ~= token.display then wrong[#wrong + 1] = ("%q is marked for %q"):format(said, token.display) end
  end
end
return { count = count, wrong = wrong }
"""


def quiet(nvim: Editor, timeout_s=2 * PATIENCE_S):
    """Waits until nothing is under way and everything that the panel asks is answered."""
    for pause_s in (0.06, 0.06, 0):  # an answer may lead to the next question
        try:
            nvim.until("nothing under way", QUIET, timeout_s=timeout_s)
        except Failed as problem:
            raise Failed(f"{nvim.lua(UNDER_WAY)}: {problem}") from problem
        time.sleep(pause_s)


def attached(nvim: Editor, prediction=r"·\S+ [\d.]+ %"):
    """Waits for the prediction behind the prompt."""
    nvim.until_says(prediction)


def inspect(nvim: Editor, timeout_s=2 * PATIENCE_S):
    """Inspects the prompt at the cursor; done when the panel has drawn everything."""
    before = nvim.lua(SHOWN)
    nvim.ex("Limpid inspect")
    nvim.until("a run", f"local id = (function() {SHOWN} end)(); return id and id ~= ...", before, timeout_s=timeout_s)
    quiet(nvim, timeout_s)


ANY = "local run = require('limpid.runs').shown; return run and run.head.id"


def reshown(nvim: Editor, act, timeout_s=2 * PATIENCE_S):
    """Does something that makes another run the shown one, and waits for it."""
    before = nvim.lua(ANY)
    act()
    nvim.until("another run", f"local id = (function() {ANY} end)(); return id and id ~= ...", before, timeout_s=timeout_s)
    quiet(nvim, timeout_s)


def say(nvim: Editor, command: str, timeout_s=2 * PATIENCE_S):
    """A word of `:Limpid`, and its work done."""
    nvim.ex(f"Limpid {command}")
    quiet(nvim, timeout_s)


def panel(nvim: Editor):
    """The cursor into the panel."""
    nvim.lua('local window = require("limpid.panel.window").window(); vim.api.nvim_set_current_win(window)')


def text(nvim: Editor):
    """The cursor into the text of the run shown."""
    nvim.lua('vim.api.nvim_set_current_win(vim.fn.bufwinid(require("limpid.runs").shown.bufnr))')


def panel_text(nvim: Editor) -> str:
    """The panel's lines, also those below the screen."""
    return nvim.lua('return table.concat(vim.api.nvim_buf_get_lines(require("limpid.panel.window").buffer(), 0, -1, false), "\\n")')


def panel_says(nvim: Editor, *patterns: str, timeout_s=PATIENCE_S) -> str:
    end = time.monotonic() + timeout_s
    while True:
        said = panel_text(nvim)
        missing = [pattern for pattern in patterns if not re.search(pattern, said, re.M)]
        if not missing:
            return said
        if time.monotonic() > end:
            raise Failed(f"the panel never said {missing}:\n{said}")
        time.sleep(0.03)


def on_line(nvim: Editor, pattern: str, at_match=False):
    """The panel's cursor on the first line that a pattern is in, in the first column or where the pattern begins."""
    panel(nvim)
    nvim.keys("gg0")
    row = nvim.lua("""
      local pattern, at_match = ...
      for row, line in ipairs(vim.api.nvim_buf_get_lines(0, 0, -1, false)) do
        local column = vim.fn.match(line, pattern)
        if column >= 0 then
          vim.api.nvim_win_set_cursor(0, { row, at_match and column or 0 })
          return row
        end
      end
    """, pattern, at_match)
    if not row:
        raise Failed(f"no line of the panel has {pattern}:\n{panel_text(nvim)}")


def heat(nvim: Editor, least=1) -> int:
    """How many tokens are painted; each mark lies on its token's text."""
    seen = nvim.lua(MISPLACED)
    if seen["wrong"]:
        raise Failed(f"marks at the wrong place: {seen['wrong'][:8]}")
    if seen["count"] < least:
        raise Failed(f"{seen['count']} tokens are painted, at least {least} were expected")
    return seen["count"]


def no_heat(nvim: Editor):
    nvim.until("no heat", """
      for name, space in pairs(vim.api.nvim_get_namespaces()) do
        if name:find("^limpid_heat") then
          for _, buffer in ipairs(vim.api.nvim_list_bufs()) do
            if #vim.api.nvim_buf_get_extmarks(buffer, space, 0, -1, {}) > 0 then return false end
          end
        end
      end
      return true
    """)


def choose(nvim: Editor, pattern: str, title: str):
    """Picks an item of Neovim's own `vim.ui.select` by its number."""
    shown = nvim.until_says(title, rf"^\d+: .*(?:{pattern})")
    number = re.search(rf"^(\d+): .*(?:{pattern})", shown, re.M)[1]
    nvim.keys(f"{number}<CR>")


def windows(nvim: Editor) -> list:
    return nvim.lua("return vim.tbl_map(function(w) return vim.bo[vim.api.nvim_win_get_buf(w)].filetype end, vim.api.nvim_list_wins())")


def floats(nvim: Editor) -> int:
    return nvim.lua("""return #vim.tbl_filter(function(w) return vim.api.nvim_win_get_config(w).relative ~= "" end, vim.api.nvim_list_wins())""")


def buffer(nvim: Editor) -> list:
    return nvim.lua("return vim.api.nvim_buf_get_lines(0, 0, -1, false)")


SECTIONS = ["prediction", "routes", "lens", "parts", "components", "effects", "compare"]
