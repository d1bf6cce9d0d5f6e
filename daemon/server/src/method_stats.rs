//! How often and how fast each method was answered.

use limpid_protocol::model_status::MethodRow;
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// Times kept a method; percentiles are of these.
const KEPT: usize = 512;

/// Counters of every method.
#[derive(Default)]
pub(crate) struct MethodStats(Mutex<BTreeMap<&'static str, Times>>);

#[derive(Default)]
struct Times {
    count: u64,
    latest_ms: VecDeque<f32>,
}

impl MethodStats {
    pub(crate) fn record(&self, method: &'static str, took: Duration) {
        let mut methods = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let times = methods.entry(method).or_default();
        times.count += 1;
        if times.latest_ms.len() == KEPT {
            times.latest_ms.pop_front();
        }
        times.latest_ms.push_back(took.as_secs_f32() * 1000.0);
    }

    pub(crate) fn rows(&self) -> Vec<MethodRow> {
        let methods = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let row = |(method, times): (&&'static str, &Times)| {
            let mut sorted: Vec<f32> = times.latest_ms.iter().copied().collect();
            sorted.sort_by(f32::total_cmp);
            let percentile = |share: f64| {
                let at = (sorted.len() as f64 * share).ceil() as usize;
                sorted.get(at.saturating_sub(1)).copied().unwrap_or(0.0)
            };
            MethodRow {
                method: (*method).into(),
                count: times.count,
                p50_ms: percentile(0.5),
                p99_ms: percentile(0.99),
            }
        };
        methods.iter().map(row).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::MethodStats;
    use std::time::Duration;

    #[test]
    fn percentiles_are_of_what_was_recorded() {
        let stats = MethodStats::default();
        (1..=100).for_each(|ms| stats.record("m", Duration::from_millis(ms)));
        let rows = stats.rows();
        assert_eq!((rows[0].count, rows[0].p50_ms, rows[0].p99_ms), (100, 50.0, 99.0));
    }
}
