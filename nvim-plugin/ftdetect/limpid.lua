-- Which files are prompts by their names. What must not live here: prompts inside other files, which `documents.lua` finds.
vim.filetype.add({ extension = { prompt = "prompt", prompty = "prompty", chat = "prompt" } })

-- A pattern of `vim.filetype.add` would make Neovim sort all of its patterns at every start: half a millisecond.
vim.api.nvim_create_autocmd({ "BufRead", "BufNewFile" }, {
  pattern = "*.prompt.md",
  group = vim.api.nvim_create_augroup("limpid_filetype", {}),
  callback = function(event)
    vim.bo[event.buf].filetype = "prompt"
  end,
})
