//! Gemma 3, text only: RMSNorm with `1 + w` before and after both sub-blocks and on q and k, two rotary thetas,
//! sliding windows in most layers, gated tanh-GELU, embedding times sqrt(d_model).

use crate::{
    arch::{Config, Family, GgufKeys, LayerNames, Names, QkvNames},
    error::EngineError,
    model_spec::{Activation, LayerSpec, ModelSpec, NormKind, NormSpec, RotarySpec},
};
use serde_json::{Map, Value};

pub(super) const FAMILY: Family = Family {
    name: "gemma3_text",
    gguf_name: "gemma3",
    spec,
    gguf_keys,
    names: Names {
        prefix: "model.",
        embed: "embed_tokens.weight",
        pos_embed: "",
        final_norm: "norm.weight",
        unembed: "lm_head.weight",
        layer: LayerNames {
            norm_attn: "layers.{L}.input_layernorm.weight",
            qkv: QkvNames::Separate {
                q: "layers.{L}.self_attn.q_proj.weight",
                k: "layers.{L}.self_attn.k_proj.weight",
                v: "layers.{L}.self_attn.v_proj.weight",
            },
            q_norm: "layers.{L}.self_attn.q_norm.weight",
            k_norm: "layers.{L}.self_attn.k_norm.weight",
            w_o: "layers.{L}.self_attn.o_proj.weight",
            post_attn_norm: "layers.{L}.post_attention_layernorm.weight",
            norm_mlp: "layers.{L}.pre_feedforward_layernorm.weight",
            w_gate: "layers.{L}.mlp.gate_proj.weight",
            w_in: "layers.{L}.mlp.up_proj.weight",
            w_out: "layers.{L}.mlp.down_proj.weight",
            post_mlp_norm: "layers.{L}.post_feedforward_layernorm.weight",
        },
        transposed: false,
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
    let n_layers = config.size("num_hidden_layers")?;
    let n_heads = config.size("num_attention_heads")?;
    let d_model = config.size("hidden_size")?;
    let d_head = config.optional_size("head_dim")?.unwrap_or(256);
    let window = config.optional_size("sliding_window")?.unwrap_or(4096);
    let bias = config.flag("attention_bias", false)?;
    let (full, sliding) = rotaries(config, d_head)?;
    let layers = sliding_layers(config, n_layers)?
        .into_iter()
        .map(|slides| LayerSpec {
            window: slides.then_some(window),
            rotary: Some(usize::from(slides)),
        })
        .collect();
    Ok(ModelSpec {
        family: FAMILY.name,
        n_layers,
        n_heads,
        n_key_value_heads: config.optional_size("num_key_value_heads")?.unwrap_or(n_heads),
        d_model,
        d_head,
        d_mlp: config.size("intermediate_size")?,
        d_vocab: config.size("vocab_size")?,
        n_ctx: config.optional_size("max_position_embeddings")?.unwrap_or(131_072),
        norm: NormSpec {
            kind: NormKind::RmsNorm,
            eps: config.positive("rms_norm_eps", 1e-6)?,
            plus_one: true,
        },
        qk_norm: true,
        post_norms: true,
        qkv_bias: bias,
        attn_out_bias: bias,
        mlp_bias: false,
        attention_scale: config.attention_scale("query_pre_attn_scalar", 256.0)?,
        gated_mlp: true,
        activation: config
            .activation(&["hidden_activation", "hidden_act"], Activation::GeluTanh)?,
        embedding_scale: (d_model as f64).sqrt(),
        learned_positions: false,
        tied_embeddings: config.flag("tie_word_embeddings", true)?,
        rotaries: vec![full, sliding],
        layers,
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
                other => Err(config.error("layer_types", format!("`{other}` is not supported"))),
            })
            .collect();
    }
    let pattern = match config.optional_size("sliding_window_pattern")? {
        Some(pattern) => pattern,
        None => config.optional_size("_sliding_window_pattern")?.unwrap_or(WINDOW_PATTERN),
    };
    Ok((0..n_layers).map(|layer| !(layer + 1).is_multiple_of(pattern)).collect())
}
