//! One round of candle-mi on a model folder: milliseconds by number of tokens, of the forward that keeps every hook point it
//! has (its own names: `mlp.hook_pre` and `mlp.hook_post` are of width d_model there, and `z` is none) and of the one that
//! keeps nothing. Both end in the logits of all positions. Prints one line of JSON.
//!
//! usage: candle-mi-times FOLDER IDS LENGTH...

use anyhow::{Context, Result};
use candle_core::{DType, Device, Tensor, safetensors};
use candle_mi::{GenericTransformer, HookPoint, HookSpec, MIBackend, TransformerConfig};
use candle_nn::VarBuilder;
use serde_json::{Value, json};
use std::{collections::BTreeMap, fs, hint::black_box, path::Path, time::Instant};

fn load(folder: &Path) -> Result<GenericTransformer> {
    let config: Value = serde_json::from_slice(&fs::read(folder.join("config.json"))?)?;
    let config = TransformerConfig::from_hf_config(&config)?;
    let tensors = safetensors::load(folder.join("model.safetensors"), &Device::Cpu)?;
    let weights = VarBuilder::from_tensors(tensors, DType::F32, &Device::Cpu);
    Ok(GenericTransformer::load(config, &Device::Cpu, DType::F32, weights)?)
}

/// Every hook point of a transformer.
fn everything(n_layers: usize) -> HookSpec {
    let mut hooks = HookSpec::new();
    hooks.capture_all([HookPoint::Embed, HookPoint::FinalNorm]);
    let in_a_layer = [
        HookPoint::ResidPre,
        HookPoint::AttnQ,
        HookPoint::AttnK,
        HookPoint::AttnV,
        HookPoint::AttnScores,
        HookPoint::AttnPattern,
        HookPoint::AttnOut,
        HookPoint::ResidMid,
        HookPoint::MlpPre,
        HookPoint::MlpPost,
        HookPoint::MlpOut,
        HookPoint::ResidPost,
    ];
    for hook in in_a_layer {
        hooks.capture_all((0..n_layers).map(hook));
    }
    hooks
}

/// Milliseconds of a forward, the median of three after two that warm up, and the token it predicts.
fn time(model: &GenericTransformer, ids: &[u32], hooks: &HookSpec) -> Result<(f64, u32)> {
    let ids = Tensor::new(ids, &Device::Cpu)?.unsqueeze(0)?;
    let mut rounds = [0f64; 5];
    for round in &mut rounds {
        let started = Instant::now();
        drop(black_box(model.forward(&ids, hooks)?));
        *round = started.elapsed().as_secs_f64() * 1e3;
    }
    rounds[2..].sort_by(f64::total_cmp);
    let cache = model.forward(&ids, hooks)?;
    let logits = cache.output().squeeze(0)?;
    let last = logits.get(logits.dim(0)? - 1)?;
    Ok((rounds[3], last.argmax(0)?.to_scalar()?))
}

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().collect();
    let [_, folder, ids, lengths @ ..] = args.as_slice() else {
        anyhow::bail!("usage: candle-mi-times FOLDER IDS LENGTH...");
    };
    let model = load(Path::new(folder))?;
    let ids: Vec<u32> = serde_json::from_slice(&fs::read(ids)?)?;
    let everything = everything(model.num_layers());
    let (mut captured, mut plain, mut predicted) =
        (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    for length in lengths {
        let ids = ids.get(..length.parse()?).context("too few token ids")?;
        let (ms, _) = time(&model, ids, &HookSpec::new())?;
        plain.insert(length, ms);
        let (ms, token) = time(&model, ids, &everything)?;
        captured.insert(length, ms);
        predicted.insert(length, token);
    }
    println!("{}", json!({ "all hooks": captured, "plain": plain, "predicted": predicted }));
    Ok(())
}
