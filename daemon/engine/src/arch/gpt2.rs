//! GPT-2: LayerNorm, learned positions, biases everywhere, one fused q, k, v matrix stored `[in, out]`.

use crate::{
    arch::{Config, Family, GgufKeys, LayerNames, Names, QkvNames},
    error::EngineError,
    model_spec::{Activation, LayerSpec, ModelSpec, NormKind, NormSpec},
};
use serde_json::{Map, Value};

pub(super) const FAMILY: Family = Family {
    name: "gpt2",
    gguf_name: "gpt2",
    spec,
    gguf_keys,
    names: Names {
        prefix: "transformer.",
        embed: "wte.weight",
        pos_embed: "wpe.weight",
        final_norm: "ln_f.weight",
        unembed: "lm_head.weight",
        layer: LayerNames {
            norm_attn: "h.{L}.ln_1.weight",
            qkv: QkvNames::Thirds("h.{L}.attn.c_attn.weight"),
            q_norm: "",
            k_norm: "",
            w_o: "h.{L}.attn.c_proj.weight",
            post_attn_norm: "",
            norm_mlp: "h.{L}.ln_2.weight",
            w_gate: "",
            w_in: "h.{L}.mlp.c_fc.weight",
            w_out: "h.{L}.mlp.c_proj.weight",
            post_mlp_norm: "",
        },
        transposed: true,
    },
    gguf_permutes_qk: false,
    gguf_adds_one_to_norms: false,
};

/// GPT-2's config has its own words for everything.
fn gguf_keys(_: &GgufKeys<'_>, config: &mut Map<String, Value>) {
    for (shared, own) in [
        ("hidden_size", "n_embd"),
        ("num_hidden_layers", "n_layer"),
        ("num_attention_heads", "n_head"),
        ("intermediate_size", "n_inner"),
        ("max_position_embeddings", "n_positions"),
        ("layer_norm_eps", "layer_norm_epsilon"),
    ] {
        if let Some(value) = config.remove(shared) {
            config.insert(own.to_owned(), value);
        }
    }
}

fn spec(config: &Config<'_>) -> Result<ModelSpec, EngineError> {
    config.refuse("scale_attn_by_inverse_layer_idx", &["false"])?;
    config.refuse("add_cross_attention", &["false"])?;
    let n_layers = config.layers("n_layer")?;
    let n_heads = config.size("n_head")?;
    let d_model = config.size("n_embd")?;
    let d_head = config.head_share("n_head", d_model, n_heads)?;
    let scaled = config.flag("scale_attn_weights", true)?;
    Ok(ModelSpec {
        family: FAMILY.name,
        n_layers,
        n_heads,
        n_key_value_heads: n_heads,
        d_model,
        d_head,
        d_mlp: config.optional_size("n_inner")?.unwrap_or(4 * d_model),
        d_vocab: config.size("vocab_size")?,
        n_ctx: match config.optional_size("n_positions")? {
            Some(n_ctx) => n_ctx,
            None => config.optional_size("n_ctx")?.unwrap_or(1024),
        },
        norm: NormSpec {
            kind: NormKind::LayerNorm,
            eps: config.positive("layer_norm_epsilon", 1e-5)?,
            plus_one: false,
        },
        qk_norm: false,
        post_norms: false,
        qkv_bias: true,
        attn_out_bias: true,
        mlp_bias: true,
        attention_scale: if scaled { (d_head as f64).powf(-0.5) } else { 1.0 },
        gated_mlp: false,
        activation: config.activation(&["activation_function"], Activation::GeluTanh)?,
        embedding_scale: 1.0,
        learned_positions: true,
        tied_embeddings: config.flag("tie_word_embeddings", true)?,
        rotaries: Vec::new(),
        layers: vec![LayerSpec { window: None, rotary: None }; n_layers],
    })
}
