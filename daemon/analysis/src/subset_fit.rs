//! What parts do together: runs with random halves of them hidden, and a sparse linear model of the objective on which are there.
//! *Source*: ContextCite, arXiv 2409.00729, section 3: LASSO on presence masks; quality on subsets that the fit has not seen.

use limpid_engine::sampling::Draws;

/// Strengths of the penalty that are tried, as shares of the least one that leaves no weight.
const PENALTIES: [f64; 8] = [0.5, 0.25, 0.125, 0.06, 0.03, 0.015, 0.007, 0.003];
/// Subsets of the fitted that choose between penalties, in turn.
const FOLDS: usize = 5;
const MOST_ROUNDS: usize = 1000;

/// Which parts are there.
pub type Mask = Vec<bool>;

/// Masks with about half of `n_parts` there, all different where that is possible. They depend on the seed alone.
pub fn random_masks(n_parts: usize, n: usize, seed: u64) -> Vec<Mask> {
    let mut draws = Draws::new(seed);
    let n_different = 1usize.checked_shl(n_parts as u32).map_or(usize::MAX, |n| n - 1);
    let n = n.min(n_different);
    let mut masks: Vec<Mask> = Vec::with_capacity(n);
    while masks.len() < n {
        let mask: Mask = (0..n_parts).map(|_| draws.next_share() < 0.5).collect();
        // The clean run itself is known.
        if mask.iter().any(|there| !there) && !masks.contains(&mask) {
            masks.push(mask);
        }
    }
    masks
}

/// A fit, and how good it is on subsets that it has not seen.
#[derive(Clone, Debug, PartialEq)]
pub struct Fit {
    /// What each part's presence adds.
    pub weights: Vec<f64>,
    /// The value with no part there.
    pub intercept: f64,
    /// Runs it was fitted to.
    pub n_fitted: usize,
    /// Runs that were held out.
    pub n_held_out: usize,
    /// Explained share of the held-out variance; none where there is none.
    pub r2: Option<f64>,
    /// Rank correlation of predicted and measured held-out values; none where either does not vary.
    pub spearman: Option<f64>,
}

/// Fits values to masks, a fifth of them held out, by LASSO with the penalty that predicts best within the rest.
///
/// *Shapes*: masks `[run][part]`, values `[run]`. *Cost*: `O(rounds runs parts)`, no forward pass.
pub fn fit(masks: &[Mask], values: &[f64]) -> Fit {
    let is_held_out = |at: &usize| at % FOLDS == FOLDS - 1;
    let (held, fitted): (Vec<usize>, Vec<usize>) = (0..masks.len()).partition(is_held_out);
    let all = Rows { masks, values };
    let error_of = |penalty: f64| -> f64 {
        (0..FOLDS)
            .map(|fold| {
                let (test, train) = split(&fitted, fold);
                let line = all.lasso(&train, penalty);
                test.iter().map(|&run| (all.predict(&line, run) - values[run]).powi(2)).sum::<f64>()
            })
            .sum()
    };
    let errors = PENALTIES.map(|penalty| (penalty, error_of(penalty)));
    let best = errors.iter().min_by(|a, b| a.1.total_cmp(&b.1)).map_or(PENALTIES[0], |best| best.0);
    let line = all.lasso(&fitted, best);
    let measured: Vec<f64> = held.iter().map(|&run| values[run]).collect();
    let predicted: Vec<f64> = held.iter().map(|&run| all.predict(&line, run)).collect();
    let mean = mean(&measured);
    let spread: f64 = measured.iter().map(|value| (value - mean).powi(2)).sum();
    let missed: f64 = measured.iter().zip(&predicted).map(|(a, b)| (a - b).powi(2)).sum();
    Fit {
        n_fitted: fitted.len(),
        n_held_out: held.len(),
        r2: (spread > 0.0).then(|| 1.0 - missed / spread),
        spearman: spearman(&measured, &predicted),
        weights: line.weights,
        intercept: line.intercept,
    }
}

/// Runs of a fold, and the others.
fn split(runs: &[usize], fold: usize) -> (Vec<usize>, Vec<usize>) {
    let (own, rest): (Vec<_>, Vec<_>) =
        runs.iter().enumerate().partition(|(at, _)| at % FOLDS == fold);
    let runs = |of: Vec<(usize, &usize)>| of.into_iter().map(|(_, run)| *run).collect();
    (runs(own), runs(rest))
}

struct Line {
    weights: Vec<f64>,
    intercept: f64,
}

struct Rows<'a> {
    masks: &'a [Mask],
    values: &'a [f64],
}

impl Rows<'_> {
    fn predict(&self, line: &Line, run: usize) -> f64 {
        let there = self.masks[run].iter().zip(&line.weights).filter(|(there, _)| **there);
        line.intercept + there.map(|(_, weight)| weight).sum::<f64>()
    }

    /// Coordinate descent on centred columns: least squares, and the sum of absolute weights times a penalty.
    fn lasso(&self, runs: &[usize], penalty: f64) -> Line {
        let n_parts = self.masks.first().map_or(0, Vec::len);
        let n = runs.len() as f64;
        let column = |part: usize| -> Vec<f64> {
            let own: Vec<f64> =
                runs.iter().map(|&run| f64::from(u8::from(self.masks[run][part]))).collect();
            let mean = mean(&own);
            own.iter().map(|value| value - mean).collect()
        };
        let columns: Vec<Vec<f64>> = (0..n_parts).map(column).collect();
        let centre = mean(&runs.iter().map(|&run| self.values[run]).collect::<Vec<_>>());
        let mut rest: Vec<f64> = runs.iter().map(|&run| self.values[run] - centre).collect();
        let dot = |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(a, b)| a * b).sum() };
        let squares: Vec<f64> = columns.iter().map(|column| dot(column, column)).collect();
        let most = columns.iter().map(|column| dot(column, &rest).abs()).fold(0.0, f64::max);
        let mut weights = vec![0.0; n_parts];
        for _ in 0..MOST_ROUNDS {
            let mut moved = 0f64;
            for part in 0..n_parts {
                if squares[part] == 0.0 {
                    continue;
                }
                let own = dot(&columns[part], &rest) + squares[part] * weights[part];
                let shrunk = (own.abs() - penalty * most).max(0.0) * own.signum() / squares[part];
                let step = shrunk - weights[part];
                if step != 0.0 {
                    rest.iter_mut().zip(&columns[part]).for_each(|(rest, x)| *rest -= step * x);
                    weights[part] = shrunk;
                    moved = moved.max(step.abs());
                }
            }
            if moved < 1e-9 * most / n.max(1.0) {
                break;
            }
        }
        let means = (0..n_parts).map(|part| {
            let there = runs.iter().filter(|&&run| self.masks[run][part]).count();
            weights[part] * there as f64 / n.max(1.0)
        });
        Line { intercept: centre - means.sum::<f64>(), weights }
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / (values.len() as f64).max(1.0)
}

/// Ranks, ties sharing their mean.
fn ranks(values: &[f64]) -> Vec<f64> {
    let below = |own: f64| values.iter().filter(|value| **value < own).count() as f64;
    let same = |own: f64| values.iter().filter(|value| **value == own).count() as f64;
    values.iter().map(|&own| below(own) + (same(own) - 1.0) / 2.0).collect()
}

/// Pearson's correlation; none where either does not vary.
pub fn pearson(a: &[f64], b: &[f64]) -> Option<f64> {
    let (mean_a, mean_b) = (mean(a), mean(b));
    let sum = |f: &dyn Fn(f64, f64) -> f64| -> f64 {
        a.iter().zip(b).map(|(a, b)| f(a - mean_a, b - mean_b)).sum()
    };
    let spread = (sum(&|a, _| a * a) * sum(&|_, b| b * b)).sqrt();
    (spread > 0.0).then(|| sum(&|a, b| a * b) / spread)
}

/// Spearman's rank correlation; none where either does not vary.
pub fn spearman(a: &[f64], b: &[f64]) -> Option<f64> {
    pearson(&ranks(a), &ranks(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sparse_truth_is_found_again() {
        let masks = random_masks(20, 120, 7);
        assert_eq!(masks.len(), 120);
        let there = |mask: &Mask, part: usize| f64::from(u8::from(mask[part]));
        let truth = |mask: &Mask| {
            -1.0 + 3.0 * there(mask, 4) - 2.0 * there(mask, 11) + 0.5 * there(mask, 17)
        };
        let values: Vec<f64> = masks.iter().map(truth).collect();
        let fit = fit(&masks, &values);
        assert_eq!((fit.n_fitted, fit.n_held_out), (96, 24));
        assert!(fit.r2.unwrap() > 0.99 && fit.spearman.unwrap() > 0.98, "{fit:?}");
        for (part, want) in [(4, 3.0), (11, -2.0), (17, 0.5), (0, 0.0)] {
            assert!((fit.weights[part] - want).abs() < 0.1, "{part}: {}", fit.weights[part]);
        }
        assert!((fit.intercept + 1.0).abs() < 0.2, "{}", fit.intercept);
    }

    #[test]
    fn what_is_not_linear_is_not_said_to_be() {
        let masks = random_masks(6, 63, 1);
        let odd = |mask: &Mask| (mask.iter().filter(|there| **there).count() % 2) as f64;
        let values: Vec<f64> = masks.iter().map(odd).collect();
        let fit = fit(&masks, &values);
        assert!(fit.r2.unwrap() < 0.3, "{fit:?}");
        let still = super::fit(&masks, &vec![1.0; masks.len()]);
        assert_eq!((still.r2, still.spearman), (None, None));
        assert!(still.weights.iter().all(|weight| *weight == 0.0));
    }

    #[test]
    fn few_parts_have_few_subsets() {
        let masks = random_masks(2, 50, 3);
        assert_eq!(masks.len(), 3);
        assert!(masks.iter().all(|mask| mask.iter().any(|there| !there)));
    }
}
