-- Changes of a run: one spelling to compare them by, words to show them, and how what is looked at is switched off or set.
-- What must not live here: running them, anything drawn.
local display = require("limpid.display")
local wire = require("limpid.wire")

local M = {}

--- A number as the daemon writes it in a change: no zeros that say nothing.
---@param value number
---@return string
local function plain(value)
  if value == math.floor(value) and math.abs(value) < 1e15 then
    return ("%d"):format(value)
  end
  return ("%.7g"):format(value)
end

--- What a change says that its text has no form for, spelled so that two that are the same compare equal.
---@param value any
---@return string
local function canonical(value)
  if type(value) ~= "table" then
    return vim.json.encode(value)
  end
  local parts = {}
  if vim.islist(value) then
    for index, one in ipairs(value) do
      parts[index] = canonical(one)
    end
    return "[" .. table.concat(parts, ",") .. "]"
  end
  for key, one in pairs(value) do
    if wire.known(one) then
      parts[#parts + 1] = vim.json.encode(key) .. ":" .. canonical(one)
    end
  end
  table.sort(parts)
  return "{" .. table.concat(parts, ",") .. "}"
end

---@param change limpid.Intervention
---@return string
local function place_of(change)
  local span = wire.or_nil(change.span)
  local token = wire.or_nil(change.token)
  return token and plain(token) or span and ("%d:%d"):format(span[1], span[2]) or "?"
end

--- A change as the daemon takes it as text: `head 21.2`, `knockout 3`, `neuron 2.12=0`. Two that do the same have the same text.
---@param change limpid.Intervention|string|(limpid.Intervention|string)[]
---@return string
function M.text(change)
  if type(change) == "string" then
    local read = M.read(change)
    return read and M.text(read) or vim.trim(change)
  end
  if vim.islist(change) then
    local texts = {}
    for index, one in ipairs(change) do
      texts[index] = M.text(one)
    end
    return table.concat(texts, " + ")
  end
  ---@cast change limpid.Intervention
  local kind = change.kind
  local layer, head, neuron = wire.or_nil(change.layer) or 0, wire.or_nil(change.head), wire.or_nil(change.neuron)
  local value, span = wire.or_nil(change.value), wire.or_nil(change.span)
  local where = wire.known(change.position) and "@" .. plain(change.position) or ""
  local part = ("%d.%d"):format(layer, head or neuron or 0)
  local to = value and "=" .. plain(value) or wire.known(change.values) and "=" .. canonical(change.values) or ""
  local by = value and "=" .. plain(value) .. "x" or ""
  if kind == "knockout" then
    return "knockout " .. place_of(change)
  elseif kind == "span_knockout" then
    local is_one = span and span[2] == span[1] + 1
    return is_one and "knockout " .. plain(span[1]) or "span " .. place_of(change)
  elseif kind == "delete" then
    return "delete " .. place_of(change)
  elseif kind == "replace" and wire.known(change.text) then
    return ("replace %s=%s"):format(place_of(change), change.text)
  elseif kind == "edge_knockout" then
    local own = head and part or plain(layer)
    return ("edge %s %d<-%d"):format(own, wire.or_nil(change.query) or 0, wire.or_nil(change.key) or 0)
  elseif kind == "head_zero" or kind == "head_set" then
    return "head " .. part .. (kind == "head_set" and to or "") .. where
  elseif kind == "head_scale" then
    return "head " .. part .. by .. where
  elseif kind == "mlp_zero" or kind == "mlp_set" then
    return ("mlp %d"):format(layer) .. (kind == "mlp_set" and to or "") .. where
  elseif kind == "mlp_scale" then
    return ("mlp %d"):format(layer) .. by .. where
  elseif kind == "neuron_set" or (kind == "neuron_scale" and value == 0) then
    return "neuron " .. part .. (to == "" and "=0" or to) .. where
  elseif kind == "neuron_scale" then
    return "neuron " .. part .. by .. where
  end
  return canonical(change)
end

--- A part of the model with what it is changed to: `21.2=0.5x@4` behind `head`.
---@param kind "head"|"mlp"|"neuron"
---@param rest string
---@return limpid.Intervention?
local function read_part(kind, rest)
  local place, position = rest:match("^(.-)%s*@%s*(%d+)%s*$")
  place = place or rest
  if rest:find("@", 1, true) and not position then
    return nil
  end
  local number, value, factor = place, place:match("^(.-)%s*=%s*(.-)%s*$"), nil
  if value then
    number, value = place:match("^(.-)%s*=%s*(.-)%s*$")
    factor = value:match("^(.-)%s*x$")
    if not tonumber(factor or value) then
      return nil
    end
  end
  local layer, index = vim.trim(number):match("^(%d+)%s*%.%s*(%d+)$")
  layer = layer or (kind == "mlp" and vim.trim(number):match("^(%d+)$")) or nil
  if not layer or (kind == "mlp") ~= (index == nil) then
    return nil
  end
  local way = factor and "_scale" or value and "_set" or kind == "neuron" and "_set" or "_zero"
  local amount = tonumber(factor or value) or (kind == "neuron" and 0 or nil)
  return {
    kind = kind .. way,
    layer = tonumber(layer),
    head = kind == "head" and tonumber(index) or nil,
    neuron = kind == "neuron" and tonumber(index) or nil,
    value = amount,
    position = tonumber(position),
  }
end

--- A change that was written as text; nil where it is none. `L23H4`, `L2N12=10`, `L3MLP` are read too, as views name parts.
---@param text string
---@return limpid.Intervention?
function M.read(text)
  text = vim.trim(text)
  local layer, letter, index, rest = text:match("^L(%d+)%s?([HN])(%d+)(.*)$")
  if layer then
    return read_part(letter == "H" and "head" or "neuron", ("%s.%s%s"):format(layer, index, rest))
  end
  layer, rest = text:match("^L(%d+)MLP(.*)$")
  if layer then
    return read_part("mlp", layer .. rest)
  end
  local name, own = text:match("^(%l+)%s+(.*)$")
  if name == "head" or name == "mlp" or name == "neuron" then
    return read_part(name, own)
  end
  local place, with = own, nil
  if name == "replace" then
    place, with = own:match("^(.-)=(.*)$")
  elseif name == "edge" then
    local l, h, query, key = own:match("^(%d+)%.(%d+)%s+(%d+)%s*<%-%s*(%d+)$")
    return l
      and {
        kind = "edge_knockout",
        layer = tonumber(l),
        head = tonumber(h),
        query = tonumber(query),
        key = tonumber(key),
      }
  end
  local kind = ({ knockout = "knockout", span = "span_knockout", delete = "delete", replace = "replace" })[name]
  local first, last = (place or ""):match("^%s*(%d+)%s*:%s*(%d+)%s*$")
  local token = (place or ""):match("^%s*(%d+)%s*$")
  if not kind or not (first or token) or (kind == "span_knockout" and not first) then
    return nil
  end
  return {
    kind = kind,
    token = tonumber(token),
    span = first and { tonumber(first), tonumber(last) } or nil,
    text = with,
  }
end

--- A change in a few words: `hide ·France (3)`, `L9H6 off`, `MLP L3 × 0.5`.
---@param change limpid.Intervention|string|(limpid.Intervention|string)[]
---@param tokens limpid.TableToken[]
---@return string
function M.words(change, tokens)
  if type(change) == "string" then
    local read = M.read(change)
    return read and M.words(read, tokens) or change
  end
  if vim.islist(change) then
    local words = {}
    for index, one in ipairs(change) do
      words[index] = M.words(one, tokens)
    end
    return table.concat(words, " + ")
  end
  ---@cast change limpid.Intervention
  local kind = change.kind
  local layer, span = wire.or_nil(change.layer) or 0, wire.or_nil(change.span)
  local token, position = wire.or_nil(change.token), wire.or_nil(change.position)
  local function shown(index)
    local row = index and tokens[index + 1]
    return row and row.display or ("token %s"):format(index or "?")
  end
  local first = token or (span and span[1])
  if kind == "knockout" then
    return ("hide %s (%s)"):format(shown(token), token or "?")
  elseif kind == "span_knockout" then
    if span and span[2] == span[1] + 1 then
      return ("hide %s (%d)"):format(shown(span[1]), span[1])
    end
    return ("hide %s … %s"):format(shown(span and span[1]), shown(span and span[2] - 1))
  elseif kind == "edge_knockout" then
    local head = wire.or_nil(change.head)
    local by = head and display.head_name(layer, head) or ("L%d"):format(layer)
    return ("cut %s %s ← %s"):format(by, wire.or_nil(change.query) or "?", wire.or_nil(change.key) or "?")
  elseif kind == "delete" or kind == "replace" then
    return kind .. " " .. shown(first)
  elseif kind == "direction_add" then
    return ("add a direction at L%d"):format(layer) .. (position and (" at %d"):format(position) or "")
  elseif kind == "patch" then
    local hook = wire.or_nil(change.hook) or "an activation"
    return ("patch %s L%d"):format(hook, layer) .. (position and (" at %d"):format(position) or "")
  end
  local part, way = kind:match("^(%l+)_(%l+)$")
  local name = part == "head" and display.head_name(layer, wire.or_nil(change.head) or 0)
    or part == "neuron" and display.neuron_name(layer, wire.or_nil(change.neuron) or 0)
    or ("MLP L%d"):format(layer)
  local value = wire.or_nil(change.value) or 0
  local is_off = way == "zero" or (part == "neuron" and value == 0)
  local what = is_off and "off" or (way == "scale" and "× " or "= ") .. plain(value)
  return ("%s %s"):format(name, what) .. (position and (" at %d"):format(position) or "")
end

return M
