"""Every word of `:Limpid` once, each with what it must do. A word without a step here fails the session.

Steps go on where the one before ended, as a person's day does: in the order written here, in one Neovim.
"""

import json
import pathlib
import re

import plugin
from editor import Editor
from stage import Stage
from steps import Steps, check, raise_all

step = Steps()


@step("inspect")
def inspect(nvim, stage):
    plugin.attached(nvim, "·Paris 77 %")
    plugin.inspect(nvim)
    check(plugin.heat(nvim) >= 4, "heat on the tokens")
    nvim.screen("commands_inspect")


@step("panel")
def panel(nvim, stage):
    nvim.ex("Limpid panel")
    check("limpid" not in plugin.windows(nvim), "the panel closes")
    plugin.heat(nvim)
    nvim.ex("Limpid panel")
    check("limpid" in plugin.windows(nvim), "the panel opens")


@step("setTarget")
def set_target(nvim, stage):
    plugin.reshown(nvim, lambda: nvim.ex("Limpid setTarget ·London"))
    plugin.panel_says(nvim, "target ·London")
    nvim.ex("Limpid setTarget")
    plugin.reshown(nvim, lambda: plugin.choose(nvim, "·Paris", "Which token"))
    plugin.panel_says(nvim, "target ·Paris")


@step("setFoil")
def set_foil(nvim, stage):
    plugin.reshown(nvim, lambda: nvim.ex("Limpid setFoil ·London"))
    plugin.panel_says(nvim, "·London")
    nvim.screen("commands_foil")


@step("compareFoil")
def compare_foil(nvim, stage):
    plugin.say(nvim, "compareFoil")
    plugin.panel_says(nvim, "compare", "·London")
    nvim.screen("commands_compare_foil")
    nvim.ex("Limpid setFoil")
    plugin.reshown(nvim, lambda: plugin.choose(nvim, "No foil", "Why not"))


@step("refresh")
def refresh(nvim, stage):
    plugin.reshown(nvim, lambda: nvim.ex("Limpid refresh"))
    plugin.heat(nvim)


@step("lens")
def lens(nvim, stage):
    plugin.say(nvim, "lens")
    plugin.panel_says(nvim, "▼ lens")


@step("routes")
def routes(nvim, stage):
    plugin.say(nvim, "routes")
    plugin.panel_says(nvim, "▼ routes", r"\d % shown|flow shown")


@step("section")
def section(nvim, stage):
    for name in nvim.lua('return require("limpid.views").SECTIONS'):
        plugin.say(nvim, f"section {name}")
        check(nvim.lua('return require("limpid.panel").state.section') == name, f"section {name}")
    nvim.ex("Limpid section nowhere")
    nvim.until_says("no section nowhere")
    nvim.keys("<CR>")
    plugin.say(nvim, "section prediction")


@step("measureHere")
def measure_here(nvim, stage):
    plugin.text(nvim)
    nvim.goto(1, 17)
    plugin.say(nvim, "measureHere")
    nvim.until("measured", 'return require("limpid.effects").of(require("limpid.runs").shown).rows and next(require("limpid.effects").of(require("limpid.runs").shown).rows)')
    plugin.panel_says(nvim, r"\+7\.38")


@step("measure")
def measure(nvim, stage):
    plugin.say(nvim, "measure")
    plugin.panel_says(nvim, r"\+8\.27", r"\+7\.38", "≠")
    nvim.screen("commands_measure")


@step("measureLines")
def measure_lines(nvim, stage):
    plugin.say(nvim, "measureLines")
    plugin.panel_says(nvim, "effects")


@step("heat")
def heat(nvim, stage):
    for kind in ("flow", "effect", "attribution"):
        plugin.say(nvim, f"heat {kind}")
        nvim.until_says(f"Heat is by {kind}")
        plugin.heat(nvim)
        if kind != "attribution":
            nvim.screen(f"commands_heat_{kind}")


@step("numbers")
def numbers(nvim, stage):
    plugin.say(nvim, "numbers")
    nvim.until_says(r"capital~\+0\.78")
    nvim.screen("commands_numbers")
    plugin.say(nvim, "numbers")
    nvim.until_gone(r"capital~\+0\.78")


@step("surprisal")
def surprisal(nvim, stage):
    plugin.say(nvim, "surprisal")
    nvim.until_says(r"\d\.\d+ nats")
    nvim.screen("commands_surprisal")
    plugin.say(nvim, "surprisal")
    nvim.until_gone(r"^The capital.*\d\.\d+ nats")


@step("rollups")
def rollups(nvim, stage):
    plugin.say(nvim, "rollups")
    nvim.until_says(r"^The capital of France is.*█ 47 %")
    nvim.screen("commands_rollups")
    plugin.say(nvim, "rollups")


@step("signs")
def signs(nvim, stage):
    plugin.say(nvim, "signs")
    nvim.until("a sign", "return #vim.fn.getbufinfo(require('limpid.runs').shown.bufnr)[1].signs > 0 or vim.iter(vim.api.nvim_buf_get_extmarks("
               "require('limpid.runs').shown.bufnr, -1, 0, -1, { details = true })):any(function(m) return m[4].sign_text ~= nil end)")
    nvim.screen("commands_signs")
    plugin.say(nvim, "signs")


@step("lenses")
def lenses(nvim, stage):
    """Code lenses go, and come again."""
    shown = "return #vim.lsp.codelens.get(require('limpid.runs').shown.bufnr) > 0 and vim.iter(vim.api.nvim_get_namespaces()):any(" \
        "function(name, space) return name:find('codelens') and #vim.api.nvim_buf_get_extmarks(require('limpid.runs').shown.bufnr, space, 0, -1, {}) > 0 end)"
    was = nvim.lua(shown)
    for wanted in (not was, was):
        nvim.ex("Limpid lenses")
        nvim.until(f"lenses are {'on' if wanted else 'off'}", f"return (function() {shown} end)() == ...", wanted)


@step("switchOff")
def switch_off(nvim, stage):
    plugin.text(nvim)
    nvim.goto(1, 17)
    plugin.say(nvim, "switchOff")
    nvim.until("a switch", "return #require('limpid.switches').of(require('limpid.runs').shown) == 1")
    plugin.say(nvim, "switchOff head 12.0")
    nvim.until("two switches", "return #require('limpid.switches').of(require('limpid.runs').shown) == 2")
    plugin.say(nvim, "section effects")
    nvim.screen("commands_switches")


@step("switchSet")
def switch_set(nvim, stage):
    nvim.ex("Limpid switchSet")
    plugin.choose(nvim, "Keep what is off", "Switches")
    nvim.until_says("Name of the set")
    nvim.keys("first<CR>")
    nvim.until_says("keeps first")
    kept = list(pathlib.Path(stage.folder).glob("*switches*")) + list(pathlib.Path(stage.folder).glob("*.limpid*"))
    check(kept and any("first" in file.read_text() for file in kept), f"a file keeps the set: {kept}")


@step("clearSwitches")
def clear_switches(nvim, stage):
    plugin.say(nvim, "clearSwitches")
    nvim.until("no switch", "return #require('limpid.switches').of(require('limpid.runs').shown) == 0")
    nvim.ex("Limpid switchSet")
    plugin.choose(nvim, "first", "Switches")
    nvim.until("the set is taken", "return #require('limpid.switches').of(require('limpid.runs').shown) == 2")
    plugin.say(nvim, "clearSwitches")


@step("nextStrongest")
def next_strongest(nvim, stage):
    plugin.text(nvim)
    nvim.goto(1, 1)
    nvim.ex("Limpid nextStrongest")
    first = nvim.until("the strongest", "local c = vim.api.nvim_win_get_cursor(0); return c[2] > 0 and c[2]")
    nvim.ex("Limpid nextStrongest")
    nvim.until("the next", "return vim.api.nvim_win_get_cursor(0)[2] ~= ...", first)


@step("previousStrongest")
def previous_strongest(nvim, stage):
    before = nvim.lua("return vim.api.nvim_win_get_cursor(0)[2]")
    nvim.ex("Limpid previousStrongest")
    nvim.until("the one before", "return vim.api.nvim_win_get_cursor(0)[2] ~= ...", before)


@step("restsOn")
def rests_on(nvim, stage):
    plugin.text(nvim)
    nvim.goto(1, 23)
    nvim.ex("Limpid restsOn")
    nvim.until("a list or a jump", "return #vim.fn.getqflist() > 0 or #vim.fn.getloclist(0) > 0 or vim.api.nvim_win_get_cursor(0)[2] ~= 22")
    nvim.calm("restsOn")
    nvim.lua("vim.fn.setqflist({}); vim.cmd('cclose | lclose')")


@step("fed")
def fed(nvim, stage):
    plugin.text(nvim)
    nvim.goto(1, 17)
    nvim.ex("Limpid fed")
    nvim.until("a list or a jump", "return #vim.fn.getqflist() > 0 or #vim.fn.getloclist(0) > 0 or vim.api.nvim_win_get_cursor(0)[2] ~= 16")
    nvim.screen("commands_fed")
    nvim.lua("vim.fn.setqflist({}); vim.cmd('cclose | lclose')")


@step("quickfix")
def quickfix(nvim, stage):
    nvim.ex("Limpid quickfix")
    nvim.until("a list", "return #vim.fn.getqflist() >= 5")
    nvim.screen("commands_quickfix")
    nvim.lua("vim.cmd('cclose')")


@step("follow")
def follow(nvim, stage):
    plugin.text(nvim)
    nvim.goto(1, 1)
    nvim.goto(1, 6)
    nvim.until("the panel follows", "return require('limpid.panel').state.position == 1")
    nvim.ex("Limpid follow")
    nvim.until_says("Following the cursor is off")
    nvim.goto(1, 17)
    nvim.keys("l")
    check(nvim.lua("return require('limpid.panel').state.position") == 1, "the panel stays")
    nvim.ex("Limpid follow")
    nvim.until_says("Following the cursor is on")


@step("pin")
def pin(nvim, stage):
    nvim.ex("Limpid pin")
    nvim.until_says(r"Pinned\.")
    nvim.ex("Limpid pin")
    nvim.until_says(r"No longer pinned\.")


@step("compareLast")
def compare_last(nvim, stage):
    plugin.text(nvim)
    nvim.keys("0fFcwSpain<Esc>")
    plugin.panel_says(nvim, "changed")
    plugin.inspect(nvim)
    plugin.panel_says(nvim, "·Madrid")
    plugin.say(nvim, "compareLast")
    plugin.panel_says(nvim, "~ +·Spain", "·Paris 77 %", "·Madrid")
    nvim.screen("commands_compare_last")


@step("compare")
def compare(nvim, stage):
    plugin.say(nvim, "section prediction")
    plugin.say(nvim, "compare last")
    check(nvim.lua('return require("limpid.panel").state.section') == "compare", "the section is shown")


@step("history")
def history(nvim, stage):
    nvim.ex("Limpid history")
    plugin.reshown(nvim, lambda: plugin.choose(nvim, "·Paris", "Runs"))
    plugin.panel_says(nvim, "·Paris")
    nvim.ex("Limpid history")
    plugin.reshown(nvim, lambda: plugin.choose(nvim, "·Madrid", "Runs"))


@step("continue")
def go_on(nvim, stage):
    plugin.text(nvim)
    nvim.keys("uu")
    plugin.attached(nvim, "·Paris 77 %")
    nvim.ex("Limpid continue")
    nvim.until("more text", "return #table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), ' ') > 40")
    plugin.quiet(nvim)
    check("Paris" in " ".join(plugin.buffer(nvim)), "the model wrote on")
    nvim.keys("u")
    nvim.until("undone", "return vim.api.nvim_buf_get_lines(0, 0, -1, false)[1] == 'The capital of France is'")


@step("applyTemplate")
def apply_template(nvim, stage):
    nvim.ex("Limpid applyTemplate")
    nvim.until("a template", "return #vim.api.nvim_buf_get_lines(0, 0, -1, false) > 1")
    check("chat: true" in plugin.buffer(nvim), f"front matter that asks for the chat template: {plugin.buffer(nvim)}")
    nvim.ex("Limpid applyTemplate")
    nvim.until("taken out again", "return vim.tbl_contains(vim.api.nvim_buf_get_lines(0, 0, -1, false), 'chat: false')")
    nvim.keys("uu")
    nvim.until("as it was", "return vim.api.nvim_buf_get_lines(0, 0, -1, false)[1] == 'The capital of France is'")


@step("openReport")
def open_report(nvim, stage):
    plugin.inspect(nvim)
    nvim.ex("Limpid openReport")
    path = nvim.until("a browser", "return vim.g.opened[1]")
    html = pathlib.Path(path.removeprefix("file://")).read_text(encoding="utf-8")
    check("<html" in html and "The capital of France is" in html, "the page has the run")


@step("export")
def export(nvim, stage):
    for name, begins in (("json", "{"), ("dot", "digraph"), ("markdown", None), ("html", "<!")):
        path = stage.file(f"saved.{name}")
        nvim.ex(f"Limpid export {name} {path}")
        nvim.until("saved", "local s = vim.uv.fs_stat(...); return s and s.size > 0", path)
        plugin.quiet(nvim)
        content = pathlib.Path(path).read_text(encoding="utf-8")
        check(begins is None or content.lower().startswith(begins), f"{name}: {content[:60]!r}")
        if name == "json":
            check(json.loads(content)["text"].startswith("The capital"), "json has the prompt")
        if name == "markdown":
            check("·Paris" in content and "|" in content, content[:200])


@step("stop")
def stop(nvim, stage):
    nvim.ex("Limpid measure neuron")
    nvim.ex("Limpid stop")
    plugin.quiet(nvim)
    nvim.calm("stop")


@step("chooseModel")
def choose_model(nvim, stage):
    nvim.ex("Limpid chooseModel")
    nvim.until_says("Which model")
    plugin.choose(nvim, "SmolLM2-135M-Instruct", "Which model")
    plugin.quiet(nvim)
    plugin.panel_says(nvim, "SmolLM2-135M-Instruct")


@step("unloadModel")
def unload_model(nvim, stage):
    nvim.ex("Limpid unloadModel SmolLM2-135M-Instruct")
    nvim.until_says("is unloaded")


@step("loadModel")
def load_model(nvim, stage):
    nvim.ex("Limpid loadModel")
    plugin.choose(nvim, "SmolLM2-135M-Instruct", "Load a model")
    nvim.until_says("is loaded")


@step("compareModels")
def compare_models(nvim, stage):
    """Only one model is loaded: said, with a way out."""
    nvim.ex("Limpid compareModels")
    plugin.quiet(nvim)
    nvim.until_says("model")
    nvim.calm("compareModels")
    nvim.screen("commands_compare_models")


@step("chooseDevice")
def choose_device(nvim, stage):
    nvim.ex("Limpid chooseDevice cpu")
    plugin.quiet(nvim)
    nvim.until("the server again", 'return #vim.lsp.get_clients({ name = "limpid" }) == 1')
    plugin.panel_says(nvim, "cpu")


@step("restart")
def restart(nvim, stage):
    before = nvim.lua('return vim.lsp.get_clients({ name = "limpid" })[1].id')
    nvim.ex("Limpid restart")
    nvim.until("another server", 'local c = vim.lsp.get_clients({ name = "limpid" })[1]; return c and c.id ~= ...', before)
    plugin.quiet(nvim)


@step("status")
def status(nvim, stage):
    nvim.ex("Limpid status")
    nvim.until("a float", 'return #vim.tbl_filter(function(w) return vim.api.nvim_win_get_config(w).relative ~= "" end, vim.api.nvim_list_wins()) > 0')
    said = nvim.until_says("SmolLM2-135M-Instruct", "[Mm]emory|MiB|GiB")
    check(re.search(r"\d", said), said)
    nvim.keys("<Esc>")
    nvim.lua("vim.cmd('fclose!')")


@step("showLog")
def show_log(nvim, stage):
    nvim.ex("Limpid showLog")
    nvim.until("the log", 'return vim.iter(vim.api.nvim_list_wins()):any(function(w) return vim.bo[vim.api.nvim_win_get_buf(w)].filetype == "log" end)')
    said = " ".join(plugin.buffer(nvim))
    check(said.strip(), "the log has lines")
    check("capital of France" not in said, "no prompt is in the log")
    nvim.ex("q")


@step("health")
def health(nvim, stage):
    nvim.ex("Limpid health")
    nvim.until("a report", "return vim.bo.filetype == 'checkhealth' and vim.fn.search('limpid', 'nw') > 0")
    said = "\n".join(nvim.until("the whole", "local l = vim.api.nvim_buf_get_lines(0, 0, -1, false); return #l > 5 and l"))
    check("ERROR" not in said, said)
    check("SmolLM2" in said or "model" in said, said)
    nvim.lua("vim.cmd('silent! bwipeout')")


@step("hide")
def hide(nvim, stage):
    nvim.ex("Limpid hide")
    plugin.no_heat(nvim)
    check("limpid" not in plugin.windows(nvim), "the panel goes")


@step("tour")
def tour(nvim, stage):
    nvim.ex("Limpid tour")
    nvim.until("a run", "local run = require('limpid.runs').shown; return run and run.head.title:find('tour')")
    plugin.quiet(nvim)
    plugin.heat(nvim)


def completion(nvim):
    """`:Limpid <Tab>` offers every word; those that take one offer theirs."""
    words = nvim.lua('return require("limpid.command").words()')
    offered = nvim.lua("return vim.fn.getcompletion('Limpid ', 'cmdline')")
    check(sorted(offered) == sorted(words), f"completion: {set(offered) ^ set(words)}")
    check(nvim.lua("return vim.fn.getcompletion('Limpid measureH', 'cmdline')") == ["measureHere"], "completion of a beginning")
    check("neuron" in nvim.lua("return vim.fn.getcompletion('Limpid measure ', 'cmdline')"), "completion of what is measured")
    check(nvim.lua("return vim.fn.getcompletion('Limpid heat f', 'cmdline')") == ["flow"], "completion of heat")
    nvim.keys(":Limpid in<Tab>")
    nvim.until_says(":Limpid inspect")
    nvim.keys("<Esc>")
    nvim.ex("Limpid nonsense")
    nvim.until_says("nonsense is unknown")
    nvim.keys("<CR>")
    return words


def run():
    with Stage() as stage, Editor(stage, "capital.prompt") as nvim:
        words, failures = completion(nvim), []
        if set(words) != set(step.all):
            failures.append(f"words without a step: {sorted(set(words) - set(step.all))}; steps without a word: {sorted(set(step.all) - set(words))}")
        failures += step.run(nvim, stage, after=nvim.calm, recover=nvim.recover)
        raise_all(failures)
