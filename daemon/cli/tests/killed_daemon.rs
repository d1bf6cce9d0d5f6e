//! The daemon is killed at random moments under an editor's random traffic: every request gets the answer that an undisturbed server gives.
//! `LIMPID_KILLS` sets how many times, `LIMPID_SEED` which traffic.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test program")]

#[path = "running/editor.rs"]
mod editor;
#[path = "running/limpid.rs"]
mod running;

use editor::{Editor, Runtime, URI, hover_at, kill};
use limpid_tests::dice::Dice;
use serde_json::{Value, json};
use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    time::Duration,
};

const TEXT: &str = "the capital of france";
const STEPS: usize = 60;
/// Kills in a row over one request: fewer than it is given up after.
const MOST_WITHOUT_ANSWER: usize = 4;

/// Ends the killing, however the test ends.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// An edit and a question about the text after it.
struct Step {
    change: Value,
    method: &'static str,
    character: u32,
}

fn script(dice: &mut Dice) -> Vec<Step> {
    let mut text: Vec<char> = TEXT.chars().collect();
    let mut steps =
        vec![Step { change: json!({ "text": TEXT }), method: "limpid/tokens", character: 0 }];
    while steps.len() < STEPS {
        let at = dice.below(text.len());
        let (end, with) = match text.len() {
            0..8 => (at, "abcd"),
            40.. => (text.len().min(at + 5), ""),
            _ => (text.len().min(at + dice.below(3)), ["x", "Paris ", "a", ""][dice.below(4)]),
        };
        text.splice(at..end, with.chars());
        let range = json!({ "start": { "line": 0, "character": at }, "end": { "line": 0, "character": end } });
        let methods =
            ["textDocument/hover", "limpid/tokens", "limpid/routes", "limpid/attribution"];
        steps.push(Step {
            change: json!({ "range": range, "text": with }),
            method: methods[dice.below(methods.len())],
            character: dice.below(text.len()) as u32,
        });
    }
    steps
}

/// The answer, without what counts edits.
fn answer(editor: &mut Editor, step: &Step, version: i32) -> Value {
    editor.change(version, step.change.clone());
    let params = match step.method {
        "textDocument/hover" => hover_at(step.character),
        _ => json!({ "subject": { "prompt": { "uri": URI, "version": version } } }),
    };
    let mut answer =
        editor.ask(step.method, params).unwrap_or_else(|error| json!({ "error": error }));
    if let Some(fields) = answer.as_object_mut() {
        fields.remove("version");
        fields.remove("analysis");
    }
    answer
}

#[test]
fn kills_at_random_moments_lose_no_request_and_no_text() {
    let number = |name: &str, usual: u64| {
        std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(usual)
    };
    let mut dice = Dice(number("LIMPID_SEED", 4));
    let steps = script(&mut dice);
    let runtime = Runtime::new();

    let mut alone = runtime.editor(&["--standalone"]);
    alone.load();
    alone.open("");
    let mut version = 1;
    let mut next_version = || {
        version += 1;
        version
    };
    let expected: Vec<Value> =
        steps.iter().map(|step| answer(&mut alone, step, next_version())).collect();
    assert!(expected.iter().all(|answer| answer.get("error").is_none() && !answer.is_null()));
    alone.leave();

    let mut editor = runtime.editor(&[]);
    editor.load();
    editor.open("");
    answer(&mut editor, &steps[0], next_version());
    let (is_over, n_answered) = (AtomicBool::new(false), AtomicUsize::new(0));
    let answered = std::thread::scope(|scope| {
        // A failed comparison ends the killing too.
        let _ends = Ends(&is_over);
        scope.spawn(|| {
            let (mut n_killed, mut since, mut before) = (0, 0, 0);
            while n_killed < number("LIMPID_KILLS", 50) && !is_over.load(Ordering::SeqCst) {
                // Random moments, not a wait for something: in a start, a load, a forward pass, a write.
                std::thread::sleep(Duration::from_millis(dice.below(250) as u64));
                let answered = n_answered.load(Ordering::SeqCst);
                (since, before) = if answered == before { (since, before) } else { (0, answered) };
                // A request that ends daemon after daemon is given up, and on a busy machine even a start takes long.
                if let Some(pid) = runtime.pid().filter(|_| since < MOST_WITHOUT_ANSWER) {
                    kill(pid);
                    (n_killed, since) = (n_killed + 1, since + 1);
                }
            }
            is_over.store(true, Ordering::SeqCst);
        });
        let mut answered = 0;
        while !is_over.load(Ordering::SeqCst) {
            for (at, step) in steps.iter().enumerate() {
                let found = answer(&mut editor, step, next_version());
                assert_eq!(found, expected[at], "step {at}, after {answered} answers");
                answered += 1;
                n_answered.store(answered, Ordering::SeqCst);
            }
        }
        answered
    });
    println!("{answered} answers");
    editor.leave();
}
