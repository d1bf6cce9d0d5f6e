//! The model store against a hub on this machine: what is fetched is checked before anybody sees it, offline means offline,
//! and two fetches of one model end with one file. No test touches the network beyond 127.0.0.1.
#![expect(clippy::unwrap_used, reason = "a test program: what cannot be set up fails the test")]

use limpid_engine::model_store::{ModelStore, StoreSettings, Weights};
use std::{
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    path::Path,
};

/// Serves `owner/model` with these files until the test ends; `broken_off` cuts every answer's body in half.
fn hub(files: &'static [(&'static str, &'static [u8])], broken_off: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let (mut path, mut from, mut to, mut line) =
                (String::new(), 0, usize::MAX, String::new());
            while reader.read_line(&mut line).is_ok_and(|n| n > 2) {
                if let Some(rest) = line.strip_prefix("GET ") {
                    path = rest.split(' ').next().unwrap_or_default().to_owned();
                }
                if let Some((_, range)) = line.to_lowercase().split_once("range: bytes=") {
                    let (first, last) = range.trim().split_once('-').unwrap();
                    from = first.parse().unwrap();
                    to = last.parse().map_or(usize::MAX, |last: usize| last + 1);
                }
                line.clear();
            }
            let file =
                files.iter().find(|(name, _)| path == format!("/owner/model/resolve/main/{name}"));
            let Some((_, body)) = file else {
                let _ = stream.write_all(
                    b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
                );
                continue;
            };
            let part = &body[from.min(body.len())..to.min(body.len())];
            let head = format!(
                "HTTP/1.1 206 Partial Content\r\nContent-Length: {}\r\nContent-Range: bytes {from}-{}/{}\r\netag: \"{}\"\r\nx-repo-commit: c0ffee\r\nConnection: close\r\n\r\n",
                part.len(),
                from + part.len().max(1) - 1,
                body.len(),
                path.replace('/', "_"),
            );
            let sent = if broken_off && part.len() > 1 { &part[..part.len() / 2] } else { part };
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(sent));
        }
    });
    endpoint
}

fn store(home: &Path, endpoint: Option<String>, is_offline: bool) -> ModelStore {
    ModelStore::new(StoreSettings {
        home: home.join("limpid"),
        hub_home: Some(home.join("hf")),
        hub_token: None,
        hub_endpoint: endpoint,
        is_offline,
        has_proxy: false,
    })
}

const FILES: &[(&str, &[u8])] =
    &[("config.json", b"{\"model_type\":\"llama\"}"), ("model.safetensors", b"weights, perhaps")];

#[test]
fn a_model_folder_comes_from_the_hub_and_is_there_offline_afterwards() {
    let home = tempfile::tempdir().unwrap();
    let found =
        store(home.path(), Some(hub(FILES, false)), false).resolve("owner/model", &|_| ()).unwrap();
    let Weights::Folder(folder) = &found.weights else { panic!("{found:?}") };
    for (name, bytes) in FILES {
        assert_eq!(std::fs::read(folder.join(name)).unwrap(), *bytes);
    }
    let again = store(home.path(), None, true).resolve("owner/model", &|_| ()).unwrap();
    assert_eq!(again, found);
}

#[test]
fn a_connection_that_breaks_off_is_an_error_and_a_later_fetch_goes_on_from_there() {
    let home = tempfile::tempdir().unwrap();
    let error = store(home.path(), Some(hub(FILES, true)), false)
        .resolve("owner/model", &|_| ())
        .unwrap_err();
    assert_eq!(error.code(), "fetch-failed");
    assert!(error.to_string().contains("config.json"), "{error}");
    let found =
        store(home.path(), Some(hub(FILES, false)), false).resolve("owner/model", &|_| ()).unwrap();
    assert_eq!(std::fs::read(found.weights.path().join("config.json")).unwrap(), FILES[0].1);
}

#[test]
fn an_index_cannot_name_a_file_outside_its_folder() {
    const EVIL: &[(&str, &[u8])] = &[
        ("config.json", b"{}"),
        ("model.safetensors.index.json", b"{\"weight_map\":{\"a\":\"../../../evil\"}}"),
    ];
    let home = tempfile::tempdir().unwrap();
    let error = store(home.path(), Some(hub(EVIL, false)), false)
        .resolve("owner/model", &|_| ())
        .unwrap_err();
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
