//! A loaded model: spec, weights, and how they are computed with. Immutable once loaded, shared by reference.

use crate::{
    arch::QkvNames,
    block::{Block, BlockShape, Prefix},
    cancel::CancelToken,
    checkpoint::{Checkpoint, Part},
    device::{Compute, Way},
    error::EngineError,
    linear::{Linear, Residence, StoredSection},
    model_spec::{ModelSpec, NormKind},
    norm::{Norm, Vector},
    rotary::RotaryTable,
    trace::LayerTrace,
};
use candle_core::Tensor;
use std::sync::{Mutex, PoisonError};

/// A loaded model.
#[derive(Debug)]
pub struct Model {
    /// Its structure.
    pub spec: ModelSpec,
    /// How it is computed with.
    pub compute: Compute,
    /// Its layers, from the embedding up.
    pub blocks: Vec<Block>,
    /// Before the unembedding.
    pub final_norm: Norm,
    /// `[d_vocab, d_model]`
    pub unembed: Linear,
    /// `[d_vocab, d_model]`, unless tied.
    embedding: Option<Linear>,
    /// `[n_ctx, d_model]`
    positions: Option<Linear>,
    /// One per rotary of the spec, from position 0 on, as long as was needed so far.
    rotary_tables: Mutex<Vec<Option<RotaryTable>>>,
}

/// Told what has been loaded, in layers, of how many.
pub type LoadProgress<'a> = &'a dyn Fn(usize, usize);

impl Model {
    /// Bytes the weights would take decoded, in the compute dtype.
    pub fn decoded_bytes(spec: &ModelSpec, compute: &Compute) -> u64 {
        spec.n_weights().saturating_mul(compute.dtype.size_in_bytes() as u64)
    }

    /// Loads a model: decoded when that fits `budget` bytes, else as stored (kernels way only).
    ///
    /// # Errors
    /// A tensor is missing, malformed or of another shape; the budget is too small; the device refused.
    pub fn load(
        checkpoint: &Checkpoint,
        compute: &Compute,
        budget: u64,
        progress: LoadProgress<'_>,
    ) -> Result<Self, EngineError> {
        let spec = checkpoint.spec.clone();
        // Before the budget is looked at: what a config claims is believed only once the tensors bear it out.
        (0..spec.n_layers).try_for_each(|layer| {
            BlockParts::new(checkpoint, layer)
                .matrices()
                .into_iter()
                .try_for_each(|(parts, k)| checkpoint.check_parts(parts, k))
        })?;
        let needed = Self::decoded_bytes(&spec, compute);
        let residence = if needed <= budget { Residence::Decoded } else { Residence::Stored };
        if residence == Residence::Stored && (compute.way == Way::Plain || checkpoint.must_decode())
        {
            return Err(EngineError::MemoryBudget {
                what: format!("the model decoded to {}", compute.dtype_name()),
                needed,
                available: budget,
            });
        }
        let loader = Loader { checkpoint, spec: &spec, compute, residence };
        let mut blocks = Vec::with_capacity(spec.n_layers);
        for layer in 0..spec.n_layers {
            progress(layer, spec.n_layers + 1);
            blocks.push(loader.block(layer)?);
            checkpoint.file.forget();
        }
        progress(spec.n_layers, spec.n_layers + 1);
        let names = checkpoint.names();
        let table = |name: String, n: usize| checkpoint.table(name, n, spec.d_model);
        let embed = table(checkpoint.top_name(names.embed), spec.d_vocab)?;
        let looked_up = |table: Vec<StoredSection>| {
            Linear::load(table, spec.d_model, None, compute, Residence::Stored)
        };
        let (unembed, embedding) = if spec.tied_embeddings {
            (embed, None)
        } else {
            (table(names.unembed.to_owned(), spec.d_vocab)?, Some(looked_up(embed)?))
        };
        let positions = if spec.learned_positions {
            Some(looked_up(table(checkpoint.top_name(names.pos_embed), spec.n_ctx)?)?)
        } else {
            None
        };
        let final_norm = loader.norm(checkpoint.top_name(names.final_norm), spec.d_model)?;
        let unembed = Linear::load(unembed, spec.d_model, None, compute, residence)?;
        progress(spec.n_layers + 1, spec.n_layers + 1);
        Ok(Self {
            rotary_tables: Mutex::new(vec![None; spec.rotaries.len()]),
            compute: compute.clone(),
            blocks,
            final_norm,
            unembed,
            embedding,
            positions,
            spec,
        })
    }

    /// Bytes the weights take in memory.
    pub fn bytes(&self) -> u64 {
        let blocks = self.blocks.iter().map(|block| {
            [&block.qkv, &block.w_o, &block.mlp_in, &block.w_out]
                .map(Linear::bytes)
                .iter()
                .sum::<u64>()
        });
        let tables = [Some(&self.unembed), self.embedding.as_ref(), self.positions.as_ref()];
        blocks.sum::<u64>() + tables.into_iter().flatten().map(Linear::bytes).sum::<u64>()
    }

    /// Makes copies of the weights for reading tokens one by one, as narrow as the file has them, if there is memory for
    /// them: then a token costs a read of that much less. The numbers stay as they are, bit for bit.
    ///
    /// *Cost*: once a model, a read of its file; 5 to 16 bits a weight.
    ///
    /// # Errors
    /// Cancelled (asked once a layer); the file cannot be read.
    pub fn make_narrow(&self, cancel: &CancelToken) -> Result<(), EngineError> {
        // At most half of the f32 weights that there are; as much again stays free.
        if self.compute.way == Way::Plain || crate::memory::free_bytes() < self.bytes() {
            return Ok(());
        }
        for block in &self.blocks {
            cancel.check()?;
            for linear in [&block.qkv, &block.w_o, &block.mlp_in, &block.w_out] {
                linear.make_narrow()?;
            }
        }
        self.unembed.make_narrow()
    }

    /// `resid_pre` of layer 0 for tokens that start at `first_pos`: `[pos, d_model]`.
    ///
    /// # Errors
    /// The device refused; stored weights cannot be read.
    pub fn embed(&self, token_ids: &[u32], first_pos: usize) -> Result<Tensor, EngineError> {
        let mut resid = self.embedding.as_ref().unwrap_or(&self.unembed).rows(token_ids)?;
        if self.spec.embedding_scale != 1.0 {
            resid = (resid * self.spec.embedding_scale)?;
        }
        if let Some(positions) = &self.positions {
            let indices: Vec<u32> =
                (first_pos..first_pos + token_ids.len()).map(|pos| pos as u32).collect();
            resid = (resid + positions.rows(&indices)?)?;
        }
        Ok(resid)
    }

    /// The rotary table of a layer for positions `first_pos .. first_pos + n_pos`, if the layer has rotary positions.
    ///
    /// # Errors
    /// The device refused.
    pub fn rotary_table(
        &self,
        layer: usize,
        first_pos: usize,
        n_pos: usize,
    ) -> Result<Option<RotaryTable>, EngineError> {
        let Some(rotary) = self.spec.layers[layer].rotary else { return Ok(None) };
        let n_needed = first_pos + n_pos;
        let mut tables = self.rotary_tables.lock().unwrap_or_else(PoisonError::into_inner);
        let table = match &tables[rotary] {
            Some(table) if table.n_pos() >= n_needed => table.clone(),
            _ => {
                let n_pos = n_needed.next_power_of_two();
                let table = RotaryTable::new(&self.spec.rotaries[rotary], n_pos, &self.compute)?;
                tables[rotary] = Some(table.clone());
                table
            }
        };
        Ok(Some(table.narrow(first_pos, n_pos)?))
    }

    /// The rotary rows of a layer for these positions, in this order, if the layer has rotary positions.
    ///
    /// # Errors
    /// The device refused.
    pub(crate) fn rotary_rows(
        &self,
        layer: usize,
        positions: &[u32],
    ) -> Result<Option<RotaryTable>, EngineError> {
        let n_pos = positions.iter().max().map_or(0, |&last| last as usize + 1);
        let table = self.rotary_table(layer, 0, n_pos)?;
        table.map(|table| table.select(positions)).transpose()
    }

    /// The shape of a layer.
    pub fn block_shape(&self, layer: usize) -> BlockShape {
        BlockShape::new(&self.spec, &self.spec.layers[layer])
    }

    /// Runs one layer on new positions behind `n_shared` positions of `prefix`.
    pub(crate) fn run_block(
        &self,
        layer: usize,
        resid_pre: &Tensor,
        prefix: Option<Prefix<'_>>,
        n_shared: usize,
    ) -> Result<(LayerTrace, Tensor), EngineError> {
        let n_shared = if prefix.is_some() { n_shared } else { 0 };
        let rotary = self.rotary_table(layer, n_shared, resid_pre.dims2()?.0)?;
        self.blocks[layer].forward(
            &self.block_shape(layer),
            resid_pre,
            prefix.map(|prefix| (prefix, n_shared)),
            rotary.as_ref(),
            self.compute.way,
        )
    }
}

/// The matrices of one layer, as parts of tensors.
struct BlockParts {
    qkv: Vec<Part>,
    w_o: Vec<Part>,
    mlp_in: Vec<Part>,
    w_out: Vec<Part>,
    widths: [usize; 4],
}

impl BlockParts {
    fn new(checkpoint: &Checkpoint, layer: usize) -> Self {
        let (spec, names) = (&checkpoint.spec, &checkpoint.names().layer);
        let name = |template: &str| checkpoint.layer_name(template, layer);
        let (d, d_q, d_kv, m) = (spec.d_model, spec.d_q(), spec.d_kv(), spec.d_mlp);
        let qkv = match names.qkv {
            QkvNames::Separate { q, k, v } => {
                [(name(q), 0, d_q, d_q), (name(k), 0, d_kv, d_kv), (name(v), 0, d_kv, d_kv)]
            }
            QkvNames::Thirds(fused) => {
                let all = d_q + 2 * d_kv;
                [
                    (name(fused), 0, d_q, all),
                    (name(fused), d_q, d_kv, all),
                    (name(fused), d_q + d_kv, d_kv, all),
                ]
            }
        };
        let one = |template: &str, n: usize| (name(template), 0, n, n);
        let mut mlp_in = vec![one(names.w_in, m)];
        if spec.gated_mlp {
            mlp_in.insert(0, one(names.w_gate, m));
        }
        Self {
            qkv: qkv.to_vec(),
            w_o: vec![one(names.w_o, d)],
            mlp_in,
            w_out: vec![one(names.w_out, d)],
            widths: [d, d_q, d, m],
        }
    }

    /// Each fused matrix with its width.
    fn matrices(&self) -> [(&[Part], usize); 4] {
        let [qkv, w_o, mlp_in, w_out] = self.widths;
        [(&self.qkv, qkv), (&self.w_o, w_o), (&self.mlp_in, mlp_in), (&self.w_out, w_out)]
    }
}

struct Loader<'a> {
    checkpoint: &'a Checkpoint,
    spec: &'a ModelSpec,
    compute: &'a Compute,
    residence: Residence,
}

impl Loader<'_> {
    fn norm(&self, weight: String, n: usize) -> Result<Norm, EngineError> {
        let bias = match self.spec.norm.kind {
            NormKind::LayerNorm => {
                let name = Checkpoint::bias_name(&weight);
                Some(Vector::new(self.checkpoint.vector(&name, n, false)?, self.compute)?)
            }
            NormKind::RmsNorm => None,
        };
        let weight = Vector::new(self.checkpoint.vector(&weight, n, true)?, self.compute)?;
        Ok(Norm { spec: self.spec.norm, weight, bias })
    }

    fn linear(
        &self,
        parts: &[Part],
        k: usize,
        has_bias: bool,
        paired: [bool; 3],
    ) -> Result<Linear, EngineError> {
        let sections = self.checkpoint.sections(parts, k, paired)?;
        let mut bias = has_bias.then(Vec::new);
        if let Some(bias) = &mut bias {
            for (index, (tensor, first_row, n, n_stored)) in parts.iter().enumerate() {
                let stored =
                    self.checkpoint.vector(&Checkpoint::bias_name(tensor), *n_stored, false)?;
                let section = &sections[index];
                bias.extend((0..*n).map(|row| stored[first_row + section.stored_row(row)]));
            }
        }
        Linear::load(sections, k, bias, self.compute, self.residence)
    }

    fn block(&self, layer: usize) -> Result<Block, EngineError> {
        let (spec, names) = (self.spec, &self.checkpoint.names().layer);
        let name = |template: &str| self.checkpoint.layer_name(template, layer);
        let (d, d_q, m) = (spec.d_model, spec.d_q(), spec.d_mlp);
        let parts = BlockParts::new(self.checkpoint, layer);
        let none = [false; 3];
        let norm_if = |wanted: bool, template: &str, n: usize| {
            wanted.then(|| self.norm(name(template), n)).transpose()
        };
        Ok(Block {
            norm_attn: self.norm(name(names.norm_attn), d)?,
            qkv: self.linear(&parts.qkv, d, spec.qkv_bias, [true, true, false])?,
            q_norm: norm_if(spec.qk_norm, names.q_norm, spec.d_head)?,
            k_norm: norm_if(spec.qk_norm, names.k_norm, spec.d_head)?,
            w_o: self.linear(&parts.w_o, d_q, spec.attn_out_bias, none)?,
            post_attn_norm: norm_if(spec.post_norms, names.post_attn_norm, d)?,
            norm_mlp: self.norm(name(names.norm_mlp), d)?,
            mlp_in: self.linear(&parts.mlp_in, d, spec.mlp_bias, none)?,
            w_out: self.linear(&parts.w_out, m, spec.mlp_bias, none)?,
            post_mlp_norm: norm_if(spec.post_norms, names.post_mlp_norm, d)?,
        })
    }
}
