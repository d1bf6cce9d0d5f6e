//! PROTOCOL.md is fresh, and every method's example is what its types read and write.

use crate::{protocol_reference, request::Request};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::{collections::BTreeSet, fs, path::PathBuf};

#[derive(Deserialize)]
struct Example {
    params: Value,
    result: Value,
}

fn crate_path(relative: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(relative)
}

fn example_text(method: &str) -> String {
    let name = method.strip_prefix("limpid/").unwrap();
    fs::read_to_string(crate_path(&format!("fixtures/{name}/example.json"))).unwrap()
}

fn check_round_trip<T: Serialize + DeserializeOwned>(method: &str, part: &Value) {
    let typed: T =
        serde_json::from_value(part.clone()).unwrap_or_else(|error| panic!("{method}: {error}"));
    // Through text, so that 32-bit floats are spelled as short as in the file.
    let written: Value = serde_json::from_str(&serde_json::to_string(&typed).unwrap()).unwrap();
    assert_eq!(&written, part, "{method}");
}

#[test]
fn every_example_round_trips_through_its_types() {
    let mut names = BTreeSet::new();
    macro_rules! each {
        ($method:ty) => {
            let method = <$method as Request>::METHOD;
            assert!(names.insert(method), "{method} is listed twice");
            let example: Example = serde_json::from_str(&example_text(method)).unwrap();
            check_round_trip::<<$method as Request>::Params>(method, &example.params);
            check_round_trip::<<$method as Request>::Result>(method, &example.result);
        };
    }
    crate::for_each_method!(each);
    assert_eq!(
        names.len(),
        fs::read_dir(crate_path("fixtures")).unwrap().count(),
        "a fixture without a method"
    );
}

#[test]
fn protocol_md_is_fresh() {
    let path = crate_path("PROTOCOL.md");
    let fresh = protocol_reference(example_text);
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        fs::write(&path, &fresh).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == fresh,
        "PROTOCOL.md is stale; run UPDATE_GENERATED=1 cargo test --release -p limpid-protocol"
    );
}
