//! Which token comes next: the most likely one, or one drawn by a seed. On plain logits in f64, with a generator of our own,
//! so that a seed means the same text on every machine and with every version.

use crate::error::EngineError;
use std::cmp::Ordering;

/// How a token is chosen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampling {
    /// Logits are divided by it; 0: the most likely token, whatever the other fields say.
    pub temperature: f64,
    /// Only so many of the most likely tokens.
    pub top_k: Option<usize>,
    /// Only the most likely tokens that together have this share of what `top_k` left.
    pub top_p: Option<f64>,
    /// What is drawn depends on it alone.
    pub seed: u64,
}

impl Sampling {
    /// The most likely token each time.
    pub const GREEDY: Self = Self { temperature: 0.0, top_k: None, top_p: None, seed: 0 };

    /// # Errors
    /// A field is out of its range.
    pub fn check(&self) -> Result<(), EngineError> {
        let wrong = |problem: String| Err(EngineError::BadRequest(problem));
        if !self.temperature.is_finite() || self.temperature < 0.0 {
            return wrong(format!(
                "`temperature` is {}; it is a number from 0 (the most likely token) on, like 0.8",
                self.temperature
            ));
        }
        if self.top_k == Some(0) {
            return wrong("`top_k` is 0; it is from 1 on; leave it out for all tokens".to_owned());
        }
        match self.top_p {
            Some(p) if !(p > 0.0 && p <= 1.0) => {
                wrong(format!("`top_p` is {p}; it is above 0 and at most 1"))
            }
            _ => Ok(()),
        }
    }
}

/// Chooses tokens one after another.
#[derive(Clone, Debug)]
pub struct Sampler {
    sampling: Sampling,
    draws: Draws,
}

impl Sampler {
    /// Starts at the seed.
    ///
    /// # Errors
    /// As [`Sampling::check`].
    pub fn new(sampling: Sampling) -> Result<Self, EngineError> {
        sampling.check()?;
        Ok(Self { sampling, draws: Draws::new(sampling.seed) })
    }

    /// The next token from finite logits. Of equally likely ones the first counts as the likelier.
    ///
    /// *Shapes*: logits `[d_vocab]`. *Cost*: one look at each, and a sort of those that are kept.
    pub fn choose(&mut self, logits: &[f32]) -> u32 {
        let best = logits.iter().enumerate().fold(
            0,
            |best, (id, logit)| {
                if *logit > logits[best] { id } else { best }
            },
        );
        if self.sampling.temperature == 0.0 {
            return best as u32;
        }
        let max = f64::from(logits[best]);
        let mut candidates: Vec<(u32, f64)> = (0u32..)
            .zip(logits)
            .map(|(id, logit)| (id, ((f64::from(*logit) - max) / self.sampling.temperature).exp()))
            .filter(|(_, weight)| *weight > 0.0)
            .collect();
        if let Some(k) = self.sampling.top_k.filter(|k| *k < candidates.len()) {
            candidates.select_nth_unstable_by(k, likelier);
            candidates.truncate(k);
            candidates.sort_unstable_by(likelier);
        }
        if let Some(share) = self.sampling.top_p {
            keep_share(&mut candidates, share);
        }
        let total: f64 = candidates.iter().map(|(_, weight)| weight).sum();
        let mut left = self.draws.next_share() * total;
        for (id, weight) in &candidates {
            left -= weight;
            if left < 0.0 {
                return *id;
            }
        }
        candidates.last().map_or(best as u32, |(id, _)| *id)
    }
}

/// Numbers that depend on a seed alone. *Source*: SplitMix64, Steele, Lea and Flood 2014.
#[derive(Clone, Debug)]
pub struct Draws(u64);

impl Draws {
    /// Starts at a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Evenly drawn from 0..1.
    pub fn next_share(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// The order of candidates: the likelier first, of equally likely ones the first.
fn likelier((id_a, weight_a): &(u32, f64), (id_b, weight_b): &(u32, f64)) -> Ordering {
    weight_b.total_cmp(weight_a).then(id_a.cmp(id_b))
}

/// Keeps the likeliest that together have `share` of all; sorts no more of them than it must.
fn keep_share(candidates: &mut Vec<(u32, f64)>, share: f64) {
    let wanted = share * candidates.iter().map(|(_, weight)| weight).sum::<f64>();
    let mut n_sorted = 0;
    loop {
        n_sorted = (8 * n_sorted).max(64).min(candidates.len());
        if n_sorted < candidates.len() {
            candidates.select_nth_unstable_by(n_sorted, likelier);
        }
        candidates[..n_sorted].sort_unstable_by(likelier);
        let mut kept = 0.0;
        let last = candidates[..n_sorted].iter().position(|(_, weight)| {
            kept += weight;
            kept >= wanted
        });
        match last {
            Some(last) => return candidates.truncate(last + 1),
            None if n_sorted == candidates.len() => return,
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOGITS: [f32; 4] = [1.0, 3.0, 2.0, 3.0];

    fn counts(sampling: Sampling, n: usize) -> [usize; 4] {
        let mut sampler = Sampler::new(sampling).unwrap();
        let mut counts = [0; 4];
        for _ in 0..n {
            counts[sampler.choose(&LOGITS) as usize] += 1;
        }
        counts
    }

    #[test]
    fn greedy_takes_the_first_of_the_most_likely() {
        assert_eq!(counts(Sampling::GREEDY, 5), [0, 5, 0, 0]);
        let almost = Sampling { temperature: 1e-300, top_k: Some(1), ..Sampling::GREEDY };
        assert_eq!(counts(almost, 5), [0, 5, 0, 0]);
    }

    #[test]
    fn tokens_are_drawn_as_often_as_they_are_likely() {
        let sampling = Sampling { temperature: 2.0, seed: 7, ..Sampling::GREEDY };
        let n = 40_000;
        let weights = LOGITS.map(|logit| (f64::from(logit) / 2.0).exp());
        let total: f64 = weights.iter().sum();
        for (count, weight) in counts(sampling, n).iter().zip(weights) {
            let share = *count as f64 / n as f64;
            assert!((share - weight / total).abs() < 0.01, "{share} {}", weight / total);
        }
        assert_eq!(counts(sampling, 100), counts(sampling, 100));
    }

    #[test]
    fn top_k_and_top_p_leave_the_most_likely() {
        let all = Sampling { temperature: 1.0, seed: 1, ..Sampling::GREEDY };
        let [a, b, c, d] = counts(Sampling { top_k: Some(3), ..all }, 2000);
        assert!(a == 0 && b > 0 && c > 0 && d > 0);
        // The two likeliest have 0.799 of all.
        let [a, b, c, d] = counts(Sampling { top_p: Some(0.79), ..all }, 2000);
        assert!(a == 0 && b > 0 && c == 0 && d > 0);
        assert_eq!(counts(Sampling { top_p: Some(1e-9), ..all }, 9), [0, 9, 0, 0]);
    }

    #[test]
    fn what_is_out_of_range_is_named() {
        for (sampling, field) in [
            (Sampling { temperature: f64::NAN, ..Sampling::GREEDY }, "`temperature` is NaN"),
            (Sampling { temperature: -1.0, ..Sampling::GREEDY }, "`temperature` is -1"),
            (Sampling { temperature: f64::INFINITY, ..Sampling::GREEDY }, "`temperature` is inf"),
            (Sampling { top_k: Some(0), ..Sampling::GREEDY }, "`top_k` is 0"),
            (Sampling { top_p: Some(0.0), ..Sampling::GREEDY }, "`top_p` is 0"),
            (Sampling { top_p: Some(1.5), ..Sampling::GREEDY }, "`top_p` is 1.5"),
            (Sampling { top_p: Some(f64::NAN), ..Sampling::GREEDY }, "`top_p` is NaN"),
        ] {
            let error = Sampler::new(sampling).unwrap_err().to_string();
            assert!(error.starts_with(field), "{error}");
        }
    }
}
