//! The editors' types are fresh.

use crate::{lua, tests::check_fresh, typescript};

#[test]
fn protocol_ts_is_fresh() {
    check_fresh("../vscode-extension/src/generated/protocol.ts", &typescript());
}

#[test]
fn protocol_lua_is_fresh() {
    check_fresh("../nvim-plugin/lua/limpid/generated/protocol.lua", &lua());
}
