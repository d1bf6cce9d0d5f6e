-- Questions under way. The daemon answers the newest question of a kind about a document and drops the one before, so who asks the same
-- waits for the same answer, and who asks something else of that kind waits for its turn. What must not live here: what is asked.
local problems = require("limpid.problems")
local task = require("limpid.task")

---@class limpid.Flight
---@field key string
---@field wanted integer how many wait for its answer, not only for its end
---@field waiting table<fun(went_well: boolean, result: any), boolean>
---@field outcome? { went_well: boolean, result: any }
---@field task? limpid.Task

---@class limpid.Flights
---@field private by_kind table<string, limpid.Flight>
local Flights = {}
Flights.__index = Flights

---@return limpid.Flights
function Flights.new()
  return setmetatable({ by_kind = {} }, Flights)
end

---@private
---@param kind string
---@param flight limpid.Flight
---@param went_well boolean
---@param result any
function Flights:land(kind, flight, went_well, result)
  if self.by_kind[kind] == flight then
    self.by_kind[kind] = nil
  end
  flight.outcome = { went_well = went_well, result = result }
  local waiting = flight.waiting
  flight.waiting = {}
  for done in pairs(waiting) do
    done(went_well, result)
  end
end

---@private
---@param kind string
---@param key string
---@param work fun(): any
---@return limpid.Flight
function Flights:start(kind, key, work)
  local flight = { key = key, wanted = 0, waiting = {} }
  self.by_kind[kind] = flight
  -- A task of its own: who asked first may give up, the answer still comes for the others.
  flight.task = task.start(function()
    self:land(kind, flight, pcall(work))
  end)
  return flight
end

---@private
---@param kind string
---@param flight limpid.Flight
---@param is_wanted boolean
---@return boolean went_well
---@return any result
function Flights:wait(kind, flight, is_wanted)
  if flight.outcome then
    return flight.outcome.went_well, flight.outcome.result
  end
  local one = is_wanted and 1 or 0
  flight.wanted = flight.wanted + one
  return task.await(function(done)
    flight.waiting[done] = true
    return function()
      flight.waiting[done] = nil
      flight.wanted = flight.wanted - one
      if flight.wanted == 0 and not flight.outcome then
        flight.task:cancel()
        self:land(kind, flight, false, problems.problem("cancelled", "Nobody waits for it any more."))
      end
    end
  end)
end

--- The answer that `work` brings, inside a task; throws what it throws.
---@param kind string
---@param key string names the question
---@param work fun(): any
---@return any
function Flights:share(kind, key, work)
  while true do
    local flight = self.by_kind[kind] or self:start(kind, key, work)
    local is_mine = flight.key == key
    local went_well, result = self:wait(kind, flight, is_mine)
    if is_mine then
      if not went_well then
        error(result, 0)
      end
      return result
    end
  end
end

return Flights
