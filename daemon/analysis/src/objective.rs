//! The scalar that is explained, of one token or added up over an answer's, and where its backward pass starts.

use limpid_engine::backward::Seed;
use std::{fmt, ops::Range, str::FromStr};

/// What kind of scalar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectiveKind {
    /// `log(P / (1 - P))` of the target: target against everything else.
    LogOdds,
    /// `logits[target] - logits[foil]`
    LogitDiff,
    /// `log P` of the target.
    LogProb,
}

impl fmt::Display for ObjectiveKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LogOdds => "log_odds",
            Self::LogitDiff => "logit_diff",
            Self::LogProb => "logprob",
        })
    }
}

impl FromStr for ObjectiveKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "log_odds" => Ok(Self::LogOdds),
            "logit_diff" => Ok(Self::LogitDiff),
            "logprob" => Ok(Self::LogProb),
            _ => Err(format!(
                "no objective `{text}`; objectives are log_odds, logit_diff (with a foil) and logprob"
            )),
        }
    }
}

/// A scalar at one position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Objective {
    /// The position whose prediction it is.
    pub position: usize,
    /// The token it is about.
    pub target: u32,
    /// The token it is measured against.
    pub foil: Option<u32>,
    /// What kind.
    pub kind: ObjectiveKind,
}

/// `logsumexp` of some logits in f64.
pub(crate) fn log_sum_exp(logits: impl Iterator<Item = f32> + Clone) -> f64 {
    let max = logits.clone().fold(f32::NEG_INFINITY, f32::max);
    if max == f32::NEG_INFINITY {
        return f64::NEG_INFINITY;
    }
    f64::from(max) + logits.map(|l| f64::from(l - max).exp()).sum::<f64>().ln()
}

impl Objective {
    /// The scalar and the gradient at the logits of its position.
    ///
    /// *Units*: nats. *Source*: attribution definitions; log-odds as logit minus logsumexp over the others, never through 1 - P.
    pub fn value_and_seed(&self, logits: &[f32]) -> (f64, Seed) {
        let target = self.target as usize;
        let own = f64::from(logits[target]);
        let mut g = vec![0f32; logits.len()];
        let value = match (self.kind, self.foil) {
            (ObjectiveKind::LogitDiff, Some(foil)) => {
                g[target] += 1.0;
                g[foil as usize] -= 1.0;
                own - f64::from(logits[foil as usize])
            }
            (ObjectiveKind::LogProb, _) => {
                let all = log_sum_exp(logits.iter().copied());
                for (g, logit) in g.iter_mut().zip(logits) {
                    *g = -(f64::from(*logit) - all).exp() as f32;
                }
                // 1 - P of the target as the share of the others, not as a difference.
                let others = log_sum_exp(others(logits, target));
                g[target] = (others - all).exp() as f32;
                own - all
            }
            (ObjectiveKind::LogOdds | ObjectiveKind::LogitDiff, _) => {
                let others = log_sum_exp(others(logits, target));
                for (g, logit) in g.iter_mut().zip(logits) {
                    *g = -(f64::from(*logit) - others).exp() as f32;
                }
                g[target] = 1.0;
                own - others
            }
        };
        (value, Seed { position: self.position, g_logits: g })
    }
}

/// The sum of some objectives and a start for each, from the logits of each one's position.
///
/// *Shapes*: logits `[objective][d_vocab]`. *Units*: nats.
pub fn sum_and_seeds(objectives: &[Objective], logits: &[Vec<f32>]) -> (f64, Vec<Seed>) {
    let terms = objectives.iter().zip(logits);
    let (values, seeds): (Vec<f64>, Vec<Seed>) =
        terms.map(|(objective, logits)| objective.value_and_seed(logits)).unzip();
    (values.iter().sum(), seeds)
}

/// The objectives of an answer: each of its tokens as the position before it predicts it.
///
/// # Panics
/// When the range is not within `1..token_ids.len()`.
pub fn of_answer(token_ids: &[u32], answer: &Range<usize>, kind: ObjectiveKind) -> Vec<Objective> {
    let of = |at: usize| Objective { position: at - 1, target: token_ids[at], foil: None, kind };
    answer.clone().map(of).collect()
}

pub(crate) fn others(logits: &[f32], target: usize) -> impl Iterator<Item = f32> + Clone {
    logits.iter().enumerate().filter(move |(id, _)| *id != target).map(|(_, logit)| *logit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_the_gradients_of_their_values() {
        let logits = [1.5f32, -0.5, 3.0, 0.25, 2.0];
        for kind in [ObjectiveKind::LogOdds, ObjectiveKind::LogitDiff, ObjectiveKind::LogProb] {
            let objective = Objective { position: 0, target: 2, foil: Some(4), kind };
            let (_, seed) = objective.value_and_seed(&logits);
            for at in 0..logits.len() {
                let moved = |by: f32| {
                    let mut logits = logits;
                    logits[at] += by;
                    objective.value_and_seed(&logits).0
                };
                let slope = (moved(1e-2) - moved(-1e-2)) / 2e-2;
                assert!((slope - f64::from(seed.g_logits[at])).abs() < 1e-4, "{kind} {at}");
            }
        }
    }

    #[test]
    fn certainty_costs_no_digits() {
        let objective =
            Objective { position: 0, target: 0, foil: None, kind: ObjectiveKind::LogOdds };
        let (value, seed) = objective.value_and_seed(&[30.0, 0.0, 0.0]);
        assert!((value - (30.0 - 2f64.ln())).abs() < 1e-9);
        assert!((seed.g_logits[1] + 0.5).abs() < 1e-6);
    }
}
