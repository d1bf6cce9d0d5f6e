//! Who waits for the answer to which question, so that many share one computation: it is given up when the last of them leaves.

use crate::analyst::Ask;
use limpid_engine::cancel::CancelToken;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Requests under way by their question, of all clients.
#[derive(Clone, Default)]
pub(crate) struct Waiters(Arc<Mutex<HashMap<Ask, Group>>>);

struct Group {
    cancel: CancelToken,
    n_waiting: usize,
}

/// One request that waits for its question's answer, until it is dropped.
pub(crate) struct Waiter {
    waiters: Waiters,
    ask: Ask,
}

impl Waiters {
    /// One more request with this question.
    pub(crate) fn join(&self, ask: &Ask) -> Waiter {
        let fresh = || Group { cancel: CancelToken::default(), n_waiting: 0 };
        self.lock().entry(ask.clone()).or_insert_with(fresh).n_waiting += 1;
        Waiter { waiters: self.clone(), ask: ask.clone() }
    }

    /// Set when nobody waits for this question's answer any more; none when nobody does now.
    pub(crate) fn cancel_of(&self, ask: &Ask) -> Option<CancelToken> {
        self.lock().get(ask).map(|group| group.cancel.clone())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Ask, Group>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let mut groups = self.waiters.lock();
        let Some(group) = groups.get_mut(&self.ask) else { return };
        group.n_waiting -= 1;
        if group.n_waiting == 0 {
            group.cancel.cancel();
            groups.remove(&self.ask);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Waiters;
    use crate::analyst::Ask;

    #[test]
    fn the_last_to_leave_cancels() {
        let (waiters, ask) = (Waiters::default(), Ask::of_text("a"));
        let first = waiters.join(&ask);
        let cancel = waiters.cancel_of(&ask).unwrap();
        let second = waiters.join(&ask);
        drop(first);
        assert!(!cancel.is_cancelled());
        drop(second);
        assert!(cancel.is_cancelled());
        assert!(waiters.cancel_of(&ask).is_none());
        let again = waiters.join(&ask);
        assert!(!waiters.cancel_of(&ask).unwrap().is_cancelled(), "a later request starts anew");
        drop(again);
    }
}
