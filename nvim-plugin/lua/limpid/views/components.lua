-- components (on its way).
-- What must not live here: requests.
return {
  name = "components",
  title = "components",
  asks = function()
    return {}
  end,
  draw = function(page)
    page:heading("components")
    page:line({ { "   …", "LimpidDim" } })
  end,
}
