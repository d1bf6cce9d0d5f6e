//! The flags of `effect` as interventions, budget and floor.

use crate::args::EffectArgs;
use anyhow::{Context, Result, anyhow, bail};
use limpid_analysis::effect_job::Budget;
use limpid_engine::model_spec::ModelSpec;
use limpid_protocol::intervention::{Intervention, InterventionKind, InterventionSet};
use std::{path::Path, time::Duration};

/// A file of interventions may be this long.
const MOST_SPEC_BYTES: u64 = 64 << 20;

/// What the flags name, in their order of the help text. `target`: the position whose prediction is explained.
///
/// # Errors
/// A flag that cannot be read, by its name; a file that cannot, by its place.
pub(crate) fn interventions(
    args: &EffectArgs,
    spec: &ModelSpec,
    target: usize,
) -> Result<Vec<InterventionSet>> {
    let mut found: Vec<Intervention> = Vec::new();
    for list in &args.knockout {
        // The target's own token has no later query.
        let each = |token| Intervention::knockout(token);
        found.extend(tokens("--knockout", list, target)?.into_iter().map(each));
    }
    for list in &args.delete {
        let delete = Intervention::of(InterventionKind::Delete);
        let each = |token| Intervention { token: Some(token), ..delete.clone() };
        found.extend(tokens("--delete", list, target + 1)?.into_iter().map(each));
    }
    for span in &args.span {
        found.push(parse("--span", &format!("span {span}"))?);
    }
    for head in &args.head {
        let head = last_as(head, target);
        let Some(change) = head.strip_prefix("all") else {
            found.push(parse("--head", &format!("head {head}"))?);
            continue;
        };
        for layer in 0..spec.n_layers {
            for head in 0..spec.n_heads {
                found.push(parse("--head", &format!("head {layer}.{head}{change}"))?);
            }
        }
    }
    for mlp in &args.mlp {
        let mlp = last_as(mlp, target);
        match mlp.strip_prefix("all") {
            Some(change) => {
                for layer in 0..spec.n_layers {
                    found.push(parse("--mlp", &format!("mlp {layer}{change}"))?);
                }
            }
            None => found.push(parse("--mlp", &format!("mlp {mlp}"))?),
        }
    }
    for neuron in &args.neuron {
        found.push(parse("--neuron", &format!("neuron {}", last_as(neuron, target)))?);
    }
    for edge in &args.edge {
        match edge.split_once(".all") {
            Some((layer, ends)) => {
                for head in 0..spec.n_heads {
                    found.push(parse("--edge", &format!("edge {layer}.{head}{ends}"))?);
                }
            }
            None => found.push(parse("--edge", &format!("edge {edge}"))?),
        }
    }
    let mut sets: Vec<InterventionSet> = found.into_iter().map(Into::into).collect();
    if let Some(file) = &args.spec {
        sets.extend(from_file(file)?);
    }
    Ok(sets)
}

/// `@last` is the target's position.
fn last_as(text: &str, target: usize) -> String {
    match text.strip_suffix("@last") {
        Some(before) => format!("{before}@{target}"),
        None => text.to_owned(),
    }
}

fn parse(flag: &str, text: &str) -> Result<Intervention> {
    text.parse().map_err(|e| anyhow!("{flag}: {e}"))
}

/// `all`, or indices.
fn tokens(flag: &str, list: &str, n: usize) -> Result<Vec<usize>> {
    if list.trim() == "all" {
        return Ok((0..n).collect());
    }
    let index = |text: &str| {
        text.trim().parse().map_err(|_| {
            anyhow!("{flag}: `{text}` is neither `all` nor the index of a token, from 0 on")
        })
    };
    list.split(',').map(index).collect()
}

/// Interventions of a JSON file.
fn from_file(file: &Path) -> Result<Vec<InterventionSet>> {
    let name = file.display();
    let length = std::fs::metadata(file).with_context(|| format!("{name}: cannot be read"))?.len();
    if length > MOST_SPEC_BYTES {
        bail!("{name}: is {length} bytes long; at most {MOST_SPEC_BYTES} are read");
    }
    let text = std::fs::read_to_string(file).with_context(|| format!("{name}: cannot be read"))?;
    let sets: Vec<InterventionSet> = serde_json::from_str(&text).map_err(|e| {
        anyhow!("{name}: {e}; a spec is a JSON list of interventions, like [{{\"kind\": \"head_zero\", \"layer\": 3, \"head\": 2}}]")
    })?;
    if sets.is_empty() {
        bail!("{name}: the list is empty; name at least one intervention");
    }
    Ok(sets)
}

/// `50` runs, or `2.5s`.
///
/// # Errors
/// Neither.
pub(crate) fn budget(flag: &str, text: &str) -> Result<Budget> {
    let wrong = || {
        anyhow!("{flag}: `{text}` is neither a number of runs, like 50, nor of seconds, like 2.5s")
    };
    match text.trim().strip_suffix('s') {
        Some(seconds) => {
            let seconds: f64 = seconds.trim().parse().map_err(|_| wrong())?;
            let time = Duration::try_from_secs_f64(seconds).map_err(|_| wrong())?;
            Ok(Budget { runs: None, time: Some(time) })
        }
        None => Ok(Budget { runs: Some(text.trim().parse().map_err(|_| wrong())?), time: None }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budgets_are_runs_or_seconds() {
        assert_eq!(budget("--budget", "50").unwrap().runs, Some(50));
        assert_eq!(budget("--budget", "1.5s").unwrap().time, Some(Duration::from_millis(1500)));
        for wrong in ["", "s", "-1s", "1e99s", "two"] {
            assert!(budget("--budget", wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn lists_are_all_or_indices() {
        assert_eq!(tokens("--knockout", "all", 3).unwrap(), [0, 1, 2]);
        assert_eq!(tokens("--knockout", "4, 2", 3).unwrap(), [4, 2]);
        let problem = tokens("--knockout", "1,x", 3).unwrap_err().to_string();
        assert!(problem.contains("--knockout: `x`"), "{problem}");
    }
}
