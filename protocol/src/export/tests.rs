//! The editors' types are fresh.

use crate::{fresh::check_fresh, typescript};

#[test]
fn protocol_ts_is_fresh() {
    check_fresh("../vscode-extension/src/generated/protocol.ts", &typescript());
}
