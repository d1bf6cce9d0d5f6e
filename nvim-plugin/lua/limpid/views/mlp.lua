-- mlp (on its way).
-- What must not live here: requests.
return {
  name = "mlp",
  title = "mlp",
  asks = function()
    return {}
  end,
  draw = function(page)
    page:heading("mlp")
    page:line({ { "   …", "LimpidDim" } })
  end,
}
