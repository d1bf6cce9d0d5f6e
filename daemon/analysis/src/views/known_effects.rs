//! Measured effects put beside the cheap scores of the same parts, and where the two disagree.

use limpid_protocol::{
    effect::{Disagreement, EffectRow},
    head_row::HeadRow,
    inspection::Attribution,
    intervention::{Intervention, InterventionKind, InterventionSet},
    neuron_row::NeuronRow,
    part_row::{PartKind, PartRow, TokenSpan},
};
use std::collections::BTreeMap;

/// Ranks of fewer rows say nothing.
const FEWEST_RANKED: usize = 10;

/// How each score misleads about its effect: by sign where both are at least `floor`, or by rank among all pairs.
pub fn disagreements(pairs: &[Option<(f32, f32)>], floor: f32) -> Vec<Option<Disagreement>> {
    let found: Vec<(usize, f32, f32)> = pairs
        .iter()
        .enumerate()
        .filter_map(|(at, pair)| pair.map(|(score, effect)| (at, score, effect)))
        .collect();
    let ranks = |of: fn(&(usize, f32, f32)) -> f32| {
        let mut order: Vec<usize> = (0..found.len()).collect();
        order.sort_by(|&a, &b| of(&found[b]).abs().total_cmp(&of(&found[a]).abs()).then(a.cmp(&b)));
        let mut ranks = vec![0; found.len()];
        order.into_iter().enumerate().for_each(|(rank, at)| ranks[at] = rank);
        ranks
    };
    let (by_score, by_effect) = (ranks(|pair| pair.1), ranks(|pair| pair.2));
    let mut out = vec![None; pairs.len()];
    for (index, &(at, score, effect)) in found.iter().enumerate() {
        let (a, b, n) = (by_score[index], by_effect[index], found.len());
        let is_apart = n >= FEWEST_RANKED
            && a.min(b) < n / 5
            && a.max(b) >= n / 2
            && score.abs().max(effect.abs()) >= floor;
        let is_opposite = score * effect < 0.0 && score.abs().min(effect.abs()) >= floor;
        out[at] = match (is_opposite, is_apart) {
            (true, _) => Some(Disagreement::Sign),
            (false, true) => Some(Disagreement::Rank),
            (false, false) => None,
        };
    }
    out
}

/// Marks rows whose score misleads: among all that have both.
pub fn mark_rows(rows: &mut [EffectRow], floor: f32) {
    let pairs: Vec<_> = rows.iter().map(|row| Some((row.score?, row.effect?))).collect();
    for (row, found) in rows.iter_mut().zip(disagreements(&pairs, floor)) {
        row.disagreement = found;
    }
}

/// Effects that were measured, by what was changed.
#[derive(Clone, Debug, Default)]
pub struct KnownEffects {
    effects: BTreeMap<String, f32>,
    floor: f32,
}

impl KnownEffects {
    /// Those of some rows.
    pub fn new<'a>(rows: impl IntoIterator<Item = &'a EffectRow>, floor: f32) -> Self {
        let effect = |row: &'a EffectRow| Some((row.intervention.key()?, row.effect?));
        Self { effects: rows.into_iter().filter_map(effect).collect(), floor }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.effects.is_empty()
    }

    fn of(&self, intervention: Intervention) -> Option<f32> {
        self.effects.get(&InterventionSet::from(intervention).key()?).copied()
    }

    /// Beside tokens: of those before `target` that were hidden.
    pub fn beside_tokens(&self, attribution: &mut Attribution, target: usize) {
        if self.is_empty() {
            return;
        }
        let n = attribution.scores.len();
        let of = |at: usize| (at < target).then(|| self.of(Intervention::knockout(at))).flatten();
        let effects: Vec<Option<f32>> = (0..n).map(of).collect();
        if effects.iter().all(Option::is_none) {
            return;
        }
        let is_signed = attribution.unit == "nats";
        let pairs = attribution.scores.iter().zip(&effects);
        let pairs: Vec<_> = pairs
            .map(|(score, effect)| effect.map(|e| (*score, e)).filter(|_| is_signed))
            .collect();
        attribution.disagreements = disagreements(&pairs, self.floor);
        attribution.effects = effects;
    }

    /// Beside heads, each off at every position.
    pub fn beside_heads(&self, rows: &mut [HeadRow]) {
        for row in rows.iter_mut() {
            row.effect = self.of(Intervention::head_zero(row.layer, row.head, None));
        }
        let pairs: Vec<_> = rows.iter().map(|row| Some((row.attribution?, row.effect?))).collect();
        for (row, found) in rows.iter_mut().zip(disagreements(&pairs, self.floor)) {
            row.disagreement = found;
        }
    }

    /// Beside neurons, each set to 0 at every position.
    pub fn beside_neurons(&self, rows: &mut [NeuronRow]) {
        for row in rows.iter_mut() {
            row.effect = self.of(Intervention::neuron_set(row.layer, row.neuron, 0.0));
        }
        let pairs: Vec<_> = rows.iter().map(|row| Some((row.attribution?, row.effect?))).collect();
        for (row, found) in rows.iter_mut().zip(disagreements(&pairs, self.floor)) {
            row.disagreement = found;
        }
    }

    /// Of tokens hidden together, as far as they lie before `target`.
    pub fn of_span(&self, tokens: &TokenSpan, target: usize) -> Option<f32> {
        let (start, end) = (tokens.start, tokens.end.min(target));
        if start >= end {
            return None;
        }
        let token = || (start + 1 == end).then(|| self.of(Intervention::knockout(start))).flatten();
        self.of(Intervention::span_knockout(start, end)).or_else(token)
    }

    /// Of tokens taken out together, as far as they lie before `target`.
    pub fn of_deleted(&self, tokens: &TokenSpan, target: usize) -> Option<f32> {
        let (start, end) = (tokens.start, tokens.end.min(target));
        if start >= end {
            return None;
        }
        let delete = Intervention::of(InterventionKind::Delete);
        let token = || {
            let one = Intervention { token: Some(start), ..delete.clone() };
            (start + 1 == end).then(|| self.of(one)).flatten()
        };
        self.of(Intervention { span: Some([start, end]), ..delete.clone() }).or_else(token)
    }

    /// Beside parts, as far as they lie before `target`.
    pub fn beside_parts(&self, rows: &mut [PartRow], target: usize) {
        for row in rows.iter_mut().filter(|row| row.kind != PartKind::Template) {
            row.effect = self.of_span(&row.tokens, target);
        }
        let pairs: Vec<_> = rows.iter().map(|row| Some((row.attribution, row.effect?))).collect();
        for (row, found) in rows.iter_mut().zip(disagreements(&pairs, self.floor)) {
            row.disagreement = found;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_and_ranks_that_differ_are_told() {
        let pair = |score: f32, effect: f32| Some((score, effect));
        let opposite = [pair(1.0, -0.5), pair(0.02, -0.5), pair(1.0, 0.5), None];
        assert_eq!(disagreements(&opposite, 0.05), [Some(Disagreement::Sign), None, None, None]);
        // Ten rows: the strongest score does next to nothing, and what does most scored least.
        let mut rows: Vec<_> = (1..9).map(|at| pair(at as f32, at as f32)).collect();
        rows.push(pair(20.0, 0.01));
        rows.push(pair(0.01, 20.0));
        let found = disagreements(&rows, 0.05);
        assert_eq!((found[8], found[9]), (Some(Disagreement::Rank), Some(Disagreement::Rank)));
        assert!(found[..8].iter().all(Option::is_none));
        // Of four nobody can be far from its place.
        assert!(disagreements(&rows[6..], 0.05).iter().all(Option::is_none));
    }
}
