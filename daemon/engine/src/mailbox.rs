//! Who goes first where many wait for one worker: what somebody waits for before what nobody asked for, and clients in turn.
//!
//! Classes are strict, but no class waits for ever: one that was passed over [`PATIENCE`] times in a row has the next turn.
//! Within a class clients take turns, whatever each has queued; within a client the older job goes first. A job that runs is
//! not interrupted: background work is to be posted in pieces no longer than a forward pass.

use crate::cancel::CancelToken;
use parking_lot::{Condvar, Mutex};
use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    ops::Bound,
};

/// Times a class with waiting jobs is passed over before it has a turn.
const PATIENCE: u32 = 8;
/// From this many jobs of one client on, those that were cancelled are swept out.
const LONG: usize = 64;

/// How much somebody waits for a job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// A person asked and looks at the place.
    #[default]
    Interactive,
    /// Shown by itself as one types.
    Ambient,
    /// Nobody looks yet: batches, measured effects.
    Background,
}

const CLASSES: usize = 3;

/// Where a job stands in line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Turn {
    /// Its class.
    pub class: Class,
    /// Whose it is.
    pub client: u64,
}

/// A job in the mailbox.
pub(crate) struct Letter {
    /// Set when nobody waits any more.
    pub(crate) cancel: CancelToken,
    pub(crate) run: Box<dyn FnOnce() + Send>,
}

/// Jobs waiting for one worker.
#[derive(Default)]
pub(crate) struct Mailbox {
    lines: Mutex<Lines>,
    arrived: Condvar,
}

impl fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mailbox")
    }
}

#[derive(Default)]
struct Lines {
    classes: [Line; CLASSES],
    is_closed: bool,
}

/// The jobs of one class, by client.
#[derive(Default)]
struct Line {
    clients: BTreeMap<u64, VecDeque<Letter>>,
    /// Whose turn was last.
    last: u64,
    /// How often in a row others went first.
    passed: u32,
}

impl Mailbox {
    /// Queues a job; answers jobs that were cancelled, for the caller to run off, where the client's line had grown long.
    pub(crate) fn post(&self, turn: Turn, letter: Letter) -> Vec<Letter> {
        let mut lines = self.lines.lock();
        let line = lines.classes[turn.class as usize].clients.entry(turn.client).or_default();
        let mut given_up = Vec::new();
        if line.len() >= LONG {
            let (cancelled, waiting): (Vec<_>, Vec<_>) =
                line.drain(..).partition(|letter| letter.cancel.is_cancelled());
            given_up = cancelled;
            line.extend(waiting);
        }
        line.push_back(letter);
        drop(lines);
        self.arrived.notify_one();
        given_up
    }

    /// Waits for the next job; none when the mailbox is closed and empty.
    pub(crate) fn next(&self) -> Option<Letter> {
        let mut lines = self.lines.lock();
        loop {
            if let Some(letter) = lines.take() {
                return Some(letter);
            }
            if lines.is_closed {
                return None;
            }
            self.arrived.wait(&mut lines);
        }
    }

    /// No job will come any more.
    pub(crate) fn close(&self) {
        self.lines.lock().is_closed = true;
        self.arrived.notify_all();
    }
}

impl Lines {
    fn take(&mut self) -> Option<Letter> {
        let waiting = |line: &Line| !line.clients.is_empty();
        let patient = |line: &Line| waiting(line) && line.passed >= PATIENCE;
        let at = self.classes.iter().position(patient).or(self.classes.iter().position(waiting))?;
        for (other, line) in self.classes.iter_mut().enumerate() {
            line.passed = if other == at || !waiting(line) { 0 } else { line.passed + 1 };
        }
        self.classes[at].take()
    }
}

impl Line {
    fn take(&mut self) -> Option<Letter> {
        let after = (Bound::Excluded(self.last), Bound::Unbounded);
        let next = self.clients.range(after).next().or_else(|| self.clients.iter().next());
        let client = *next?.0;
        self.last = client;
        let own = self.clients.get_mut(&client)?;
        let letter = own.pop_front();
        if own.is_empty() {
            self.clients.remove(&client);
        }
        letter
    }
}

#[cfg(test)]
mod tests {
    use super::{Class, LONG, Letter, Mailbox, PATIENCE, Turn};
    use crate::cancel::CancelToken;
    use parking_lot::Mutex;
    use std::sync::Arc;

    #[derive(Default)]
    struct Order(Mailbox, Arc<Mutex<Vec<String>>>);

    impl Order {
        fn post(&self, class: Class, client: u64, name: &str) -> CancelToken {
            let (done, name) = (self.1.clone(), name.to_owned());
            let cancel = CancelToken::default();
            let run = Box::new(move || done.lock().push(name));
            for letter in
                self.0.post(Turn { class, client }, Letter { cancel: cancel.clone(), run })
            {
                (letter.run)();
            }
            cancel
        }

        fn run(&self) -> Vec<String> {
            self.0.close();
            while let Some(letter) = self.0.next() {
                (letter.run)();
            }
            std::mem::take(&mut self.1.lock())
        }
    }

    #[test]
    fn interactive_goes_before_ambient_before_background() {
        let order = Order::default();
        order.post(Class::Background, 1, "background");
        order.post(Class::Ambient, 1, "ambient");
        order.post(Class::Interactive, 1, "interactive");
        assert_eq!(order.run(), ["interactive", "ambient", "background"]);
    }

    #[test]
    fn clients_take_turns_whatever_each_has_queued() {
        let order = Order::default();
        for n in 0..3 {
            order.post(Class::Interactive, 1, &format!("flood {n}"));
        }
        order.post(Class::Interactive, 2, "other");
        order.post(Class::Interactive, 0, "third");
        assert_eq!(order.run(), ["flood 0", "other", "third", "flood 1", "flood 2"]);
    }

    #[test]
    fn no_class_waits_for_ever() {
        let order = Order::default();
        order.post(Class::Background, 1, "background");
        for _ in 0..2 * PATIENCE {
            order.post(Class::Interactive, 1, "interactive");
        }
        let at = order.run().iter().position(|name| name == "background");
        assert_eq!(at, Some(PATIENCE as usize));
    }

    #[test]
    fn a_long_line_loses_what_was_cancelled() {
        let order = Order::default();
        for _ in 0..10 * LONG {
            order.post(Class::Interactive, 1, "cancelled").cancel();
        }
        assert!(order.1.lock().len() >= 9 * LONG, "swept jobs are run off, which answers them");
    }
}
