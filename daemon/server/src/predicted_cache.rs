//! How tokens of the latest prompts were predicted, by prefix: after an edit only what follows it is computed.

use limpid_analysis::vocabulary::Predicted;
use std::sync::{Arc, Mutex, PoisonError};

/// Prompts remembered; each takes sixteen bytes a token.
const KEPT: usize = 32;

/// Rows of the latest prompts, latest last.
#[derive(Default)]
pub(crate) struct PredictedCache(Mutex<Vec<Known>>);

struct Known {
    model: u64,
    token_ids: Vec<u32>,
    rows: Arc<[Predicted]>,
}

impl PredictedCache {
    /// Rows of the longest known prefix of these tokens: `[i]` of token `i + 1`.
    pub(crate) fn prefix(&self, model: u64, token_ids: &[u32]) -> Vec<Predicted> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let shared = |known: &Known| {
            known.token_ids.iter().zip(token_ids).take_while(|(a, b)| a == b).count()
        };
        let best = known.iter().filter(|known| known.model == model).max_by_key(|k| shared(k));
        best.map(|known| known.rows.iter().copied().take(shared(known).saturating_sub(1)).collect())
            .unwrap_or_default()
    }

    /// Remembers the rows of a prompt.
    pub(crate) fn keep(&self, model: u64, token_ids: &[u32], rows: &Arc<[Predicted]>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() == KEPT {
            known.remove(0);
        }
        known.push(Known { model, token_ids: token_ids.to_vec(), rows: Arc::clone(rows) });
    }

    /// Forgets a model's rows.
    pub(crate) fn forget(&self, model: u64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|known| known.model != model);
    }
}

#[cfg(test)]
mod tests {
    use super::PredictedCache;
    use limpid_analysis::vocabulary::Predicted;

    #[test]
    fn what_follows_the_first_difference_is_unknown() {
        let cache = PredictedCache::default();
        let row = |rank| Predicted { logprob: -1.0, rank };
        cache.keep(1, &[5, 6, 7, 8], &vec![row(1), row(2), row(3)].into());
        assert_eq!(cache.prefix(1, &[5, 6, 9, 8]), [row(1)]);
        assert_eq!(cache.prefix(1, &[5, 6, 7, 8]), [row(1), row(2), row(3)]);
        assert_eq!(cache.prefix(1, &[9]), []);
        assert_eq!(cache.prefix(2, &[5, 6]), []);
        cache.forget(1);
        assert_eq!(cache.prefix(1, &[5, 6]), []);
    }
}
