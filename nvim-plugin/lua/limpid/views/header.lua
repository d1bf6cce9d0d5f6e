-- What stands above every section: what is predicted and by which model, the state of the run, the prompt with heat, the tabs.
-- What must not live here: the sections themselves.
local display = require("limpid.display")
local questions = require("limpid.views.questions")
local text = require("limpid.page.text")
local token_chunks = require("limpid.views.token_chunks")
local views = require("limpid.views")
local wire = require("limpid.wire")

---@type limpid.View
local M = { name = "header", title = "header" }

function M.asks(context)
  return { tokens = questions.tokens(), attribution = questions.attribution(context) }
end

--- `·Paris 77 %   target ·Paris  foil ·the      SmolLM2-135M cpu`
---@param page limpid.Page
---@param answers table
---@param context limpid.Context
local function draw_prediction(page, answers, context)
  local head = context.head
  local view = answers.tokens and answers.tokens.view
  local target = wire.or_nil(view and view.target or head.target)
  local best = (view and view.predictions or head.predictions or {})[1]
  local left = { { " " } }
  if best then
    vim.list_extend(left, { token_chunks.predicted(best, target), { " " .. display.probability(best.prob) } })
  end
  if target then
    left[#left + 1] = { best and "   target " or "target ", "LimpidDim" }
    local answer = wire.or_nil(target.answer)
    if answer then
      local tokens = { start = answer.start, ["end"] = answer["end"] }
      local words =
        page:words(("tokens %d–%d, %s nats"):format(answer.start, answer["end"] - 1, display.nats(answer.logprob)))
      left[#left + 1] = { words, "LimpidTarget", { kind = "part", tokens = tokens } }
    else
      left[#left + 1] = token_chunks.predicted(target, target)
    end
    local foil = wire.or_nil(target.foil)
    if foil then
      vim.list_extend(left, { { "  foil ", "LimpidDim" }, token_chunks.predicted(foil, target) })
    end
  end
  local device = wire.or_nil(head.device) or (view and view.model.device)
  local function right(model)
    return { { model, "LimpidDim", { kind = "model", name = head.model } } }
  end
  local full = right(device and ("%s %s"):format(head.model, device) or head.model)
  local about = best and { kind = "prediction", token = best.id, text = best.text } or nil
  if page.width(left) + 1 + page.width(full) <= page.columns then
    page:split(left, full, { about = about })
  elseif page.width(left) + 10 <= page.columns then
    local room = page.columns - page.width(left) - 1
    page:split(left, right(text.head(text.clean(head.model), room, page:glyph("cut"))), { about = about })
  else
    page:line(left, { about = about })
  end
end

---@param page limpid.Page
---@param problem { message: string, ways: { title: string, word: string? }[]? }
local function draw_problem(page, problem)
  page:problem(problem)
  for _, way in ipairs(problem.ways or {}) do
    local key = way.word and ":Limpid " .. way.word or ""
    page:line({ { "     " }, { key, "LimpidKey" }, { (key ~= "" and "  " or "") .. way.title, "LimpidDim" } })
  end
end

---@param page limpid.Page
---@param context limpid.Context
local function draw_state(page, context)
  local head = context.head
  local tokens = ("%s %s"):format(
    display.thousands(head.n_tokens or #context.tokens),
    head.n_tokens == 1 and "token" or "tokens"
  )
  local took = ("traced %s in %s"):format(tokens, display.duration(head.took_ms))
  local left = { { " " }, { took, "LimpidDim" } }
  if head.is_pinned then
    left[#left + 1] = { "   pinned", "LimpidDim" }
  end
  page:split(
    left,
    { { head.title, "LimpidDim", { kind = "run", id = head.id } } },
    { about = { kind = "run", id = head.id } }
  )
  if head.is_stale then
    local words = (" %s The text changed; this is about what it was."):format(page:glyph("warning"))
    page:split({ { words, "LimpidStale" } }, page.hints("r", "refresh"), { about = { kind = "run", id = head.id } })
  end
  if context.problem then
    draw_problem(page, context.problem)
  end
  local progress = context.progress
  if progress then
    local count = progress.done and display.thousands(progress.done) or ""
    local of = progress.of and " of " .. display.thousands(progress.of) or ""
    local left_side = { { (" %s %s%s "):format(progress.what, count, of), "LimpidDim" } }
    local room = math.min(20, page.columns - page.width(left_side) - 1)
    local share = progress.done and progress.of and progress.of > 0 and progress.done / progress.of or 0
    page:line(room >= 4 and vim.list_extend(left_side, { page:bar(share, room) }) or left_side)
  end
end

--- The tabs, as much of each as fits: with full names, without spaces, or only their keys.
---@param page limpid.Page
---@param context limpid.Context
local function draw_tabs(page, context)
  local forms = {
    { between = "  ", inside = " ", name = "title" },
    { between = " ", inside = " ", name = "title" },
    { between = " ", inside = "", name = "short" },
    { between = " ", inside = " ", name = nil },
  }
  for at, form in ipairs(forms) do
    local chunks = { { " " } }
    for number, name in ipairs(views.SECTIONS) do
      local is_current = name == context.section
      local view = views.view(name)
      local title = form.name and (view[form.name] or view.title) or is_current and view.title or ""
      local group = is_current and "LimpidTabCurrent" or "LimpidTab"
      local about = { kind = "word", word = name }
      if number > 1 then
        chunks[#chunks + 1] = { form.between }
      end
      chunks[#chunks + 1] = { tostring(number), is_current and group or "LimpidKey", about }
      chunks[#chunks + 1] = { (title ~= "" and form.inside or "") .. title, group, about }
    end
    if at == #forms or page.width(chunks) <= page.columns then
      page:line(chunks)
      return
    end
  end
end

function M.draw(page, answers, context)
  page.level = 0
  draw_prediction(page, answers, context)
  draw_state(page, context)
  page:blank()
  local attribution = answers.attribution and answers.attribution.view.attribution
  require("limpid.views.strip").draw(page, attribution, context)
  local problem = answers.errors and answers.errors.attribution
  if problem then
    page:problem(problem)
  end
  page:blank()
  draw_tabs(page, context)
end

return M
