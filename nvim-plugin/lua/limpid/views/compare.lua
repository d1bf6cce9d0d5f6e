-- compare (on its way).
-- What must not live here: requests.
return {
  name = "compare",
  title = "compare",
  asks = function()
    return {}
  end,
  draw = function(page)
    page:heading("compare")
    page:line({ { "   …", "LimpidDim" } })
  end,
}
