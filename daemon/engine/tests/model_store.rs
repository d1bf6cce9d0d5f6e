//! The model store against a hub on this machine: what is fetched is checked before anybody sees it, offline means offline,
//! and two fetches of one model end with one file. No test touches the network beyond 127.0.0.1.
#![expect(clippy::unwrap_used, reason = "a test program: what cannot be set up fails the test")]

#[path = "served/hub.rs"]
mod hub;

use hub::{Behaviour, Hub};
use limpid_engine::model_store::{ModelStore, StoreSettings, Weights};
use std::{net::TcpListener, path::Path, time::Duration};

fn store(home: &Path, endpoint: Option<String>, is_offline: bool) -> ModelStore {
    ModelStore::new(settings(home, endpoint, is_offline))
}

fn settings(home: &Path, endpoint: Option<String>, is_offline: bool) -> StoreSettings {
    StoreSettings {
        home: home.join("limpid"),
        hub_home: Some(home.join("hf")),
        hub_token: None,
        hub_endpoint: endpoint,
        is_offline,
        has_proxy: false,
        patience: Duration::from_secs(20),
    }
}

const CONFIG: &[u8] = b"{\"model_type\":\"llama\"}";
const WEIGHTS: &[u8] = b"weights, perhaps";

fn files() -> Vec<(&'static str, Vec<u8>)> {
    vec![("config.json", CONFIG.to_vec()), ("model.safetensors", WEIGHTS.to_vec())]
}

fn fetch(home: &Path, hub: &Hub) -> Result<std::path::PathBuf, limpid_engine::error::EngineError> {
    let store = store(home, Some(hub.endpoint.clone()), false);
    store.resolve("owner/model", &|_| ()).map(|found| found.weights.path().to_owned())
}

/// Everything in the hub's cache that other programs read.
fn visible(home: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![home.join("hf/hub/models--owner--model")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            match path.is_dir() {
                true => folders.push(path),
                false => found.push(entry.file_name().to_string_lossy().into_owned()),
            }
        }
    }
    found.sort();
    found
}

#[test]
fn a_model_folder_comes_from_the_hub_and_is_there_offline_afterwards() {
    let home = tempfile::tempdir().unwrap();
    let folder = fetch(home.path(), &Hub::start(files(), Behaviour::Whole)).unwrap();
    for (name, bytes) in files() {
        assert_eq!(std::fs::read(folder.join(name)).unwrap(), bytes);
    }
    let again = store(home.path(), None, true).resolve("owner/model", &|_| ()).unwrap();
    assert_eq!(again.weights, Weights::Folder(folder));
    let blobs = ["config.json", "config_json", "main", "model.safetensors", "model_safetensors"];
    assert_eq!(visible(home.path()), blobs);
}

#[test]
fn what_broke_off_is_seen_by_nobody_and_a_later_fetch_goes_on_from_there() {
    let home = tempfile::tempdir().unwrap();
    let error = fetch(home.path(), &Hub::start(files(), Behaviour::BreaksOff)).unwrap_err();
    assert_eq!(error.code(), "fetch-failed");
    assert!(error.to_string().contains("config.json: "), "{error}");
    assert_eq!(visible(home.path()), [""; 0]);
    let hub = Hub::start(files(), Behaviour::Whole);
    let folder = fetch(home.path(), &hub).unwrap();
    assert_eq!(std::fs::read(folder.join("config.json")).unwrap(), CONFIG);
    assert_eq!(hub.requests()[0], ("config.json".to_owned(), CONFIG.len() / 2));
}

#[test]
fn what_a_killed_fetch_left_is_finished_or_begun_again() {
    let part = |home: &Path, bytes: &[u8]| {
        let blobs = home.join("hf/hub/.limpid/models--owner--model/blobs");
        std::fs::create_dir_all(&blobs).unwrap();
        std::fs::write(blobs.join("model_safetensors.part"), bytes).unwrap();
    };
    // Whole but not renamed, longer than whole, and half from a hub that cannot go on in the middle.
    for (left, behaviour) in [
        (WEIGHTS.to_vec(), Behaviour::Whole),
        (WEIGHTS.repeat(2), Behaviour::Whole),
        (WEIGHTS[..7].to_vec(), Behaviour::Whole),
        (WEIGHTS[..7].to_vec(), Behaviour::IgnoresRanges),
    ] {
        let home = tempfile::tempdir().unwrap();
        part(home.path(), &left);
        let folder = fetch(home.path(), &Hub::start(files(), behaviour)).unwrap();
        assert_eq!(std::fs::read(folder.join("model.safetensors")).unwrap(), WEIGHTS);
    }
}

#[test]
fn a_hub_that_is_none_or_lies_is_named_and_leaves_nothing() {
    for (behaviour, says) in [
        (Behaviour::WrongSha256, "where the hub announced 0000"),
        (Behaviour::EvilNames, "etag \"../../../../evil\" is no name of a file"),
        (Behaviour::RedirectsNowhere, "the hub's answer makes no sense"),
        (Behaviour::Page, "so this is no hub; is HF_ENDPOINT right?"),
        (Behaviour::Status(401), "the model wants HF_TOKEN"),
        (Behaviour::Status(404), "the hub has no such model"),
        (Behaviour::Status(500), "try again later"),
        (Behaviour::Silent, "the hub sent nothing for 1 seconds"),
    ] {
        let home = tempfile::tempdir().unwrap();
        let hub = Hub::start(files(), behaviour);
        let mut settings = settings(home.path(), Some(hub.endpoint.clone()), false);
        settings.patience = Duration::from_secs(1);
        let error = ModelStore::new(settings).resolve("owner/model", &|_| ()).unwrap_err();
        assert_eq!(error.code(), "fetch-failed");
        assert!(error.to_string().contains(says), "{behaviour:?}: {error}");
        assert_eq!(visible(home.path()), [""; 0], "{behaviour:?}");
        assert!(!home.path().join("evil").exists());
    }
    let only_config = vec![("config.json", CONFIG.to_vec())];
    let home = tempfile::tempdir().unwrap();
    let error = fetch(home.path(), &Hub::start(only_config, Behaviour::Whole)).unwrap_err();
    assert!(error.to_string().contains("it has no safetensors"), "{error}");
}

#[test]
fn two_fetches_at_once_transfer_once_and_both_have_the_model() {
    let home = tempfile::tempdir().unwrap();
    let hub = Hub::start(files(), Behaviour::Gated);
    let (waits, waiting) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        let first = scope.spawn(|| fetch(home.path(), &hub).unwrap());
        hub.wait_for("model.safetensors");
        let second = scope.spawn(|| {
            let store = store(home.path(), Some(hub.endpoint.clone()), false);
            let found =
                store.resolve("owner/model", &|progress| waits.send(progress.stage).unwrap());
            found.unwrap().weights.path().to_owned()
        });
        assert_eq!(waiting.recv().unwrap(), "waiting for another process that is fetching");
        hub.open_gate();
        assert_eq!(first.join().unwrap(), second.join().unwrap());
    });
    let weights = hub.requests().into_iter().filter(|(name, _)| name == "model.safetensors");
    assert_eq!(weights.count(), 1);
}

#[test]
fn an_index_cannot_name_a_file_outside_its_folder() {
    let evil = vec![
        ("config.json", b"{}".to_vec()),
        ("model.safetensors.index.json", b"{\"weight_map\":{\"a\":\"../../../evil\"}}".to_vec()),
    ];
    let home = tempfile::tempdir().unwrap();
    let error = fetch(home.path(), &Hub::start(evil, Behaviour::Whole)).unwrap_err();
    assert!(error.to_string().contains("must name a file in the same folder"), "{error}");
}

#[test]
fn an_unreachable_hub_and_an_offline_store_say_so() {
    let home = tempfile::tempdir().unwrap();
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = store(home.path(), Some(format!("http://{nobody}")), false)
        .resolve("owner/model", &|_| ())
        .unwrap_err();
    assert!(error.to_string().contains("cannot reach 127.0.0.1:"), "{error}");
    for name in ["owner/model", "smollm2", "gemma3"] {
        let error = store(home.path(), None, true).resolve(name, &|_| ()).unwrap_err().to_string();
        assert!(error.contains("switched off by HF_HUB_OFFLINE or LIMPID_OFFLINE"), "{error}");
    }
}

#[test]
fn a_proxy_that_does_not_answer_is_what_is_named() {
    let home = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut settings =
        settings(home.path(), Some(format!("http://{}", listener.local_addr().unwrap())), false);
    settings.has_proxy = true;
    drop(listener);
    let error = ModelStore::new(settings).resolve("owner/model", &|_| ()).unwrap_err();
    assert_eq!(error.code(), "fetch-failed");
    let says = "no answer through the proxy (HTTPS_PROXY, HTTP_PROXY, ALL_PROXY)";
    assert!(error.to_string().contains(says), "{error}");
    assert_eq!(visible(home.path()), [""; 0]);
}

#[test]
fn pulled_models_are_listed_found_by_alias_and_removed() {
    let home = tempfile::tempdir().unwrap();
    let store = store(home.path(), None, true);
    assert_eq!(store.list().unwrap(), []);
    std::fs::create_dir_all(store.folder().join("owner--model")).unwrap();
    std::fs::write(store.folder().join("owner--model/config.json"), "{}").unwrap();
    std::fs::write(store.folder().join("SmolLM2-135M-Instruct.Q4_1.gguf"), "x").unwrap();
    std::fs::write(store.folder().join(".SmolLM2-135M-Instruct.Q4_1.gguf.1.part"), "x").unwrap();
    let names: Vec<String> = store.list().unwrap().into_iter().map(|model| model.name).collect();
    assert_eq!(names, ["SmolLM2-135M-Instruct", "owner/model"]);
    assert_eq!(store.resolve("smollm2", &|_| ()).unwrap().name, "SmolLM2-135M-Instruct");
    store.remove("SMOLLM2").unwrap();
    assert_eq!(store.remove("smollm2").unwrap_err().code(), "model-not-found");
    store.remove("owner/model").unwrap();
    assert_eq!(store.list().unwrap(), []);
    for missing in ["./nowhere", "/nowhere.gguf", "nowhere", "../../etc"] {
        assert_eq!(
            store.resolve(missing, &|_| ()).unwrap_err().code(),
            "model-not-found",
            "{missing}"
        );
    }
}

#[test]
fn settings_are_read_from_variables() {
    let with = |pairs: &'static [(&str, &str)]| {
        StoreSettings::from_lookup(&move |key| {
            pairs.iter().find(|(k, _)| *k == key).map(|(_, v)| (*v).to_owned())
        })
    };
    let some = with(&[
        ("LIMPID_HOME", "/h"),
        ("HF_HOME", "/hf"),
        ("HF_TOKEN", "t"),
        ("HF_ENDPOINT", "http://e"),
    ]);
    assert_eq!((some.home.to_str(), some.hub_token.as_deref()), (Some("/h"), Some("t")));
    assert_eq!(
        (some.hub_home.unwrap().to_str(), some.hub_endpoint.as_deref()),
        (Some("/hf"), Some("http://e"))
    );
    assert!(!some.is_offline);
    assert!(
        with(&[("HF_HUB_OFFLINE", "1")]).is_offline
            && with(&[("LIMPID_OFFLINE", "yes")]).is_offline
    );
    assert!(!with(&[("HF_HUB_OFFLINE", "0")]).is_offline);
}
