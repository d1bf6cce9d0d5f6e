//! Gemma 3, text only: RMSNorm with `1 + w` before and after both sub-blocks and on q and k, two rotary thetas,
//! sliding windows in most layers, gated tanh-GELU, embedding times sqrt(d_model).

use crate::{
    arch::{
        Config, Family, GgufKeys, LayerNames, Names,
        llama::{self, Defaults},
    },
    error::EngineError,
    model_spec::{Activation, LayerSpec, ModelSpec, NormSpec, RotarySpec},
};
use serde_json::{Map, Value};

pub(super) const FAMILY: Family = Family {
    name: "gemma3_text",
    gguf_name: "gemma3",
    spec,
    gguf_keys,
    names: Names {
        layer: LayerNames {
            q_norm: "layers.{L}.self_attn.q_norm.weight",
            k_norm: "layers.{L}.self_attn.k_norm.weight",
            post_attn_norm: "layers.{L}.post_attention_layernorm.weight",
            norm_mlp: "layers.{L}.pre_feedforward_layernorm.weight",
            post_mlp_norm: "layers.{L}.post_feedforward_layernorm.weight",
            ..llama::FAMILY.names.layer
        },
        ..llama::FAMILY.names
    },
    gguf_permutes_qk: false,
    gguf_adds_one_to_norms: true,
};

/// The global and the local base of the rotary series where a file does not say.
const THETA_GLOBAL: f64 = 1_000_000.0;
const THETA_LOCAL: f64 = 10_000.0;
/// Every sixth layer sees everything.
const WINDOW_PATTERN: usize = 6;
/// The 27B model, the only one whose attention is not scaled by its head width.
const N_LAYERS_27B: usize = 62;

fn gguf_keys(gguf: &GgufKeys<'_>, config: &mut Map<String, Value>) {
    if let Some(window) = (gguf.number)("attention.sliding_window") {
        config.insert("sliding_window".to_owned(), Value::from(window as u64));
    }
    let size = |config: &Map<String, Value>, key: &str| config.get(key).and_then(Value::as_u64);
    if size(config, "num_hidden_layers") == Some(N_LAYERS_27B as u64)
        && let (Some(d_model), Some(n_heads)) =
            (size(config, "hidden_size"), size(config, "num_attention_heads"))
        && n_heads > 0
    {
        config.insert("query_pre_attn_scalar".to_owned(), Value::from(d_model / n_heads));
    } else if let Some(d_head) = config.get("head_dim").cloned() {
        config.insert("query_pre_attn_scalar".to_owned(), d_head);
    }
    config.insert("tie_word_embeddings".to_owned(), Value::from(true));
}

fn spec(config: &Config<'_>) -> Result<ModelSpec, EngineError> {
    config.refuse("attn_logit_softcapping", &[])?;
    config.refuse("final_logit_softcapping", &[])?;
    config.refuse("use_bidirectional_attention", &["false"])?;
    let defaults = Defaults { d_head: Some(256), n_ctx: 131_072, tied_embeddings: true };
    let shared = llama::shared(config, defaults)?;
    let window = config.optional_size("sliding_window")?.unwrap_or(4096);
    let (full, sliding) = rotaries(config, shared.d_head)?;
    let layers = sliding_layers(config, shared.n_layers)?
        .into_iter()
        .map(|slides| LayerSpec {
            window: slides.then_some(window),
            rotary: Some(usize::from(slides)),
        })
        .collect();
    Ok(ModelSpec {
        family: FAMILY.name,
        norm: NormSpec { plus_one: true, ..shared.norm },
        qk_norm: true,
        post_norms: true,
        attention_scale: config.attention_scale("query_pre_attn_scalar", 256.0)?,
        activation: config
            .activation(&["hidden_activation", "hidden_act"], Activation::GeluTanh)?,
        embedding_scale: (shared.d_model as f64).sqrt(),
        rotaries: vec![full, sliding],
        layers,
        ..shared
    })
}

/// The rotary of full and of sliding layers: one object per layer type (5.x), or separate keys (4.x), where scaling
/// belongs to the full layers only.
fn rotaries(config: &Config<'_>, d_head: usize) -> Result<(RotarySpec, RotarySpec), EngineError> {
    let parameters = config.object("rope_parameters")?;
    let per_type = |kind: &str| parameters.as_ref().map_or(Ok(None), |p| p.object(kind));
    if let (Some(full), Some(sliding)) =
        (per_type("full_attention")?, per_type("sliding_attention")?)
    {
        return Ok((full.rotary(d_head, THETA_GLOBAL)?, sliding.rotary(d_head, THETA_LOCAL)?));
    }
    let full = config.rotary(d_head, THETA_GLOBAL)?;
    let sliding = RotarySpec {
        theta: config.positive("rope_local_base_freq", THETA_LOCAL)?,
        d_rotary: d_head,
        scaling: crate::model_spec::RotaryScaling::None,
    };
    Ok((full, sliding))
}

fn sliding_layers(config: &Config<'_>, n_layers: usize) -> Result<Vec<bool>, EngineError> {
    if let Some(types) = config.texts("layer_types")? {
        if types.len() != n_layers {
            return Err(config.error(
                "layer_types",
                format!("has {} entries for {n_layers} layers", types.len()),
            ));
        }
        return types
            .into_iter()
            .map(|kind| match kind {
                "sliding_attention" => Ok(true),
                "full_attention" => Ok(false),
                other => {
                    Err(config.error("layer_types", format!("`{other:.64}` is not supported")))
                }
            })
            .collect();
    }
    let pattern = match config.optional_size("sliding_window_pattern")? {
        Some(pattern) => pattern,
        None => config.optional_size("_sliding_window_pattern")?.unwrap_or(WINDOW_PATTERN),
    };
    Ok((0..n_layers).map(|layer| !(layer + 1).is_multiple_of(pattern)).collect())
}
