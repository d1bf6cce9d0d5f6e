//! Weight names as data. `{L}` stands for the layer; biases are named as their weight with `.bias` in place of `.weight`.

/// Names of a model's tensors.
#[derive(Clone, Copy, Debug)]
pub struct Names {
    /// Prefix of all names but the unembedding's; files without it are read too.
    pub prefix: &'static str,
    /// Token embedding, `[d_vocab, d_model]`.
    pub embed: &'static str,
    /// Position embedding, `[n_ctx, d_model]`.
    pub pos_embed: &'static str,
    /// Norm before the unembedding.
    pub final_norm: &'static str,
    /// Unembedding, `[d_vocab, d_model]`, where it is not tied; has no prefix.
    pub unembed: &'static str,
    /// Tensors of layer `{L}`.
    pub layer: LayerNames,
    /// Matrices are stored `[in, out]` (GPT-2's Conv1D).
    pub transposed: bool,
}

/// Names of one layer's tensors; those that the family's spec does not ask for are empty.
#[derive(Clone, Copy, Debug)]
pub struct LayerNames {
    /// Norm before attention.
    pub norm_attn: &'static str,
    /// Query, key and value matrices.
    pub qkv: QkvNames,
    /// Norm of q, per head.
    pub q_norm: &'static str,
    /// Norm of k, per head.
    pub k_norm: &'static str,
    /// Output projection of attention.
    pub w_o: &'static str,
    /// Norm after attention.
    pub post_attn_norm: &'static str,
    /// Norm before the MLP.
    pub norm_mlp: &'static str,
    /// Gate matrix of a gated MLP.
    pub w_gate: &'static str,
    /// Input matrix of the MLP (up).
    pub w_in: &'static str,
    /// Output matrix of the MLP (down).
    pub w_out: &'static str,
    /// Norm after the MLP.
    pub post_mlp_norm: &'static str,
}

/// How q, k and v are stored.
#[derive(Clone, Copy, Debug)]
pub enum QkvNames {
    /// Three matrices.
    Separate {
        /// Query.
        q: &'static str,
        /// Key.
        k: &'static str,
        /// Value.
        v: &'static str,
    },
    /// One matrix: all of q, then all of k, then all of v.
    Thirds(&'static str),
}

/// Tensor names that every GGUF file uses, whatever the family.
pub const GGUF: Names = Names {
    prefix: "",
    embed: "token_embd.weight",
    pos_embed: "position_embd.weight",
    final_norm: "output_norm.weight",
    unembed: "output.weight",
    layer: LayerNames {
        norm_attn: "blk.{L}.attn_norm.weight",
        qkv: QkvNames::Separate {
            q: "blk.{L}.attn_q.weight",
            k: "blk.{L}.attn_k.weight",
            v: "blk.{L}.attn_v.weight",
        },
        q_norm: "blk.{L}.attn_q_norm.weight",
        k_norm: "blk.{L}.attn_k_norm.weight",
        w_o: "blk.{L}.attn_output.weight",
        post_attn_norm: "blk.{L}.post_attention_norm.weight",
        norm_mlp: "blk.{L}.ffn_norm.weight",
        w_gate: "blk.{L}.ffn_gate.weight",
        w_in: "blk.{L}.ffn_up.weight",
        w_out: "blk.{L}.ffn_down.weight",
        post_mlp_norm: "blk.{L}.post_ffw_norm.weight",
    },
    transposed: false,
};

/// The fused q, k, v of GGUF files that keep them fused.
pub const GGUF_FUSED_QKV: QkvNames = QkvNames::Thirds("blk.{L}.attn_qkv.weight");
