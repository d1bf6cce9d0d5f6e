-- token (on its way).
-- What must not live here: requests.
return {
  name = "token",
  title = "token",
  asks = function()
    return {}
  end,
  draw = function(page)
    page:heading("token")
    page:line({ { "   …", "LimpidDim" } })
  end,
}
