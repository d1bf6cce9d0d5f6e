//! Llama and what shares its config: RMSNorm, rotary positions, grouped queries, gated SiLU.

use crate::{
    arch::{Config, Family, LayerNames, Names, QkvNames},
    error::EngineError,
    model_spec::{Activation, LayerSpec, ModelSpec, NormKind, NormSpec},
};

pub(super) const FAMILY: Family = Family {
    name: "llama",
    gguf_name: "llama",
    spec,
    gguf_keys: |_, _| {},
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
            q_norm: "",
            k_norm: "",
            w_o: "layers.{L}.self_attn.o_proj.weight",
            post_attn_norm: "",
            norm_mlp: "layers.{L}.post_attention_layernorm.weight",
            w_gate: "layers.{L}.mlp.gate_proj.weight",
            w_in: "layers.{L}.mlp.up_proj.weight",
            w_out: "layers.{L}.mlp.down_proj.weight",
            post_mlp_norm: "",
        },
        transposed: false,
    },
    gguf_permutes_qk: true,
    gguf_adds_one_to_norms: false,
};

fn spec(config: &Config<'_>) -> Result<ModelSpec, EngineError> {
    let shared = shared(config, Defaults { d_head: None, n_ctx: 2048, tied_embeddings: false })?;
    Ok(ModelSpec {
        mlp_bias: config.flag("mlp_bias", false)?,
        rotaries: vec![config.rotary(shared.d_head, 10_000.0)?],
        layers: vec![LayerSpec { window: None, rotary: Some(0) }; shared.n_layers],
        ..shared
    })
}

/// Where families that share Llama's keys differ in what an absent key means.
pub(super) struct Defaults {
    /// None: the heads share `d_model` out among themselves.
    pub(super) d_head: Option<usize>,
    pub(super) n_ctx: usize,
    pub(super) tied_embeddings: bool,
}

/// What Llama's keys say, for every family that uses them: a family writes over the fields in which it differs. Rotaries and
/// layers are its own.
pub(super) fn shared(config: &Config<'_>, defaults: Defaults) -> Result<ModelSpec, EngineError> {
    let n_layers = config.layers("num_hidden_layers")?;
    let n_heads = config.size("num_attention_heads")?;
    let d_model = config.size("hidden_size")?;
    let d_head = match config.optional_size("head_dim")?.or(defaults.d_head) {
        Some(d_head) => d_head,
        None => config.head_share("num_attention_heads", d_model, n_heads)?,
    };
    let bias = config.flag("attention_bias", false)?;
    Ok(ModelSpec {
        family: FAMILY.name,
        n_layers,
        n_heads,
        n_key_value_heads: config.optional_size("num_key_value_heads")?.unwrap_or(n_heads),
        d_model,
        d_head,
        d_mlp: config.size("intermediate_size")?,
        d_vocab: config.size("vocab_size")?,
        n_ctx: config.optional_size("max_position_embeddings")?.unwrap_or(defaults.n_ctx),
        norm: NormSpec {
            kind: NormKind::RmsNorm,
            eps: config.positive("rms_norm_eps", 1e-6)?,
            plus_one: false,
        },
        qk_norm: false,
        post_norms: false,
        qkv_bias: bias,
        attn_out_bias: bias,
        mlp_bias: false,
        attention_scale: (d_head as f64).powf(-0.5),
        gated_mlp: true,
        activation: config.activation(&["hidden_act"], Activation::Silu)?,
        embedding_scale: 1.0,
        learned_positions: false,
        tied_embeddings: config.flag("tie_word_embeddings", defaults.tied_embeddings)?,
        rotaries: Vec::new(),
        layers: Vec::new(),
    })
}
