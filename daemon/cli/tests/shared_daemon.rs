//! One daemon for every editor: started once, found again, replaced, refused where it is not this user's alone, gone when idle or told to go.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test program")]

#[path = "running/editor.rs"]
mod editor;
#[path = "running/limpid.rs"]
mod running;

use editor::{Editor, Runtime, kill, mode};
use serde_json::{Value, json};
use std::{
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::{
        fs::PermissionsExt,
        net::{UnixListener, UnixStream},
    },
};

#[test]
fn ten_editors_that_start_at_once_share_one_daemon_and_its_model() {
    let runtime = Runtime::new();
    let mut editors: Vec<Editor> = std::thread::scope(|scope| {
        let start = || scope.spawn(|| runtime.editor(&[]));
        let starting: Vec<_> = (0..10).map(|_| start()).collect();
        starting.into_iter().map(|editor| editor.join().unwrap()).collect()
    });
    let pids: Vec<Value> = editors
        .iter_mut()
        .map(|editor| editor.ask("limpid/status", json!({})).unwrap()["pid"].clone())
        .collect();
    assert!(pids.iter().all(|pid| *pid == pids[0]), "{pids:?}");
    let mut answers = Vec::new();
    for editor in &mut editors {
        editor.load();
        editor.open("the capital of france");
        answers.push(editor.view("limpid/tokens", 1).unwrap()["view"].clone());
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    let status = runtime.status();
    assert_eq!((&status["clients"], &status["documents"]), (&json!(10), &json!(10)));
    assert_eq!(status["models"].as_array().unwrap().len(), 1, "{status}");
    assert_eq!(status["models"][0]["device"], "cpu");
    assert!(status["models"][0]["bytes"].as_u64().unwrap() > 0);
    assert_eq!(status["cache"]["misses"], 1, "one forward pass for ten editors: {status}");
    let folder = runtime.path();
    assert_eq!((mode(&folder), mode(&folder.join("daemon.sock"))), (0o700, 0o600));
    editors.into_iter().for_each(Editor::leave);
}

#[test]
fn a_folder_or_socket_that_others_may_enter_is_refused_and_the_window_serves_itself() {
    let runtime = Runtime::new();
    fs::create_dir(runtime.path()).unwrap();
    fs::set_permissions(runtime.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let status = runtime.run(&["daemon", "status"]);
    let error = String::from_utf8(status.stderr).unwrap();
    assert_eq!(status.status.code(), Some(1));
    assert!(error.contains("is open to other users; run `chmod 700` on it"), "{error}");
    let mut editor = runtime.editor(&[]);
    let message = editor.told("window/showMessage")["params"]["message"].to_string();
    assert!(message.contains("this window keeps its own models"), "{message}");
    editor.load();
    editor.open("abc");
    assert!(editor.view("limpid/tokens", 1).is_ok());
    editor.leave();

    fs::set_permissions(runtime.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let socket = runtime.path().join("daemon.sock");
    let _listener = UnixListener::bind(&socket).unwrap();
    fs::set_permissions(&socket, fs::Permissions::from_mode(0o666)).unwrap();
    let error = String::from_utf8(runtime.run(&["daemon", "status"]).stderr).unwrap();
    assert!(error.contains("daemon.sock is open to other users"), "{error}");
    fs::remove_file(&socket).unwrap();
}

#[test]
fn where_no_socket_can_be_made_the_window_serves_itself() {
    let mut runtime = Runtime::new();
    let long = runtime.path().join("x".repeat(120));
    runtime.extra.push(("LIMPID_RUNTIME_DIR".into(), long.display().to_string()));
    let mut editor = runtime.editor(&[]);
    let message = editor.told("window/showMessage")["params"]["message"].to_string();
    assert!(message.contains("shorter path"), "{message}");
    editor.load();
    editor.leave();
    runtime.extra.clear();
}

#[test]
fn a_stale_socket_and_a_killed_daemon_are_replaced_and_the_document_is_intact() {
    let runtime = Runtime::new();
    let mut editor = runtime.editor(&[]);
    editor.load();
    editor.open("the capital of france");
    let edit =
        json!({ "start": { "line": 0, "character": 4 }, "end": { "line": 0, "character": 11 } });
    editor.change(2, json!({ "range": edit, "text": "heart" }));
    let before = editor.view("limpid/tokens", 2).unwrap();
    let first = runtime.pid().unwrap();
    kill(first);
    editor.load();
    assert_eq!(editor.view("limpid/tokens", 2).unwrap(), before);
    let follow_up = json!({ "subject": { "analysis": before["analysis"] }, "layer": 0, "head": 1 });
    let head = editor.ask("limpid/head", follow_up.clone()).unwrap();
    kill(runtime.pid().unwrap());
    editor.load();
    assert_eq!(
        editor.ask("limpid/head", follow_up).unwrap(),
        head,
        "a follow-up of a lost analysis"
    );
    assert_ne!(runtime.pid(), Some(first));
    editor.leave();
}

#[test]
fn the_daemon_leaves_when_it_is_idle_and_not_before() {
    let runtime = Runtime::new();
    let mut editor = runtime.editor(&["--idle-timeout", "0.01"]);
    let pid = editor.ask("limpid/status", json!({})).unwrap()["pid"].clone();
    // Longer than the time it waits for clients.
    std::thread::sleep(std::time::Duration::from_secs(2));
    assert_eq!(editor.ask("limpid/status", json!({})).unwrap()["pid"], pid);
    editor.vanish();
    while !runtime.status().is_null() {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert!(!runtime.path().join("daemon.sock").exists());
}

#[test]
fn status_stop_and_logs_answer_with_and_without_a_daemon() {
    let runtime = Runtime::new();
    let said = |args: &[&str]| {
        let output = runtime.run(args);
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(said(&["daemon", "status"]), "no daemon is running\n");
    assert_eq!(said(&["daemon", "status", "--format", "json"]), "null\n");
    assert_eq!(said(&["daemon", "stop"]), "no daemon is running\n");
    assert_eq!(said(&["daemon", "logs"]), "");
    let mut editor = runtime.editor(&[]);
    editor.load();
    editor.open("SECRET");
    editor.hover(1);
    assert!(said(&["daemon", "status"]).contains("1 clients, 1 documents"));
    let log = said(&["daemon", "logs"]);
    assert!(log.contains("a client came") && !log.contains("SECRET"), "{log}");
    assert_eq!(mode(&runtime.path()), 0o700);
    assert_eq!(said(&["daemon", "stop"]), "the daemon is gone\n");
    assert_eq!(said(&["daemon", "status"]), "no daemon is running\n");
    // A stopped daemon stays stopped until somebody asks.
    editor.change(2, json!({ "text": "abc" }));
    assert!(runtime.status().is_null());
    editor.load();
    assert_eq!(
        editor.view("limpid/tokens", 2).unwrap()["token_table"].as_array().unwrap().len(),
        3
    );
    editor.leave();
}

fn greet(runtime: &Runtime, hello: &Value) -> (BufReader<UnixStream>, Value) {
    let mut stream = UnixStream::connect(runtime.path().join("daemon.sock")).unwrap();
    writeln!(stream, "{hello}").unwrap();
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    (reader, serde_json::from_str(&line).unwrap())
}

#[test]
fn a_daemon_of_another_version_is_used_replaced_or_refused() {
    let runtime = Runtime::new();
    let editor = runtime.editor(&[]);
    let hello = |protocol: u32, version: &str| json!({ "protocol": protocol, "version": version, "build": "x", "purpose": "lsp" });
    let (_, refused) = greet(&runtime, &hello(99, "9.0.0"));
    assert_eq!(refused["reception"], "refused");
    assert!(refused["note"].as_str().unwrap().contains("serves other windows"), "{refused}");
    let (guest, used) = greet(&runtime, &hello(1, "9.0.0"));
    assert_eq!(used["reception"], "welcome");
    assert!(used["note"].is_string());
    drop(guest);
    let pid = runtime.pid().unwrap();
    editor.leave();
    while runtime.status()["clients"] != 0 {}
    let (mut leaving, answer) = greet(&runtime, &hello(1, "9.0.0"));
    assert_eq!(answer["reception"], "leaving");
    leaving.read_line(&mut String::new()).unwrap();
    let editor = runtime.editor(&[]);
    assert_ne!(runtime.pid().unwrap(), pid);
    editor.leave();
}

#[test]
fn an_old_daemon_that_others_use_is_told_and_the_window_serves_itself() {
    let runtime = Runtime::new();
    fs::create_dir(runtime.path()).unwrap();
    fs::set_permissions(runtime.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let socket = runtime.path().join("daemon.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    fs::set_permissions(&socket, fs::Permissions::from_mode(0o600)).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            BufReader::new(stream.try_clone().unwrap()).read_line(&mut String::new()).unwrap();
            let welcome = json!({ "protocol": 0, "version": "0.0.1", "pid": 1, "reception": "refused", "note": "an older daemon" });
            let _ = writeln!(stream, "{welcome}");
        }
    });
    let mut editor = runtime.editor(&[]);
    let message = editor.told("window/showMessage")["params"]["message"].to_string();
    assert!(message.contains("an older daemon"), "{message}");
    editor.load();
    editor.leave();
    fs::remove_file(&socket).unwrap();
}

#[test]
fn strangers_on_the_socket_disturb_nobody() {
    let runtime = Runtime::new();
    let mut editor = runtime.editor(&[]);
    for said in
        [&b"GET / HTTP/1.1\r\n\r\n"[..], b"\n", b"{}\n", b"\xff\xfe\n", b"{\"protocol\":", b""]
    {
        let mut stream = UnixStream::connect(runtime.path().join("daemon.sock")).unwrap();
        stream.write_all(said).unwrap();
    }
    assert!(editor.ask("limpid/status", json!({})).is_ok());
    editor.leave();
}
