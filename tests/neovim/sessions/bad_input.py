"""What goes wrong is said in a line, with a way out; never a traceback, never a mark at the wrong place, and Neovim stays usable.

A case in a Neovim of its own costs a second; those that do no harm to others share one.
"""

import os
import re
import signal
import time

import plugin
from editor import Editor
from stage import BINARY, NVIM, Stage, lua_string
from stage_files import FILES
from steps import Steps, check, raise_all

step = Steps()


def odd(stage, *names: str):
    for name in names:
        stage.file(name, FILES[name])


def usable(nvim: Editor, what: str):
    """Keys still do what they do, and nothing was thrown."""
    nvim.keys("<Esc>")
    nvim.lua("vim.cmd('silent! fclose!')")
    nvim.ex("let g:usable = 1")
    nvim.until("Neovim answers", "return vim.g.usable == 1", timeout_s=10)
    nvim.lua("vim.g.usable = 0")
    nvim.calm(what)


def refused(stage, setup: str, *patterns: str, env=None):
    """Inspecting says why it cannot; said in one message; the panel says it too."""
    with Editor(stage, "capital.prompt", setup=setup, env=env) as nvim:
        nvim.ex("Limpid inspect")
        nvim.until_says(*patterns)
        usable(nvim, "refused")
        nvim.ex("Limpid status")
        usable(nvim, "status of nothing")
        for word in ("measure", "continue", "openReport", "restart"):
            nvim.ex(f"Limpid {word}")
            time.sleep(0.1)
            usable(nvim, word)


@step("no binary")
def no_binary(stage):
    refused(stage, '{ path = "/nowhere/limpid" }', "/nowhere/limpid")
    folder = stage.root / "empty_path"
    folder.mkdir(exist_ok=True)
    refused(stage, "{}", "limpid", env={"PATH": str(folder) + ":/usr/bin:/bin"})


@step("an old binary")
def old_binary(stage):
    refused(stage, "{ path = %s }" % lua_string(stage.program("old", 'echo "limpid 0.0.1"')), r"0\.0\.1")


@step("not a binary")
def not_a_binary(stage):
    refused(stage, "{ path = %s }" % lua_string(stage.program("hello", "echo hello")), "not Limpid")
    text = stage.root / "text"
    text.write_text("no program\n", encoding="utf-8")
    refused(stage, "{ path = %s }" % lua_string(text), "text")
    refused(stage, "{ path = %s }" % lua_string(stage.program("silent", "exec sleep 15")), r"limpid|Limpid|silent")


@step("a binary that dies, or writes nonsense")
def dying(stage):
    version = stage.limpid("--version").strip()
    for name, does in (("dies", "exit 3"), ("nonsense", "echo nonsense; sleep 2; exit 1")):
        path = stage.program(name, f'[ "$1" = --version ] && echo "{version}" && exit 0\n{does}')
        with Editor(stage, "capital.prompt", setup="{ path = %s }" % lua_string(path)) as nvim:
            nvim.ex("Limpid inspect")
            nvim.until_says("ended|ending|answer|restart|running")
            usable(nvim, name)


@step("settings that are wrong")
def wrong_settings(stage):
    setup = stage.setup('nonsense = 1, panel = { width = "wide" }, heat = { method = "best" }, inlay = 3')
    with Editor(stage, "capital.prompt", setup=setup) as nvim:
        nvim.until("the first is named", "local m = vim.fn.execute('messages'); return m:find('setup') and m:find('And 3 more') ~= nil")
        problems = nvim.lua("return require('limpid.config').problems")
        check(len(problems) == 4, f"each is kept for the health check: {problems}")
        plugin.inspect(nvim)
        plugin.heat(nvim, 4)
        nvim.calm("wrong settings")


@step("no model")
def no_model(_):
    """No model in the home, and no network to fetch one."""
    with Stage() as stage:
        home = stage.root / "no_models"
        home.mkdir()
        stage.env["LIMPID_HOME"] = str(home)
        with Editor(stage, "capital.prompt") as nvim:
            nvim.ex("Limpid inspect")
            nvim.until_says("SmolLM2|model")
            nvim.until("said", "return require('limpid.problems').shown ~= nil")
            usable(nvim, "no model")
            nvim.screen("bad_no_model")
    with Stage() as stage, Editor(stage, "capital.prompt", setup=stage.setup('model = "nobody/knows-this"')) as nvim:
        nvim.ex("Limpid inspect")
        nvim.until_says("nobody/knows-this")
        usable(nvim, "a model that is not there")


@step("the daemon killed while it is asked")
def killed(_):
    with Stage() as stage, Editor(stage, "harbour.prompt") as nvim:
        plugin.attached(nvim, "·hand")
        nvim.keys("ggIOnce: <Esc>")
        nvim.ex("Limpid inspect")
        pid = stage.kill_daemon()
        check(pid, "a daemon ran")
        nvim.until("an answer of the next daemon, or a reason", "local run = require('limpid.runs').shown; return run ~= nil or require('limpid.problems').shown ~= nil",
                   timeout_s=60)
        usable(nvim, "killed")
        plugin.inspect(nvim)
        plugin.heat(nvim, 5)
        check(stage.daemon() != pid, "another daemon")
        nvim.ex("Limpid measure")
        nvim.until("parts are measured", "return require('limpid.effects').job ~= nil")
        os.kill(stage.daemon(), signal.SIGKILL)
        time.sleep(0.5)
        nvim.ex("Limpid stop")
        plugin.quiet(nvim)
        usable(nvim, "killed while measuring")
        client = nvim.lua("return vim.lsp.get_clients({ name = 'limpid' })[1].rpc and true")
        check(client, "a client runs")


def travelling(nvim, act: str, what: str):
    """Asks, and before the answer comes does something to the buffer, in one go."""
    nvim.lua("""
      require("limpid.session").inspect()
      local act = ...
      vim.schedule(function() vim.cmd(act) end)
    """, act)
    plugin.quiet(nvim)
    usable(nvim, what)


@step("the buffer changes while an answer travels")
def changed(stage):
    with Editor(stage, "capital.prompt") as nvim:
        plugin.attached(nvim, "·Paris 77 %")
        travelling(nvim, "normal! ggOAbove", "a line more")
        if nvim.lua("local run = require('limpid.runs').shown; return run ~= nil and not run.head.is_stale"):
            plugin.heat(nvim)
        plugin.inspect(nvim)
        plugin.heat(nvim, 4)
        # What stands already moves with the text and is grey; nothing of it is put elsewhere.
        nvim.keys("ggOMore above<Esc>")
        nvim.until("stale", "return require('limpid.runs').shown.head.is_stale")
        grey = nvim.lua("""
          local space = vim.api.nvim_create_namespace("limpid_heat")
          local said = {}
          for _, mark in ipairs(vim.api.nvim_buf_get_extmarks(0, space, 0, -1, { details = true })) do
            if mark[4].hl_group ~= "LimpidStale" then return { "not grey: " .. mark[4].hl_group } end
            said[#said + 1] = table.concat(vim.api.nvim_buf_get_text(0, mark[2], mark[3], mark[4].end_row, mark[4].end_col, {}), "\\n")
          end
          return said
        """)
        check(" France" in grey and " capital" in grey, f"stale marks stay on their text: {grey}")
        nvim.screen("bad_stale")


@step("the buffer wiped, unloaded, hidden while an answer travels")
def wiped(stage):
    with Editor(stage, "capital.prompt") as nvim:
        plugin.attached(nvim, "·Paris 77 %")
        for act in ("bwipeout!", "bunload!", "enew!", "bdelete!"):
            nvim.ex("edit capital.prompt")
            nvim.ex("set hidden")
            plugin.attached(nvim, "·Paris 77 %")
            travelling(nvim, act, act)
            nvim.ex("edit chat.prompt")
            for word in ("measure", "heat flow", "rollups", "nextStrongest", "compareLast", "refresh", "hide"):
                nvim.ex(f"Limpid {word}")
                plugin.quiet(nvim)
                usable(nvim, f"{word} after {act}")
        nvim.ex("edit! capital.prompt")
        plugin.inspect(nvim)
        plugin.heat(nvim, 4)
        nvim.ex("bwipeout! limpid://panel")
        usable(nvim, "the panel wiped")
        plugin.inspect(nvim)
        check("limpid" in plugin.windows(nvim), "the panel comes again")
        nvim.ex("only")
        usable(nvim, "only")
        nvim.ex("Limpid panel")
        plugin.panel(nvim)
        nvim.ex("quit")
        usable(nvim, "the panel quit")
        nvim.ex("Limpid panel")
        nvim.ex("bwipeout! capital.prompt")
        usable(nvim, "only the panel is left")


@step("multibyte and combining characters")
def multibyte(stage):
    odd(stage, "multibyte.prompt", "latin1.prompt")
    with Editor(stage, "multibyte.prompt") as nvim:
        plugin.inspect(nvim)
        plugin.heat(nvim, 5)
        nvim.screen("bad_multibyte")
        nvim.keys("gg")
        for _ in range(12):
            nvim.keys("w")
            check(nvim.lua("local c = vim.api.nvim_win_get_cursor(0); return require('limpid.heat').token_at(vim.api.nvim_get_current_buf(), c[1] - 1, c[2]) ~= nil"), "a token at the cursor")
        nvim.ex("Limpid numbers")
        nvim.ex("Limpid surprisal")
        plugin.quiet(nvim)
        plugin.heat(nvim, 5)
        usable(nvim, "multibyte")
        nvim.ex("edit latin1.prompt")
        plugin.inspect(nvim)
        plugin.heat(nvim, 4)


@step("fileformat=dos")
def dos(stage):
    odd(stage, "dos.prompt")
    with Editor(stage, "dos.prompt") as nvim:
        check(nvim.lua("return vim.bo.fileformat") == "dos", "dos")
        plugin.inspect(nvim)
        plugin.heat(nvim, 6)
        nvim.keys("Gofoo<Esc>")
        plugin.inspect(nvim)
        plugin.heat(nvim, 6)
        usable(nvim, "dos")


@step("folds, wrapped and very long lines")
def lines(stage):
    odd(stage, "folded.prompt", "wrapped.prompt", "unbroken.prompt")
    with Editor(stage, "folded.prompt") as nvim:
        nvim.ex("set foldmethod=manual | 2,6fold | 8,9fold")
        plugin.inspect(nvim)
        plugin.heat(nvim, 5)
        for word in ("rollups", "signs", "surprisal"):
            nvim.ex(f"Limpid {word}")
        plugin.quiet(nvim)
        nvim.screen("bad_folds")
        nvim.ex("Limpid nextStrongest")
        usable(nvim, "folds")
        nvim.ex("edit wrapped.prompt")
        plugin.inspect(nvim)
        plugin.heat(nvim, 5)
        nvim.screen("bad_wrapped")
        nvim.ex("set nowrap | normal! $")
        usable(nvim, "nowrap")
        nvim.ex("edit unbroken.prompt")
        nvim.ex("Limpid inspect")
        usable(nvim, "a line of 100 kB")
        nvim.ex("Limpid stop")
        usable(nvim, "a line of 100 kB, given up")


@step("two windows, two tabs on one buffer")
def two_windows(stage):
    with Editor(stage, "capital.prompt") as nvim:
        nvim.ex("split | vsplit")
        plugin.inspect(nvim)
        plugin.heat(nvim, 4)
        nvim.screen("bad_two_windows")
        nvim.ex("tabnew capital.prompt")
        nvim.ex("Limpid panel")
        plugin.inspect(nvim)
        nvim.ex("tabclose")
        usable(nvim, "tabclose")
        nvim.keys("GoOnce more, the capital of Italy is<Esc>")
        plugin.inspect(nvim)
        plugin.heat(nvim, 4)
        usable(nvim, "two windows")


@step("few colours")
def few_colours(stage):
    """256 colours, what calls itself 16 (Neovim finds 256), 8, and none: steps by bold and underline where there are no shades."""
    for name, term in (("256", "tmux-256color"), ("16", "xterm-16color"), ("8", "ansi"), ("none", "vt100")):
        more = "vim.o.termguicolors = false"
        with Editor(stage, "capital.prompt", more=more, term=term, env={"COLORTERM": ""}) as nvim:
            plugin.inspect(nvim)
            plugin.heat(nvim, 4)
            nvim.calm(name)
            nvim.screen(f"bad_colours_{name}")
            looks = nvim.lua("""
              local seen = {}
              for at = 1, 7 do
                local group = vim.api.nvim_get_hl(0, { name = "LimpidSupport" .. at, link = false })
                local kinds = vim.tbl_keys(group.cterm or {})
                table.sort(kinds)
                seen[#seen + 1] = table.concat(kinds, " ") .. " " .. (group.ctermbg or "") .. " " .. (group.ctermfg or "")
              end
              return seen
            """)
            check(len(set(looks)) > 2, f"{name}: steps can be told apart: {looks}")
            nvim.ex("colorscheme habamax")
            plugin.heat(nvim, 4)
            nvim.calm(f"{name}: another colour scheme")


@step("a remote UI")
def remote(stage):
    """Neovim without a screen of its own, and a client that shows it."""
    socket = str(stage.root / "remote.sock")
    rc = stage.rc(stage.setup())
    argv = ["sh", "-c", f'"$0" --clean --cmd "set packpath^={stage.root}/packages" -u {rc} -i NONE --headless --listen {socket} capital.prompt & '
            f'server=$!; while [ ! -S {socket} ]; do sleep 0.05; done; "$0" --remote-ui --server {socket}; kill $server', str(NVIM)]
    with Editor(stage, command=argv, socket=socket) as nvim:
        plugin.attached(nvim, "·Paris 77 %")
        plugin.inspect(nvim)
        plugin.heat(nvim, 4)
        nvim.screen("bad_remote_ui")
        usable(nvim, "remote")
        nvim.lua("vim.schedule(function() vim.cmd('qall!') end)")


@step("a huge file")
def huge(stage):
    odd(stage, "huge.prompt")
    with Editor(stage, "huge.prompt") as nvim:
        nvim.ex("Limpid inspect")
        nvim.until_says(r"10 MiB|large|tokens")
        started = time.monotonic()
        usable(nvim, "huge")
        check(time.monotonic() - started < 5, "Neovim answers")
        nvim.keys("ggdwu")
        usable(nvim, "huge, edited")


@step("read-only, without a name, binary, empty")
def odd_buffers(stage):
    odd(stage, "binary.prompt", "empty.prompt")
    with Editor(stage, "capital.prompt", flags=("-R",)) as nvim:
        plugin.inspect(nvim)
        plugin.heat(nvim, 4)
        nvim.ex("set nomodifiable")
        nvim.ex("Limpid continue")
        plugin.quiet(nvim)
        usable(nvim, "continue where nothing can be written")
        nvim.ex("enew")
        nvim.keys("iThe capital of France is<Esc>")
        nvim.ex("Limpid inspect")
        plugin.quiet(nvim)
        usable(nvim, "no name")
        if nvim.lua("local run = require('limpid.runs').shown; return run and run.bufnr == vim.api.nvim_get_current_buf()"):
            plugin.heat(nvim, 4)
        else:
            nvim.until_says("name|file|save|write")
        for name in ("empty.prompt", "binary.prompt", "code.py"):
            nvim.ex(f"edit! {name}")
            nvim.ex("Limpid inspect")
            time.sleep(0.3)
            plugin.quiet(nvim)
            usable(nvim, name)
        nvim.ex("terminal")
        usable(nvim, "a terminal")
        nvim.ex("Limpid inspect")
        plugin.quiet(nvim)
        usable(nvim, "inspecting a terminal")
        nvim.ex("help")
        nvim.ex("Limpid inspect")
        plugin.quiet(nvim)
        usable(nvim, "inspecting a help page")


@step("a hostile prompt")
def hostile(stage):
    """Nothing that a file says is carried out or breaks a line."""
    with Editor(stage, "hostile.prompt") as nvim:
        plugin.inspect(nvim)
        plugin.heat(nvim, 5)
        for number in range(1, 8):
            plugin.say(nvim, f"section {plugin.SECTIONS[number - 1]}")
            check("\x1b" not in plugin.panel_text(nvim) and "\u202e" not in plugin.panel_text(nvim), "controls are escaped")
        plugin.text(nvim)
        for row in (1, 2, 3, 5):
            nvim.goto(row, 8)
            nvim.ex("lua require('limpid.hover').show()")
            plugin.quiet(nvim)
            nvim.calm(f"hover of line {row}")
        check(not re.search("pwned|reversed.*title", nvim.lua("return vim.inspect(vim.g.opened)")), "nothing was opened")
        usable(nvim, "hostile")


def run():
    check(BINARY.exists(), "target/release/limpid")
    with Stage() as stage:
        def recover():
            for editor in list(stage.editors):
                editor.close()

        raise_all(step.run(stage, recover=recover))
