-- lens (on its way).
-- What must not live here: requests.
return {
  name = "lens",
  title = "lens",
  asks = function()
    return {}
  end,
  draw = function(page)
    page:heading("lens")
    page:line({ { "   …", "LimpidDim" } })
  end,
}
