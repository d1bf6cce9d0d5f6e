//! What the editors of a run do: turn to a text by one edit, ask about it, change their mind, vanish.

use crate::editor::{Daemon, Editor, URI};
use limpid_tests::dice::Dice;
use serde_json::{Value, json};
use std::{
    fmt,
    time::{Duration, Instant},
};

/// Texts that documents hold.
pub const TEXTS: &[&str] = &[
    "The capital of France is",
    "The capital of Spain is",
    "The capital of the country north of Spain is",
    "When Mary and John went to the store, John gave a drink to",
    "When Anna and Peter went to the garden, Peter gave a flower to",
    "def add(a, b):\n    return a +",
    "Once upon a time there was a little",
    "Once upon a time there was a very old",
    "1, 2, 3, 4, 5, 6, 7,",
    "Water boils at one hundred degrees and freezes at",
    "Question: what is the largest planet?\nAnswer: the largest planet is",
    "ünïcödé 😀 and then the word",
];

/// What is asked: a method, and a number for what its params need.
pub const QUESTIONS: &[(&str, u32)] = &[
    ("textDocument/hover", 2),
    ("textDocument/hover", 5),
    ("textDocument/hover", 12),
    ("textDocument/documentHighlight", 5),
    ("textDocument/inlayHint", 0),
    ("limpid/tokens", 0),
    ("limpid/routes", 0),
    ("limpid/attribution", 0),
    ("limpid/head", 3),
    ("limpid/neuron", 7),
    ("limpid/lens", 0),
];

/// By text, then by question.
pub type Answers = Vec<Vec<Value>>;

/// Between two things that one person does, milliseconds.
const PAUSE_MS: usize = 300;
const CANCELLED: i64 = -32800;

#[derive(Default)]
pub struct Figures {
    hovers_ms: Vec<f64>,
    n_answers: usize,
    n_cancelled: usize,
    n_edits: usize,
    n_returns: usize,
}

impl Figures {
    pub fn add(&mut self, other: Self) {
        self.hovers_ms.extend(other.hovers_ms);
        self.n_answers += other.n_answers;
        self.n_cancelled += other.n_cancelled;
        self.n_edits += other.n_edits;
        self.n_returns += other.n_returns;
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut sorted = self.hovers_ms.clone();
        sorted.sort_by(f64::total_cmp);
        let at = |share: f64| sorted.get((sorted.len() as f64 * share) as usize).unwrap_or(&0.0);
        write!(
            f,
            "{} answers, {} cancelled, {} edits, {} editors that came back; {} hovers of kept analyses: p50 {:.1} ms, p90 {:.1} ms, p99 {:.1} ms",
            self.n_answers,
            self.n_cancelled,
            self.n_edits,
            self.n_returns,
            sorted.len(),
            at(0.5),
            at(0.9),
            at(0.99)
        )
    }
}

/// One editor, and what its document holds.
pub struct Client<'a> {
    editor: &'a mut Editor,
    version: i32,
    text: usize,
}

impl<'a> Client<'a> {
    pub fn new(editor: &'a mut Editor, dice: &mut Dice) -> Self {
        let text = dice.below(TEXTS.len());
        let item =
            json!({ "uri": URI, "languageId": "plaintext", "version": 1, "text": TEXTS[text] });
        editor.notify("textDocument/didOpen", json!({ "textDocument": item }));
        Self { editor, version: 1, text }
    }

    /// Makes the document hold another text, by replacing what differs.
    pub fn turn_to(&mut self, text: usize) {
        let (old, new) = (TEXTS[self.text], TEXTS[text]);
        let shared = old.chars().zip(new.chars()).take_while(|(a, b)| a == b).map(|(a, _)| a);
        let start: usize = shared.map(char::len_utf8).sum();
        let range = json!({ "start": place(old, start), "end": place(old, old.len()) });
        (self.version, self.text) = (self.version + 1, text);
        let change = json!({ "range": range, "text": &new[start..] });
        let identifier = json!({ "uri": URI, "version": self.version });
        let params = json!({ "textDocument": identifier, "contentChanges": [change] });
        self.editor.notify("textDocument/didChange", params);
    }

    fn request(&mut self, question: usize) -> i64 {
        let (method, number) = QUESTIONS[question];
        let document = json!({ "uri": URI });
        let params = match method {
            "textDocument/inlayHint" => {
                let whole = json!({ "start": place("", 0), "end": { "line": 99, "character": 0 } });
                json!({ "textDocument": document, "range": whole })
            }
            _ if method.starts_with("textDocument/") => {
                json!({ "textDocument": document, "position": { "line": 0, "character": number } })
            }
            _ => {
                let subject = json!({ "prompt": { "uri": URI, "version": self.version } });
                json!({ "subject": subject, "layer": number, "head": number, "neuron": number })
            }
        };
        self.editor.request(method, params)
    }

    /// The answer, without what counts edits.
    pub fn ask(&mut self, question: usize) -> Result<Value, Value> {
        let id = self.request(question);
        self.answer(id)
    }

    fn answer(&mut self, id: i64) -> Result<Value, Value> {
        let mut answer = self.editor.answer(id)?;
        for hint in answer.as_array_mut().into_iter().flatten() {
            hint.as_object_mut().map(|hint| hint.remove("data"));
        }
        if let Some(fields) = answer.as_object_mut() {
            fields.remove("version");
            fields.remove("analysis");
        }
        Ok(answer)
    }
}

fn place(text: &str, byte: usize) -> Value {
    let before = &text[..byte];
    let line = before.matches('\n').count();
    let last = before.rsplit('\n').next().unwrap();
    json!({ "line": line, "character": last.encode_utf16().count() })
}

/// One person at one window until `end`.
pub fn run(daemon: &Daemon, mut dice: Dice, expected: &Answers, end: Instant) -> Figures {
    let mut figures = Figures::default();
    while Instant::now() < end {
        let mut editor = daemon.editor(&[]);
        let mut client = Client::new(&mut editor, &mut dice);
        // Some come for a moment, some stay.
        let stay = 20 + dice.below(400);
        for _ in 0..stay {
            if Instant::now() >= end {
                break;
            }
            act(&mut client, &mut dice, expected, &mut figures);
            std::thread::sleep(Duration::from_millis(dice.below(PAUSE_MS) as u64));
        }
        figures.n_returns += 1;
    }
    figures
}

fn act(client: &mut Client<'_>, dice: &mut Dice, expected: &Answers, figures: &mut Figures) {
    if dice.below(4) == 0 {
        client.turn_to(dice.below(TEXTS.len()));
        figures.n_edits += 1;
    }
    // Mostly hovers; the whole lens grid, which nobody keeps, now and then.
    let question = match dice.below(200) {
        0 => QUESTIONS.len() - 1,
        1..=100 => dice.below(3),
        _ => dice.below(QUESTIONS.len() - 1),
    };
    let want = &expected[client.text][question];
    let started = Instant::now();
    let id = client.request(question);
    if dice.below(10) == 0 {
        client.editor.notify("$/cancelRequest", json!({ "id": id }));
        match client.answer(id) {
            Ok(answer) => assert_eq!(answer, *want, "{:?} of {}", QUESTIONS[question], client.text),
            Err(error) => assert_eq!(error["code"], CANCELLED, "{error}"),
        }
        figures.n_cancelled += 1;
        return;
    }
    let answer =
        client.answer(id).unwrap_or_else(|error| panic!("{:?}: {error}", QUESTIONS[question]));
    if QUESTIONS[question].0 == "textDocument/hover" {
        figures.hovers_ms.push(started.elapsed().as_secs_f64() * 1000.0);
    }
    assert_eq!(answer, *want, "{:?} of {}", QUESTIONS[question], client.text);
    figures.n_answers += 1;
}
