-- The plugin for LuaRocks, and so for rocks.nvim: `luarocks make limpid-scm-1.rockspec` in this folder.
-- What must not live here: the binary, which is built from the repository.
rockspec_format = "3.0"
package = "limpid"
version = "scm-1"
source = {
  -- This folder as it is: the rock is made where the repository was cloned to.
  url = "file://.",
}
description = {
  summary = "See through a language model's prediction, where the prompt is written",
  detailed = [[
Paints on the text of a prompt which tokens a prediction rests on, and shows beside it through which attention heads and neurons it
came about, and what really changes without them. Needs the `limpid` binary on PATH.
]],
  labels = { "neovim" },
  license = "MIT OR Apache-2.0",
}
dependencies = {
  "lua >= 5.1",
}
build = {
  -- The modules are those under lua/.
  type = "builtin",
  copy_directories = { "doc", "ftdetect", "lsp", "plugin" },
}
