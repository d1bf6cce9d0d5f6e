-- A token of the prompt, or neighbouring ones: what it does for the prediction, how it was itself predicted, who reads it, what the
-- lens reads at it.
-- What must not live here: the hover of the text (hover.lua).
local display = require("limpid.display")
local figures = require("limpid.views.figures")
local questions = require("limpid.views.questions")
local ranked = require("limpid.views.ranked")
local strip = require("limpid.views.strip")
local token_chunks = require("limpid.views.token_chunks")
local wire = require("limpid.wire")

---@type limpid.View
local M = { name = "token", title = "token" }

--- Heads that read it.
local MOST_READERS = 8
--- Tokens of a span spelled out.
local MOST_SPELLED = 60

---@param context limpid.Context
---@return integer first, integer last
local function span_of(context)
  local about = context.about
  if about and about.kind == "part" and about.tokens then
    return about.tokens.start, about.tokens["end"] - 1
  end
  local position = about and about.position or questions.position(context)
  return position, position
end

function M.asks(context)
  local asks = { attribution = questions.attribution(context) }
  local first, last = span_of(context)
  if first == last then
    asks.tokens, asks.routes = questions.tokens(), questions.routes()
    -- What stood in its place is read at the token before it.
    asks.lens = questions.lens(first > 0 and { first - 1, first } or { first })
  end
  return asks
end

---@class limpid.Reader
---@field layer integer
---@field head integer
---@field position integer the token that reads
---@field flow number

--- Heads that read a token's residual stream from later tokens, most flow first; one row a head and reading token.
---@param routes limpid.Routes
---@param position integer
---@return limpid.Reader[]
function M.readers(routes, position)
  local readers, rows = {}, {}
  for _, edge in ipairs(routes.edges) do
    local from, to = routes.nodes[edge.from + 1], routes.nodes[edge.to + 1]
    if edge.kind == "attention" and from and to and from.position == position and to.position ~= position then
      local whole = 0
      for _, head in ipairs(edge.heads) do
        whole = whole + head.contribution
      end
      for _, head in ipairs(edge.heads) do
        local key = ("%d %d %d"):format(to.layer, head.head, to.position)
        local row = readers[key]
        if not row then
          row = { layer = to.layer, head = head.head, position = to.position, flow = 0 }
          readers[key], rows[#rows + 1] = row, row
        end
        row.flow = row.flow + (whole > 0 and edge.flow * head.contribution / whole or 0)
      end
    end
  end
  return ranked.sorted(rows, function(row)
    return row.flow
  end)
end

---@param page limpid.Page
---@param routes limpid.Routes
---@param position integer
---@param context limpid.Context
local function draw_readers(page, routes, position, context)
  local readers = M.readers(routes, position)
  page:blank()
  page:subheading("read by", #readers > MOST_READERS and ("%d of %d"):format(MOST_READERS, #readers) or nil)
  if #readers == 0 then
    page:line({ { "   no later token, as far as the graph shows", "LimpidDim" } })
    return
  end
  local rows = {}
  for place, reader in ipairs(vim.list_slice(readers, 1, MOST_READERS)) do
    local about = { kind = "head", layer = reader.layer, head = reader.head, position = reader.position }
    local note = page:note(context, about)
    rows[place] = {
      cells = {
        { { display.head_name(reader.layer, reader.head) } },
        vim.list_extend({ { "from ", "LimpidDim" } }, token_chunks.placed(context.tokens, reader.position)),
        function(width)
          return { page:bar(reader.flow / readers[1].flow, width) }
        end,
        display.flow(reader.flow),
        note and { { note, "LimpidDim" } } or false,
      },
      about = about,
      token = reader.position,
    }
  end
  page:table({
    { title = "head" },
    { title = "reading token", least = 10 },
    { grows = true, least = 4, most = 12 },
    { title = "flow", align = "right" },
    { title = "", least = 6, drops = 1 },
  }, rows, { untitled = true })
end

---@param page limpid.Page
---@param row limpid.TokenRow
---@param before limpid.LensCell?
local function draw_itself(page, row, before)
  if not wire.known(row.logprob) then
    page:prose("Nothing stands before it, so it was not predicted.", "LimpidDim")
    return
  end
  local rank = wire.or_nil(row.rank)
  local words = ("It was itself predicted at %s (%s, %s nats)"):format(
    display.probability(math.exp(row.logprob)),
    rank and display.rank(rank) or page:glyph("none"),
    display.nats(row.logprob)
  )
  if before and rank ~= 1 then
    local likeliest = token_chunks.predicted(before, nil)[1]
    words = ("%s; the likeliest was %s %s"):format(words, likeliest, display.probability(before.prob))
  end
  page:prose(words .. ".", nil, { about = { kind = "word", word = "surprisal" } })
end

---@param page limpid.Page
---@param view limpid.LensView
---@param column integer
---@param position integer
local function draw_lens(page, view, column, position)
  page:blank()
  page:subheading("lens", "what would be predicted here", { about = { kind = "word", word = "lens" } })
  local rows = {}
  for row = #view.lens, 1, -1 do
    local cell = view.lens[row][column]
    if cell then
      local node = row == 1 and { kind = "embed", layer = 0, position = position }
        or { kind = "resid_post", layer = row - 2, position = position }
      rows[#rows + 1] = {
        cells = {
          { { row == 1 and "emb" or "L" .. row - 2, "LimpidDim" } },
          { token_chunks.predicted(cell, view.target) },
          display.probability(cell.prob),
          function(width)
            return { page:bar(cell.target_prob, width) }
          end,
          display.probability(cell.target_prob),
          { { display.rank(cell.target_rank), cell.target_rank == 1 and "LimpidTarget" or "LimpidDim" } },
        },
        about = { kind = "node", node = node },
        token = position,
      }
    end
  end
  page:table({
    { title = "" },
    { title = "top", least = 8 },
    { title = "P", align = "right" },
    { grows = true, least = 4, most = 12, drops = 1 },
    { title = "P of target", align = "right" },
    { title = "rank", align = "right" },
  }, rows)
end

---@param page limpid.Page
---@param attribution limpid.Attribution
---@param context limpid.Context
---@param first integer
---@param last integer
local function draw_figures(page, attribution, context, first, last)
  local flows, target = strip.flows(attribution), context.head.target
  local is_nats = attribution.unit ~= "share"
  local share, score = 0, 0
  for place = first + 1, last + 1 do
    share = share + (flows and flows[place] or 0)
    score = score + (is_nats and attribution.scores[place] or 0)
  end
  local figure
  if first == last then
    figure = strip.figure(attribution, context.measured, first)
  else
    local hidden = { kind = "span_knockout", span = { first, last + 1 } }
    figure = figures.of(context.measured, hidden, is_nats and score or nil)
  end
  if type(target) == "table" and first == last and first == target.position then
    page:prose("The prediction is made at this token, so it cannot be hidden from itself.", "LimpidDim")
  elseif type(target) == "table" and first < target.position then
    figures.verdict(page, figure, "", nil)
  end
  local place = nil
  if flows and first == last then
    place = 1
    for index = 1, #flows do
      place = place + (flows[index] > share and 1 or 0)
    end
  end
  local flow = flows and display.flow(share) or page:glyph("none")
  local of = place and (" (%s of %s)"):format(display.rank(place), display.thousands(#flows)) or ""
  local facts = { { "flow", flow .. of, "flow" } }
  if first == last then
    facts[2] = { "id", tostring(context.tokens[first + 1].id) }
  else
    facts[2] = { "tokens", display.thousands(last - first + 1) }
  end
  page:facts(facts)
end

function M.draw(page, answers, context)
  local first, last = span_of(context)
  last = math.min(last, #context.tokens - 1)
  if first < 0 or first > last then
    page:heading("token")
    page:line({ { "   There is no such token.", "LimpidDim" } })
    return
  end
  local is_one = first == last
  local title = {
    {
      is_one and ("token %d  "):format(first) or ("tokens %d%s%d"):format(first, page:glyph("range"), last),
      "LimpidTitle",
    },
  }
  if is_one then
    title[2] = token_chunks.prompt(context.tokens, first)
  end
  local about = is_one and { kind = "token", position = first }
    or { kind = "part", tokens = { start = first, ["end"] = last + 1 } }
  page:heading(title, nil, { about = about, token = first })
  if not is_one then
    local spelled = {}
    for index = first, math.min(last, first + MOST_SPELLED - 1) do
      spelled[#spelled + 1] = token_chunks.display(context.tokens, index)
    end
    page:prose(table.concat(spelled) .. (last - first >= MOST_SPELLED and " " .. page:glyph("more") or ""))
  end
  if page:has(answers, "attribution") then
    draw_figures(page, answers.attribution.view.attribution, context, first, last)
  end
  if not is_one then
    return
  end
  local lens = answers.lens and answers.lens.view
  local row = answers.tokens and answers.tokens.view.tokens[first + 1]
  if row then
    draw_itself(page, row, lens and first > 0 and (lens.lens[#lens.lens] or {})[1] or nil)
  end
  if page:has(answers, "routes") then
    draw_readers(page, answers.routes.view.routes, first, context)
  end
  if page:has(answers, "lens") then
    draw_lens(page, lens, first > 0 and 2 or 1, first)
  end
end

return M
