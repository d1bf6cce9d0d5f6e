-- node (on its way).
-- What must not live here: requests.
return {
  name = "node",
  title = "node",
  asks = function()
    return {}
  end,
  draw = function(page)
    page:heading("node")
    page:line({ { "   …", "LimpidDim" } })
  end,
}
