//! The backward pass by hand, over activations only: unembed, blocks from the top down, embedding. No gradients of weights, no tape.
//! *Source*: the transposition table of the attribution definitions; checked by finite differences, completeness and golden gradients.

use crate::{
    attention::{AttentionShape, attention_backward},
    block::{Block, BlockShape, SECTION_Q, SECTION_V, SECTIONS_KV, per_head},
    device::Way,
    error::EngineError,
    forward::Watch,
    linear::Linear,
    mlp::{post, post_backward},
    model::Model,
    norm::{Gradients, Norm, Vector, add},
    pos_tensor::to_host,
    rotary::{RotaryTable, Turn},
    trace::{LayerTrace, Trace},
};
use candle_core::{D, DType, Tensor};

/// Where a backward pass starts: the gradient of a scalar at the logits of some positions.
#[derive(Clone, Debug)]
pub struct Seed {
    /// The position.
    pub position: usize,
    /// d objective / d logits there, `[d_vocab]`.
    pub g_logits: Vec<f32>,
}

/// What a backward pass yields. Positions after the last seed have no part in it.
#[derive(Clone, Debug)]
pub struct Gradient {
    /// d objective / d resid_pre of layer 0, `[last seed + 1, d_model]`.
    pub embedding: Tensor,
    /// First-order effect of hiding each position from every later query, `[pos]`.
    pub knock_out: Vec<f32>,
    /// `sum over positions of g_z . z`, `[layer][head]`.
    pub heads: Vec<Vec<f32>>,
    /// The term of the last seed's position, `[layer][head]`.
    pub heads_at_target: Vec<Vec<f32>>,
    /// `sum over positions of g_post post`, `[layer][neuron]`; true gradients only.
    pub neurons: Vec<Vec<f32>>,
    /// The term of the last seed's position, `[layer][neuron]`; true gradients only.
    pub neurons_at_target: Vec<Vec<f32>>,
    /// Every bias on the way dotted with the gradient at its place; linear gradients only. With the embeddings' share it
    /// completes the objective.
    pub biases: f64,
}

/// Gradients inside one layer, for those who want to look: rows end at the last seed.
#[derive(Debug)]
pub struct LayerGradient<'a> {
    /// At `resid_pre`, `[last seed + 1, d_model]`.
    pub resid_pre: &'a Tensor,
    /// At the input of the output projection, `[rows, n_heads * d_head]`.
    pub z: &'a Tensor,
    /// At the neuron vector, `[rows, d_mlp]`.
    pub post: &'a Tensor,
}

/// Called with each layer's gradients, from the top layer down.
pub type Observer<'a> =
    &'a mut (dyn FnMut(usize, LayerGradient<'_>) -> Result<(), EngineError> + Send);

struct Pass<'a> {
    gradients: Gradients,
    way: Way,
    out: Gradient,
    /// Every bias dotted with its gradient, on the device: fetched once, at the end.
    biases: Vec<Tensor>,
    observer: Option<Observer<'a>>,
}

impl Model {
    /// Walks down from the seeds.
    ///
    /// *Cost*: about one forward's products when true, 60 % when linear; memory of one layer's gradients.
    ///
    /// # Errors
    /// No seed, or one out of range; cancelled; a gradient that is not finite; the device refused.
    pub fn backward(
        &self,
        trace: &Trace,
        seeds: &[Seed],
        gradients: Gradients,
        watch: Watch<'_>,
        observer: Option<Observer<'_>>,
    ) -> Result<Gradient, EngineError> {
        // Enters the thread pool once, not once per product.
        rayon::scope(|_| self.walk_down(trace, seeds, gradients, watch, observer))
    }

    fn walk_down(
        &self,
        trace: &Trace,
        seeds: &[Seed],
        gradients: Gradients,
        watch: Watch<'_>,
        observer: Option<Observer<'_>>,
    ) -> Result<Gradient, EngineError> {
        let way = self.compute.way;
        let (first, last) = self.seed_range(trace, seeds)?;
        let n_layers = self.spec.n_layers;
        let mut pass = Pass {
            gradients,
            way,
            observer,
            biases: Vec::new(),
            out: Gradient {
                embedding: Tensor::zeros((1, 1), DType::F32, &self.compute.device)?,
                knock_out: vec![0.0; trace.n_tokens()],
                heads: vec![Vec::new(); n_layers],
                heads_at_target: vec![Vec::new(); n_layers],
                neurons: vec![Vec::new(); n_layers],
                neurons_at_target: vec![Vec::new(); n_layers],
                biases: 0.0,
            },
        };
        let resid = trace.resid_final.narrow(first, last + 1 - first)?.tensor()?;
        let g_normed = self.unembed.transposed(&self.seed_rows(seeds, first, last)?, 0..1)?;
        pass.add_bias(self.final_norm.bias.as_ref(), &g_normed)?;
        let mut g = self.final_norm.backward(&resid, &g_normed, gradients, way)?;
        for layer in (0..n_layers).rev() {
            watch.cancel.check()?;
            (watch.progress)(n_layers - layer - 1, n_layers);
            let activations = trace.layer(layer, self)?;
            let shape = BlockShape::new(&self.spec, &self.spec.layers[layer]);
            let rotary = self.rotary_table(layer, 0, last + 1)?;
            g = pass.block(
                layer,
                &self.blocks[layer],
                &shape,
                &activations,
                rotary.as_ref(),
                (g, last),
            )?;
        }
        pass.out.embedding = g;
        if !pass.biases.is_empty() {
            let biases: Vec<f64> = Tensor::stack(&pass.biases, 0)?.to_vec1()?;
            pass.out.biases = biases.iter().sum();
        }
        self.check_gradient(&pass.out)?;
        Ok(pass.out)
    }

    /// NaN and infinity spread down to the embedding, so one look there is enough; the heads' sums say where they began.
    fn check_gradient(&self, out: &Gradient) -> Result<(), EngineError> {
        if self.all_finite(&out.embedding)? {
            return Ok(());
        }
        let is_finite = |heads: &Vec<f32>| heads.iter().all(|head| head.is_finite());
        let hook = match out.heads.iter().rposition(|heads| !is_finite(heads)) {
            Some(layer) => format!("the gradient at blocks.{layer}.attn.hook_z"),
            None => "the gradient at hook_embed".to_owned(),
        };
        Err(EngineError::NotFinite { hook })
    }

    fn seed_range(&self, trace: &Trace, seeds: &[Seed]) -> Result<(usize, usize), EngineError> {
        let positions = || seeds.iter().map(|seed| seed.position);
        let (Some(first), Some(last)) = (positions().min(), positions().max()) else {
            return Err(EngineError::BadRequest("a backward pass needs a target".to_owned()));
        };
        if last >= trace.n_tokens() {
            return Err(EngineError::BadRequest(format!(
                "target position {last} is out of range; the prompt has positions 0 to {}",
                trace.n_tokens() - 1
            )));
        }
        Ok((first, last))
    }

    fn seed_rows(&self, seeds: &[Seed], first: usize, last: usize) -> Result<Tensor, EngineError> {
        let d_vocab = self.spec.d_vocab;
        let mut rows = vec![0f32; (last + 1 - first) * d_vocab];
        for seed in seeds {
            let row = &mut rows[(seed.position - first) * d_vocab..][..d_vocab];
            for (sum, g) in row.iter_mut().zip(&seed.g_logits) {
                *sum += g;
            }
        }
        let rows = Tensor::from_vec(rows, (last + 1 - first, d_vocab), &candle_core::Device::Cpu)?;
        Ok(rows.to_dtype(self.compute.activation_dtype())?.to_device(&self.compute.device)?)
    }
}

impl Pass<'_> {
    /// From the gradient at `resid_post` (rows end at `last`, and start where gradients start to differ from zero)
    /// to the gradient at `resid_pre` of positions `0..=last`.
    fn block(
        &mut self,
        layer: usize,
        block: &Block,
        shape: &BlockShape,
        activations: &LayerTrace,
        rotary: Option<&RotaryTable>,
        (g, last): (Tensor, usize),
    ) -> Result<Tensor, EngineError> {
        let n_rows = g.dims2()?.0;
        let first = last + 1 - n_rows;
        let rows = |x: &crate::pos_tensor::PosTensor| -> Result<Tensor, EngineError> {
            x.narrow(first, n_rows)?.tensor()
        };
        let (way, gradients) = (self.way, self.gradients);

        let g_out =
            self.post_norm(block.post_mlp_norm.as_ref(), &activations.mlp_raw, first, &g)?;
        self.add_linear_bias(&block.w_out, 0, &g_out)?;
        let g_post = block.w_out.transposed(&g_out, 0..1)?;
        let mlp_in = rows(&activations.mlp_in)?;
        if gradients == Gradients::True {
            let (sum, target) = dot_columns(&g_post, &post(&mlp_in, shape.mlp, way)?, way)?;
            self.out.neurons[layer] = sum;
            self.out.neurons_at_target[layer] = target;
        }
        let g_in = post_backward(&mlp_in, &g_post, shape.mlp, gradients, way)?;
        let sections = match (shape.mlp.gated, gradients) {
            (true, Gradients::Linear) => 1..2,
            (true, Gradients::True) => 0..2,
            (false, _) => 0..1,
        };
        self.add_linear_bias(&block.mlp_in, sections.end - 1, &g_in)?;
        let g_normed = block.mlp_in.transposed(&g_in, sections)?;
        self.add_bias(block.norm_mlp.bias.as_ref(), &g_normed)?;
        let resid_mid = rows(&activations.resid_mid)?;
        let g_mid = add(&block.norm_mlp.backward(&resid_mid, &g_normed, gradients, way)?, &g, way)?;

        let g_out =
            self.post_norm(block.post_attn_norm.as_ref(), &activations.attn_raw, first, &g_mid)?;
        self.add_linear_bias(&block.w_o, 0, &g_out)?;
        let g_z = block.w_o.transposed(&g_out, 0..1)?;
        let z = rows(&activations.z)?;
        let (sum, target) = dot_columns(&g_z, &z, way)?;
        self.out.heads[layer] = per_head_sums(&sum, shape.attention.d_head);
        self.out.heads_at_target[layer] = per_head_sums(&target, shape.attention.d_head);

        let seen = |x: &crate::pos_tensor::PosTensor| x.narrow(0, last + 1)?.tensor();
        let (k, v) = (seen(&activations.k)?, seen(&activations.v)?);
        let attention_shape = AttentionShape { first_query: first, ..shape.attention };
        let q = rows(&activations.q)?;
        let back = attention_backward((&q, &k, &v), &z, &g_z, &attention_shape, gradients, way)?;
        for (sum, score) in self.out.knock_out.iter_mut().zip(&back.knock_out) {
            *sum += score;
        }
        self.add_linear_bias(&block.qkv, 2, &back.g_v)?;
        let d_head = shape.attention.d_head;
        let g_normed = match (&back.g_q, &back.g_k) {
            (Some(g_q), Some(g_k)) => {
                let g_k =
                    turn_back(g_k, &block.k_norm, &seen(&activations.k_raw)?, rotary, d_head, way)?;
                let here = rotary.map(|table| table.narrow(first, n_rows)).transpose()?;
                let g_q = turn_back(
                    g_q,
                    &block.q_norm,
                    &rows(&activations.q_raw)?,
                    here.as_ref(),
                    d_head,
                    way,
                )?;
                let from_keys = block
                    .qkv
                    .transposed(&Tensor::cat(&[&g_k, &back.g_v], D::Minus1)?, SECTIONS_KV)?;
                let from_queries = block.qkv.transposed(&g_q, SECTION_Q)?;
                add_at_end(from_keys, &from_queries, way)?
            }
            _ => block.qkv.transposed(&back.g_v, SECTION_V)?,
        };
        self.add_bias(block.norm_attn.bias.as_ref(), &g_normed)?;
        let resid_pre = seen(&activations.resid_pre)?;
        let g_pre = block.norm_attn.backward(&resid_pre, &g_normed, gradients, way)?;
        let g_pre = add_at_end(g_pre, &g_mid, way)?;
        if let Some(observer) = &mut self.observer {
            observer(layer, LayerGradient { resid_pre: &g_pre, z: &g_z, post: &g_post })?;
        }
        Ok(g_pre)
    }

    /// Back through a post norm, if there is one; `raw` is what it normed.
    fn post_norm(
        &mut self,
        norm: Option<&Norm>,
        raw: &crate::pos_tensor::PosTensor,
        first: usize,
        g: &Tensor,
    ) -> Result<Tensor, EngineError> {
        let Some(norm) = norm else { return Ok(g.clone()) };
        self.add_bias(norm.bias.as_ref(), g)?;
        let raw = raw.narrow(first, g.dims2()?.0)?.tensor()?;
        norm.backward(&raw, g, self.gradients, self.way)
    }

    fn add_linear_bias(
        &mut self,
        linear: &Linear,
        section: usize,
        g: &Tensor,
    ) -> Result<(), EngineError> {
        match self.gradients {
            Gradients::Linear => self.add_bias(linear.section_bias(section)?.as_ref(), g),
            Gradients::True => Ok(()),
        }
    }

    /// Adds bias . g, summed over rows, to the completeness sum.
    fn add_bias(&mut self, bias: Option<&Vector>, g: &Tensor) -> Result<(), EngineError> {
        if let (Gradients::Linear, Some(bias)) = (self.gradients, bias) {
            let dot = g.sum(0)?.to_dtype(DType::F64)?.mul(&bias.tensor.to_dtype(DType::F64)?)?;
            self.biases.push(dot.sum_all()?);
        }
        Ok(())
    }
}

/// Back through rotary and the q or k norm.
fn turn_back(
    g: &Tensor,
    norm: &Option<Norm>,
    raw: &Tensor,
    rotary: Option<&RotaryTable>,
    d_head: usize,
    way: Way,
) -> Result<Tensor, EngineError> {
    let g = match rotary {
        Some(table) => table.turn(g, d_head, Turn::Back, way)?,
        None => g.clone(),
    };
    let Some(norm) = norm else { return Ok(g) };
    let raw = raw.contiguous()?;
    let (n_pos, width) = raw.dims2()?;
    let raw = raw.reshape((n_pos * (width / d_head), d_head))?;
    per_head(&g, d_head, |g| norm.backward(&raw, g, Gradients::True, way))
}

/// `whole` with `end` added to its last rows.
fn add_at_end(whole: Tensor, end: &Tensor, way: Way) -> Result<Tensor, EngineError> {
    let (n_whole, n_end) = (whole.dims2()?.0, end.dims2()?.0);
    if n_whole == n_end {
        return add(&whole, end, way);
    }
    let start = whole.narrow(0, 0, n_whole - n_end)?;
    let sum = add(&whole.narrow(0, n_whole - n_end, n_end)?, end, way)?;
    Ok(Tensor::cat(&[start, sum], 0)?)
}

/// `[n_heads * d_head]` -> `[n_heads]`
fn per_head_sums(x: &[f32], d_head: usize) -> Vec<f32> {
    x.chunks_exact(d_head).map(|head| head.iter().sum()).collect()
}

/// Column sums of `a * b`, and the products of the last row.
fn dot_columns(a: &Tensor, b: &Tensor, way: Way) -> Result<(Vec<f32>, Vec<f32>), EngineError> {
    if way == Way::Kernels {
        return crate::kernel_ops::dot_columns(a, b);
    }
    let products = (a * b)?;
    let last = products.narrow(0, products.dims2()?.0 - 1, 1)?;
    Ok((to_host(&products.sum(0)?)?, to_host(&last)?))
}
