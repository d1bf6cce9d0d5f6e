//! What a decoder-only transformer is made of, as data: dimensions, and every structural difference as a field.
//! The one generic block (`block`) reads these fields; families (`arch`) fill them in. No weights here.

/// Which normalisation, and how its weight is stored.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NormSpec {
    /// LayerNorm centres and has a bias; RMSNorm does neither.
    pub kind: NormKind,
    /// Added to the variance (or mean square) before the root.
    pub eps: f64,
    /// The stored weight is `w - 1` (Gemma): `1 + w` multiplies.
    pub plus_one: bool,
}

/// The two norms in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NormKind {
    /// `w (x - mean) / sqrt(variance + eps) + b`
    LayerNorm,
    /// `w x / sqrt(mean(x^2) + eps)`
    RmsNorm,
}

/// The non-linearity of an MLP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// `x sigmoid(x)`
    Silu,
    /// GELU, tanh approximation (`gelu_new`, `gelu_pytorch_tanh`).
    GeluTanh,
    /// GELU by the error function.
    GeluErf,
    /// `max(x, 0)`
    Relu,
}

/// How the angles of a rotary embedding grow.
#[derive(Clone, Debug, PartialEq)]
pub struct RotarySpec {
    /// Base of the geometric series of frequencies.
    pub theta: f64,
    /// How many of a head's dimensions are rotated.
    pub d_rotary: usize,
    /// What slows the frequencies down for long contexts.
    pub scaling: RotaryScaling,
}

/// Changes to rotary frequencies.
#[derive(Clone, Debug, PartialEq)]
pub enum RotaryScaling {
    /// None.
    None,
    /// Every frequency divided by the factor.
    Linear(f64),
    /// Llama 3: low frequencies divided, high ones kept, those between interpolated.
    Llama3 {
        /// Divisor of the low frequencies.
        factor: f64,
        /// Wavelengths above `original_n_ctx / low_freq_factor` are low frequencies.
        low_freq_factor: f64,
        /// Wavelengths below `original_n_ctx / high_freq_factor` are high frequencies.
        high_freq_factor: f64,
        /// Context length of pre-training.
        original_n_ctx: f64,
    },
    /// Each frequency divided by its own factor (GGUF's `rope_freqs.weight`).
    PerFrequency(Vec<f32>),
}

impl RotarySpec {
    /// Frequencies, one per rotated pair.
    ///
    /// *Shapes*: `[d_rotary / 2]`. *Units*: radians per position. *Source*: RoFormer, arXiv 2104.09864; Llama 3 scaling as in its release.
    pub fn frequencies(&self) -> Vec<f64> {
        (0..self.d_rotary / 2)
            .map(|pair| {
                let base = self.theta.powf(-2.0 * pair as f64 / self.d_rotary as f64);
                match &self.scaling {
                    RotaryScaling::None => base,
                    RotaryScaling::Linear(factor) => base / factor,
                    RotaryScaling::PerFrequency(factors) => {
                        base / factors.get(pair).map_or(1.0, |&f| f64::from(f))
                    }
                    RotaryScaling::Llama3 {
                        factor,
                        low_freq_factor,
                        high_freq_factor,
                        original_n_ctx,
                    } => {
                        let wavelength = 2.0 * std::f64::consts::PI / base;
                        if wavelength < original_n_ctx / high_freq_factor {
                            base
                        } else if wavelength > original_n_ctx / low_freq_factor {
                            base / factor
                        } else {
                            let smooth = (original_n_ctx / wavelength - low_freq_factor)
                                / (high_freq_factor - low_freq_factor);
                            (1.0 - smooth) * base / factor + smooth * base
                        }
                    }
                }
            })
            .collect()
    }
}

/// What differs from one layer to the next.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerSpec {
    /// A key is visible when `query - key < window`; `None`: every earlier key.
    pub window: Option<usize>,
    /// Which of [`ModelSpec::rotaries`] turns this layer's q and k; `None`: no rotary.
    pub rotary: Option<usize>,
}

/// The whole structure of one model.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelSpec {
    /// Name of the family, a row of `arch::FAMILIES`.
    pub family: &'static str,
    /// Decoder blocks.
    pub n_layers: usize,
    /// Query heads per layer.
    pub n_heads: usize,
    /// Key and value heads per layer; query head `h` reads key head `h * n_key_value_heads / n_heads`.
    pub n_key_value_heads: usize,
    /// Width of the residual stream.
    pub d_model: usize,
    /// Width of a head.
    pub d_head: usize,
    /// Neurons per layer.
    pub d_mlp: usize,
    /// Tokens the model knows.
    pub d_vocab: usize,
    /// Positions the model was made for.
    pub n_ctx: usize,
    /// Norms before attention, before the MLP and before the unembedding.
    pub norm: NormSpec,
    /// Norms of q and k, per head, with the same kind as `norm`.
    pub qk_norm: bool,
    /// Norms after attention and MLP, before they are added to the residual.
    pub post_norms: bool,
    /// q, k, v have biases.
    pub qkv_bias: bool,
    /// The output projection of attention has a bias.
    pub attn_out_bias: bool,
    /// The MLP's matrices have biases.
    pub mlp_bias: bool,
    /// Multiplies q . k before the softmax; above zero and finite in f32.
    pub attention_scale: f64,
    /// `post = act(gate) * up` instead of `act(pre)`.
    pub gated_mlp: bool,
    /// The MLP's non-linearity.
    pub activation: Activation,
    /// Multiplies the embedding (Gemma: sqrt(d_model)).
    pub embedding_scale: f64,
    /// A learned table of positions is added to the embedding.
    pub learned_positions: bool,
    /// The unembedding is the embedding.
    pub tied_embeddings: bool,
    /// The rotary embeddings that layers choose from.
    pub rotaries: Vec<RotarySpec>,
    /// Per-layer differences, `n_layers` of them.
    pub layers: Vec<LayerSpec>,
}

impl ModelSpec {
    /// Query heads that read one key head.
    pub fn group_size(&self) -> usize {
        self.n_heads / self.n_key_value_heads
    }

    /// Width of all query heads together.
    pub fn d_q(&self) -> usize {
        self.n_heads * self.d_head
    }

    /// Width of all key (or value) heads together.
    pub fn d_kv(&self) -> usize {
        self.n_key_value_heads * self.d_head
    }

    /// Weights of the model, biases and norms included in spirit only: what f32 storage costs, within a fraction of a percent.
    /// What a file claims may be absurd; then this is the largest number there is.
    pub fn n_weights(&self) -> u64 {
        let product = |factors: &[usize]| {
            factors.iter().fold(1u64, |n, &factor| n.saturating_mul(factor as u64))
        };
        let (d, n_layers) = (self.d_model, self.n_layers);
        let n_mlp = if self.gated_mlp { 3 } else { 2 };
        let n_tables = if self.tied_embeddings { 1 } else { 2 };
        let n_positions = if self.learned_positions { self.n_ctx } else { 0 };
        [
            product(&[n_layers, d, 2, self.d_q()]),
            product(&[n_layers, d, 2, self.d_kv()]),
            product(&[n_layers, d, self.d_mlp, n_mlp]),
            product(&[self.d_vocab, d, n_tables]),
            product(&[n_positions, d]),
        ]
        .into_iter()
        .fold(0, u64::saturating_add)
    }
}
