//! `limpid trace`: activations and contributions of one run, as a safetensors file with TransformerLens names.

use crate::{args::TraceArgs, progress::Progress, prompt::Prepared, whole_file::WholeFile};
use anyhow::{Result, anyhow, bail};
use limpid_analysis::contributions::{attention_contributions, mlp_contributions};
use limpid_engine::{cancel::CancelToken, error::EngineError, hook_name::Hook};
use safetensors::tensor::{Dtype, TensorView};
use std::collections::BTreeMap;

/// What of a run can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Written {
    Logits,
    Hook(usize, Hook),
    Contribution(usize, Contribution),
}

/// The contribution measure at every position of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Contribution {
    Attn,
    AttnResid,
    Mlp,
    MlpResid,
}

impl Contribution {
    const ALL: [Self; 4] = [Self::Attn, Self::AttnResid, Self::Mlp, Self::MlpResid];

    fn name(self) -> &'static str {
        match self {
            Self::Attn => "attn",
            Self::AttnResid => "attn_resid",
            Self::Mlp => "mlp",
            Self::MlpResid => "mlp_resid",
        }
    }
}

/// Runs the command.
///
/// # Errors
/// A hook that does not exist; a trace beyond the memory budget; the file cannot be written.
pub(crate) fn run(args: &TraceArgs) -> Result<()> {
    let out = WholeFile::new(&args.out)?;
    let prepared = Prepared::new(&args.prompt)?;
    let (spec, n_tokens) = (&prepared.model().spec, prepared.tokens.len());
    let chosen = choose(args.hooks.as_deref(), spec, n_tokens)?;
    let sizes: Vec<(String, Vec<usize>)> =
        chosen.iter().map(|&written| (name(written), shape(written, spec, n_tokens))).collect();
    let needed: u64 =
        sizes.iter().map(|(_, shape)| 4 * shape.iter().product::<usize>() as u64).sum();
    let available = prepared.budget.0.min(prepared.model().compute.free_bytes());
    if needed > available {
        let what = format!("a trace of {n_tokens} tokens with these --hooks");
        return Err(EngineError::MemoryBudget { what, needed, available }.into());
    }
    let trace = prepared.forward(&CancelToken::default())?;
    let progress = Progress::steps("writing", spec.n_layers as u64);
    let mut tensors: BTreeMap<String, (Vec<usize>, Vec<u8>)> = BTreeMap::new();
    let mut put = |written: Written, values: &[f32]| {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        tensors.insert(name(written), (shape(written, spec, n_tokens), bytes));
    };
    if chosen.contains(&Written::Logits) {
        let logits = prepared.model().logits(&trace.resid_after(spec.n_layers).tensor()?)?;
        put(Written::Logits, &limpid_engine::pos_tensor::to_host(&logits)?);
    }
    let positions: Vec<usize> = (0..n_tokens).collect();
    for layer in 0..spec.n_layers {
        progress.set(layer as u64);
        let is_wanted = |written: &Written| match written {
            Written::Logits => false,
            Written::Hook(at, _) | Written::Contribution(at, _) => *at == layer,
        };
        let wanted: Vec<Written> = chosen.iter().copied().filter(is_wanted).collect();
        if wanted.is_empty() {
            continue;
        }
        let activations = trace.layer(layer, prepared.model())?;
        let asks = |kinds: [Contribution; 2]| {
            wanted
                .iter()
                .any(|w| matches!(w, Written::Contribution(_, kind) if kinds.contains(kind)))
        };
        if asks([Contribution::Attn, Contribution::AttnResid]) {
            let shares = attention_contributions(prepared.model(), &trace, layer, &positions)?;
            for (kind, values) in
                [(Contribution::Attn, shares.attn()), (Contribution::AttnResid, shares.resid())]
            {
                if wanted.contains(&Written::Contribution(layer, kind)) {
                    put(Written::Contribution(layer, kind), values);
                }
            }
        }
        if asks([Contribution::Mlp, Contribution::MlpResid]) {
            let shares = mlp_contributions(prepared.model(), &trace, layer, &positions)?;
            for (kind, values) in
                [(Contribution::Mlp, shares.mlp()), (Contribution::MlpResid, shares.resid())]
            {
                if wanted.contains(&Written::Contribution(layer, kind)) {
                    put(Written::Contribution(layer, kind), values);
                }
            }
        }
        for written in wanted {
            if let Written::Hook(_, hook) = written {
                put(written, &hook.values(prepared.model(), &trace, layer, &activations)?);
            }
        }
    }
    progress.finish();
    out.write(&serialised(&tensors)?)
}

fn serialised(tensors: &BTreeMap<String, (Vec<usize>, Vec<u8>)>) -> Result<Vec<u8>> {
    let views = tensors
        .iter()
        .map(|(name, (shape, bytes))| {
            Ok((name, TensorView::new(Dtype::F32, shape.clone(), bytes)?))
        })
        .collect::<Result<Vec<_>, safetensors::SafeTensorError>>()?;
    Ok(safetensors::serialize(views, None)?)
}

fn name(written: Written) -> String {
    match written {
        Written::Logits => "logits".to_owned(),
        Written::Hook(layer, hook) => hook.name(layer),
        Written::Contribution(layer, kind) => {
            format!("blocks.{layer}.contribution.{}", kind.name())
        }
    }
}

fn shape(
    written: Written,
    spec: &limpid_engine::model_spec::ModelSpec,
    n_tokens: usize,
) -> Vec<usize> {
    match written {
        Written::Logits => vec![n_tokens, spec.d_vocab],
        Written::Hook(_, hook) => hook.shape(spec, n_tokens),
        Written::Contribution(_, Contribution::Attn) => vec![n_tokens, n_tokens, spec.n_heads],
        Written::Contribution(..) => vec![n_tokens],
    }
}

/// The hooks that `patterns` name; without patterns, those that are linear in the prompt.
fn choose(
    patterns: Option<&str>,
    spec: &limpid_engine::model_spec::ModelSpec,
    n_tokens: usize,
) -> Result<Vec<Written>> {
    let mut all = vec![Written::Logits];
    for layer in 0..spec.n_layers {
        all.extend(
            Hook::ALL
                .into_iter()
                .filter(|hook| hook.exists_in(spec))
                .map(|hook| Written::Hook(layer, hook)),
        );
        all.extend(Contribution::ALL.map(|kind| Written::Contribution(layer, kind)));
    }
    let Some(patterns) = patterns else {
        all.retain(|&written| {
            shape(written, spec, 2 * n_tokens).iter().product::<usize>()
                == 2 * shape(written, spec, n_tokens).iter().product::<usize>()
        });
        return Ok(all);
    };
    if patterns.split(',').all(|pattern| pattern.trim().is_empty()) {
        bail!(
            "--hooks names no hook; leave it out for all that are linear in the prompt, or write '*'"
        );
    }
    let mut chosen = Vec::new();
    for pattern in patterns.split(',').map(str::trim).filter(|pattern| !pattern.is_empty()) {
        let glob = globset::Glob::new(pattern)
            .map_err(|e| anyhow!("--hooks `{pattern}` is not a name or glob: {}", e.kind()))?
            .compile_matcher();
        let before = chosen.len();
        chosen.extend(
            all.iter()
                .copied()
                .filter(|&w| glob.is_match(name(w)) && !chosen.contains(&w))
                .collect::<Vec<_>>(),
        );
        if chosen.len() == before && !all.iter().any(|&w| glob.is_match(name(w))) {
            bail!(
                "--hooks `{pattern}` matches nothing; layers are 0 to {}, names are like blocks.0.attn.hook_q, blocks.0.hook_resid_pre, blocks.0.contribution.attn, logits",
                spec.n_layers - 1
            );
        }
    }
    Ok(chosen)
}
