-- head (on its way).
-- What must not live here: requests.
return {
  name = "head",
  title = "head",
  asks = function()
    return {}
  end,
  draw = function(page)
    page:heading("head")
    page:line({ { "   …", "LimpidDim" } })
  end,
}
