-- parts (on its way).
-- What must not live here: requests.
return {
  name = "parts",
  title = "parts",
  asks = function()
    return {}
  end,
  draw = function(page)
    page:heading("parts")
    page:line({ { "   …", "LimpidDim" } })
  end,
}
