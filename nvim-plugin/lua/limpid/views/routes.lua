-- routes (on its way).
-- What must not live here: requests.
return {
  name = "routes",
  title = "routes",
  asks = function()
    return {}
  end,
  draw = function(page)
    page:heading("routes")
    page:line({ { "   …", "LimpidDim" } })
  end,
}
