-- neuron (on its way).
-- What must not live here: requests.
return {
  name = "neuron",
  title = "neuron",
  asks = function()
    return {}
  end,
  draw = function(page)
    page:heading("neuron")
    page:line({ { "   …", "LimpidDim" } })
  end,
}
