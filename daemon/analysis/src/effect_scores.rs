//! The cheap score of what an intervention switches off: what stands beside its measured effect.

use crate::attribution::Attributions;
use limpid_engine::{
    hook_name::Hook,
    intervention::{Change, Intervention},
};

/// The score of interventions that act together: the sum of theirs; none where one of them has none.
///
/// `scores` with those of the tokens, `[pos]`; `target`: the position whose prediction is explained. *Units*: nats of the objective.
pub(crate) fn score_of(
    interventions: &[Intervention],
    (scores, tokens): (&Attributions, &[f32]),
    target: usize,
) -> Option<f32> {
    interventions.iter().map(|one| score_of_one(one, scores, tokens, target)).sum()
}

fn score_of_one(
    intervention: &Intervention,
    scores: &Attributions,
    tokens: &[f32],
    target: usize,
) -> Option<f32> {
    match intervention {
        Intervention::Knockout { tokens: span } | Intervention::Delete { tokens: span } => {
            // The target's own token has no later query: by definition it scores nothing.
            (span.start < target || span.len() > 1)
                .then(|| tokens.get(span.start..span.end.min(tokens.len())))
                .flatten()
                .map(|scores| scores.iter().sum())
        }
        Intervention::Edit { site, change: Change::Set(values) } => {
            if values.iter().any(|value| *value != 0.0) {
                return None;
            }
            let pass = &scores.true_pass;
            let at_target = match site.position {
                None => false,
                Some(position) if position == target => true,
                Some(_) => return None,
            };
            match (site.hook, site.index) {
                (Hook::Z, Some(head)) => {
                    let heads = if at_target { &pass.heads_at_target } else { &pass.heads };
                    heads.get(site.layer)?.get(head).copied()
                }
                (Hook::Post, Some(neuron)) => {
                    let neurons = if at_target { &pass.neurons_at_target } else { &pass.neurons };
                    neurons.get(site.layer)?.get(neuron).copied()
                }
                (Hook::MlpOut, None) => {
                    let neurons = if at_target { &pass.neurons_at_target } else { &pass.neurons };
                    neurons.get(site.layer).map(|neurons| neurons.iter().sum())
                }
                _ => None,
            }
        }
        _ => None,
    }
}
