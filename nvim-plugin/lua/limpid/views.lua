-- What the panel can show: the sections behind the keys 1 to 7, and a card for each kind of thing that can be opened.
-- What must not live here: how any of them is drawn (views/), windows and requests (panel).
local M = {}

--- What a line is about, and what a card is opened on.
---@class limpid.About
---@field kind "token"|"prediction"|"head"|"neuron"|"mlp"|"node"|"edge"|"part"|"change"|"run"|"model"|"continuation"|"word"
---@field position integer? of a token, prediction, head, neuron, mlp
---@field token integer? id, of a prediction
---@field text string? of a prediction
---@field layer integer? of a head, neuron, mlp
---@field head integer?
---@field neuron integer?
---@field node limpid.ComponentId?
---@field from limpid.ComponentId? of an edge
---@field to limpid.ComponentId?
---@field edge_kind limpid.EdgeKind?
---@field tokens { start: integer, end: integer }? of a part
---@field change (limpid.Intervention|string)? of a change
---@field id string? of a run
---@field name string? of a model
---@field word string? glossary key

--- All that drawing depends on besides the answers.
---@class limpid.Context
---@field columns integer
---@field glyphs "unicode"|"ascii"
---@field head limpid.RunHead
---@field tokens limpid.TableToken[]
---@field position integer? token under the text's cursor or picked in the panel, 0-based; nil: the target's
---@field method string attribution method
---@field heat "attribution"|"effect"|"flow"
---@field mass number share of flow that routes show
---@field part_by limpid.PartBy? what parts are cut into; nil: lines, or words where there is one line
---@field maps boolean? whether head cards show the maps
---@field switches (limpid.Intervention|string)[]
---@field measured table<string, limpid.EffectRow> by `changes.text`
---@field effects limpid.EffectView? the last list of effects measured
---@field continuation limpid.ContinuationView?
---@field progress { what: string, done: integer?, of: integer? }?
---@field partners limpid.RunHead[]? other runs in the history
---@field compare { kind: "last"|"models"|"foil", with: limpid.Subject[] }?
---@field sort string? sort key of rankings and effects
---@field ranking ("heads"|"neurons"|"mlps")? what components lists; nil: all three, the strongest of each
---@field about limpid.About? what the card is about
---@field section string? name of the section shown: the tabs mark it
---@field problem { kind: string, message: string, ways: { title: string }[]? }? of the run as a whole
---@field note (fun(about: limpid.About): string?)?

---@class limpid.View
---@field name string
---@field title string what the tabs and a card's heading call it
---@field asks fun(context: limpid.Context): table<string, { method: string, params: table }> without their subject
---@field draw fun(page: limpid.Page, answers: table<string, table>, context: limpid.Context) `answers.errors[key]`: why one is missing

--- The sections, in the order of their keys.
M.SECTIONS = { "prediction", "routes", "lens", "parts", "components", "effects", "compare" }

--- The card that opens each kind of thing; a change opens what it acts on.
local CARDS = {
  token = "token",
  part = "token",
  node = "node",
  edge = "edge",
  head = "head",
  mlp = "mlp",
  neuron = "neuron",
}

---@param name string
---@return limpid.View
function M.view(name)
  return require("limpid.views." .. name)
end

--- The view that shows what something is, and what the card is then about; nil: it opens nothing.
---@param about limpid.About
---@return limpid.View? card, limpid.About? about
function M.card(about)
  if about.kind == "change" then
    local acted_on = require("limpid.switchable").about(about.change)
    if not acted_on then
      return nil
    end
    about = acted_on
  end
  -- A node of the graph that is itself a component is looked at as that component.
  if about.kind == "node" and about.node.kind == "mlp" then
    about = { kind = "mlp", layer = about.node.layer, position = about.node.position }
  end
  local name = CARDS[about.kind]
  if not name then
    return nil
  end
  return M.view(name), about
end

return M
