//! Many editors on one real daemon with the real small model, for a while: edits, hovers, views, cancels, editors that vanish and come back.
//! Every answer must equal the one that a server with a single client gives, none may be lost, and memory must not grow.
//! `LIMPID_SOAK_SECONDS` (30), `LIMPID_SOAK_CLIENTS` (50), `LIMPID_SOAK_SEED`; figures are printed, correctness is asserted.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    unreachable_pub,
    reason = "a test program"
)]

mod editor;
mod traffic;

use editor::{Daemon, Editor};
use limpid_tests::dice::Dice;
use std::{
    sync::Mutex,
    time::{Duration, Instant},
};
use traffic::{Answers, Client, Figures, QUESTIONS, TEXTS};

/// More memory than this after a third of the run is a leak: nothing new is asked from there on.
const MOST_GROWTH: u64 = 96 << 20;

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(usual)
}

/// Every question about every text, asked of one server by one client.
fn asked(editor: &mut Editor) -> Answers {
    let mut client = Client::new(editor, &mut Dice(0));
    let ask = |text: usize| {
        client.turn_to(text);
        (0..QUESTIONS.len()).map(|question| client.ask(question).unwrap()).collect()
    };
    (0..TEXTS.len()).map(ask).collect()
}

#[test]
fn many_editors_get_the_answers_of_one() {
    let seconds = number("LIMPID_SOAK_SECONDS", 30);
    let n_clients = number("LIMPID_SOAK_CLIENTS", 50);
    let seed = number("LIMPID_SOAK_SEED", 1);
    let daemon = Daemon::new();
    let mut alone = daemon.editor(&["--standalone"]);
    alone.load();
    let expected = asked(&mut alone);
    drop(alone);
    let mut first = daemon.editor(&[]);
    first.load();
    assert!(
        asked(&mut first) == expected,
        "the daemon answers one client as a server of its own does"
    );

    let started = Instant::now();
    let end = started + Duration::from_secs(seconds);
    let all = Mutex::new(Figures::default());
    let third = std::thread::scope(|scope| {
        for at in 0..n_clients {
            let (daemon, expected, all) = (&daemon, &expected, &all);
            scope.spawn(move || {
                let figures = traffic::run(daemon, Dice(seed * 1000 + at), expected, end);
                all.lock().unwrap().add(figures);
            });
        }
        std::thread::sleep(Duration::from_secs(seconds / 3));
        daemon.resident_bytes()
    });
    let (last, figures) = (daemon.resident_bytes(), all.into_inner().unwrap());
    println!("{n_clients} clients, {seconds} s, seed {seed}");
    println!("{figures}");
    println!("daemon: {} MiB after a third, {} MiB at the end", third >> 20, last >> 20);
    let status = daemon.status();
    println!("daemon: cache {}", status["cache"]);
    for row in status["methods"].as_array().into_iter().flatten() {
        println!("daemon: {row}");
    }
    assert!(last < third + MOST_GROWTH, "memory grew from {third} to {last} bytes");
}
