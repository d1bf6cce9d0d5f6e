-- edge (on its way).
-- What must not live here: requests.
return {
  name = "edge",
  title = "edge",
  asks = function()
    return {}
  end,
  draw = function(page)
    page:heading("edge")
    page:line({ { "   …", "LimpidDim" } })
  end,
}
