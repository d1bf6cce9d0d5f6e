-- effects (on its way).
-- What must not live here: requests.
return {
  name = "effects",
  title = "effects",
  asks = function()
    return {}
  end,
  draw = function(page)
    page:heading("effects")
    page:line({ { "   …", "LimpidDim" } })
  end,
}
