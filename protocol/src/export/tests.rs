//! The editors' types are fresh.

use crate::{tests::check_fresh, typescript};

#[test]
fn protocol_ts_is_fresh() {
    check_fresh("../vscode-extension/src/generated/protocol.ts", &typescript());
}
