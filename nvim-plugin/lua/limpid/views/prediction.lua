-- prediction (on its way).
-- What must not live here: requests.
return {
  name = "prediction",
  title = "prediction",
  asks = function()
    return {}
  end,
  draw = function(page)
    page:heading("prediction")
    page:line({ { "   …", "LimpidDim" } })
  end,
}
