//! PROTOCOL.md is fresh, and every method's example is what its types read and write.

use crate::{
    protocol_reference,
    request::Request,
    tests::{check_fresh, crate_path},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::{collections::BTreeSet, fs};

#[derive(Deserialize)]
struct Example {
    params: Value,
    result: Value,
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
    let fixtures = fs::read_dir(crate_path("fixtures")).unwrap();
    let folders = fixtures.filter(|entry| entry.as_ref().unwrap().path().is_dir());
    assert_eq!(names.len(), folders.count(), "a fixture without a method");
}

#[test]
fn protocol_md_is_fresh() {
    check_fresh("PROTOCOL.md", &protocol_reference(example_text));
}
