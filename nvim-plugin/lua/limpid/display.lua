-- How numbers are written, the same as in every other client: a port of `protocol/src/display.rs`, checked against its examples.
-- What must not live here: tokens (token_display.lua), colours, layout.
local wire = require("limpid.wire")

local M = {}

local NAN = 0 / 0
--- Whole numbers up to here are exact in a double.
local LARGEST_EXACT = 2 ^ 53

--- What the wire's null stands for: a number that could not be measured.
---@param value number|vim.NIL|nil
---@return number
local function number_of(value)
  return wire.or_nil(value) or NAN
end

local function is_finite(value)
  return value == value and math.abs(value) ~= math.huge
end

--- The whole number that is nearest; an exact half goes to the even neighbour.
---@param value number not negative
---@return number
local function nearest_even(value)
  local below = math.floor(value)
  local rest = value - below
  local is_up = rest > 0.5 or (rest == 0.5 and below % 2 ~= 0)
  return is_up and below + 1 or below
end

--- The nearest 32-bit float: what the wire and Rust compute with. Without the FFI, which a Neovim on plain Lua lacks.
---@param value number
---@return number
local function single(value)
  if value == 0 or not is_finite(value) then
    return value
  end
  local mantissa, exponent = math.frexp(math.abs(value))
  -- 24 bits, fewer where the exponent cannot go lower.
  local bits = math.min(24, exponent + 149)
  if bits < 0 then
    return 0
  end
  local rounded = math.ldexp(nearest_even(math.ldexp(mantissa, bits)), exponent - bits)
  if rounded >= 2 ^ 128 then
    rounded = math.huge
  end
  return value < 0 and -rounded or rounded
end

--- As Rust's `{:.digits}`: an exact half goes to the even neighbour, where `string.format` of some Lua goes up. Values come from
--- 32-bit floats, so that the scaled value is exact.
---@param value number
---@param digits integer
---@return string
local function fixed(value, digits)
  if value ~= value then
    return "NaN"
  end
  local is_negative = value < 0 or 1 / value < 0
  local sign = is_negative and "-" or ""
  if math.abs(value) == math.huge then
    return sign .. "inf"
  end
  local scaled = math.abs(value) * 10 ^ digits
  if scaled >= LARGEST_EXACT then
    return ("%." .. digits .. "f"):format(value)
  end
  local text = ("%.0f"):format(nearest_even(scaled))
  if digits == 0 then
    return sign .. text
  end
  text = ("0"):rep(digits + 1 - #text) .. text
  return sign .. text:sub(1, -digits - 1) .. "." .. text:sub(-digits)
end

--- Two significant digits at most, no zeros after them, nothing finer than a hundredth of a percent.
---@param share number
---@return string
local function percent(share)
  local value = share * 100
  if not is_finite(value) then
    return "? %"
  end
  if value <= 0 then
    return "0 %"
  end
  if value < 0.0095 then
    return "<0.01 %"
  end
  if value >= 9.95 then
    return fixed(value, 0) .. " %"
  end
  local text = fixed(value, value >= 0.995 and 1 or 2)
  return text:gsub("0+$", ""):gsub("%.$", "") .. " %"
end

local ALMOST_CERTAIN = single(0.995)

--- A probability, 0..1: `97 %`, `3.2 %`, `0.04 %`, `<0.01 %`. What is not quite certain is `>99 %`, never `100 %`.
---@param share number|vim.NIL|nil
---@return string
function M.probability(share)
  local p = single(number_of(share))
  if p >= ALMOST_CERTAIN and p < 1 then
    return ">99 %"
  end
  return percent(p)
end

--- A flow or contribution, 0..1, with at most two significant digits: `82 %`, `4.1 %`, `0.12 %`.
---@param share number|vim.NIL|nil
---@return string
function M.flow(share)
  return percent(single(number_of(share)))
end

--- A log-probability in nats, or a logit: `-0.26`.
---@param value number|vim.NIL|nil
---@return string
function M.nats(value)
  return fixed(single(number_of(value)), 2)
end

--- An attribution or effect: `+1.24`, `-0.30`, `0.00`; the unit stands in the header.
---@param value number|vim.NIL|nil
---@return string
function M.signed(value)
  local text = M.nats(value)
  if text == "0.00" or text == "-0.00" then
    return "0.00"
  end
  if text:sub(1, 1) == "-" or text == "NaN" then
    return text
  end
  return "+" .. text
end

--- A count with thousands separated: `9,214`.
---@param count integer
---@return string
function M.thousands(count)
  local digits = ("%.0f"):format(count)
  local grouped = digits:reverse():gsub("(%d%d%d)", "%1,"):reverse()
  return (grouped:gsub("^,", ""))
end

--- A rank: `#1`.
---@param place integer
---@return string
function M.rank(place)
  return "#" .. M.thousands(place)
end

--- A duration in milliseconds: `38 ms`, `1.2 s`.
---@param ms number|vim.NIL|nil
---@return string
function M.duration(ms)
  local exact = single(number_of(ms))
  if exact >= 999.5 then
    return fixed(single(exact / 1000), 1) .. " s"
  end
  if exact >= single(9.95) or exact == 0 then
    return fixed(exact, 0) .. " ms"
  end
  return fixed(exact, 1) .. " ms"
end

--- Bytes for people: `94.0 MiB`.
---@param count integer
---@return string
function M.bytes(count)
  for _, step in ipairs({ { "GiB", 2 ^ 30 }, { "MiB", 2 ^ 20 }, { "KiB", 2 ^ 10 } }) do
    local unit, size = step[1], step[2]
    if count >= size then
      return fixed(count / size, 1) .. " " .. unit
    end
  end
  return ("%.0f B"):format(count)
end

--- A head's short name: `L9H6`.
---@param layer integer
---@param head integer
---@return string
function M.head_name(layer, head)
  return ("L%dH%d"):format(layer, head)
end

--- A neuron's short name: `L14 N873`.
---@param layer integer
---@param neuron integer
---@return string
function M.neuron_name(layer, neuron)
  return ("L%d N%d"):format(layer, neuron)
end

--- The nearest 32-bit float, for those who compute with numbers of the wire and must land where Rust does.
M.single = single
--- As Rust's `{:.digits}`.
M.fixed = fixed

return M
