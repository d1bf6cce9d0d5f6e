//! Signed scores toward an objective: tokens, heads, neurons, from backward passes over one trace. Each pass is walked once.

use crate::{
    contributions::patterns_at,
    objective::{Objective, sum_and_seeds},
    vocabulary::rows_tensor,
};
use candle_core::DType;
use limpid_engine::{
    backward::Gradient, error::EngineError, forward::Watch, mlp::post, model::Model,
    norm::Gradients, pos_tensor::to_host, trace::Trace,
};
use std::{fmt, str::FromStr};

/// A token attribution method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    /// Attribution patching of the knock-out, mean of the two below: the default.
    Atp,
    /// With linear gradients.
    AtpLinear,
    /// With true gradients.
    AtpTrue,
    /// Gradient times embedding, linear.
    GradientXInputLinear,
    /// Flow of the route graph; unsigned.
    Flow,
    /// What the target position's heads read and write straight to the objective.
    LogitAttribution,
}

impl Method {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Atp,
        Self::AtpLinear,
        Self::AtpTrue,
        Self::GradientXInputLinear,
        Self::Flow,
        Self::LogitAttribution,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Atp => "atp",
            Self::AtpLinear => "atp_linear",
            Self::AtpTrue => "atp_true",
            Self::GradientXInputLinear => "gradient_x_input_linear",
            Self::Flow => "flow",
            Self::LogitAttribution => "logit_attribution",
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Method {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|method| method.name() == text).ok_or_else(|| {
            let names: Vec<&str> = Self::ALL.into_iter().map(Self::name).collect();
            format!("no attribution method `{text}`; methods are {}", names.join(", "))
        })
    }
}

/// What the linear pass alone says: the first half of the work, for who would rather see half of it at once.
#[derive(Clone, Debug)]
pub struct LinearScores {
    /// The objective itself, nats; of an answer the sum of its tokens'.
    pub value: f64,
    pass: Gradient,
}

impl LinearScores {
    /// Walks the linear pass.
    ///
    /// *Shapes*: logits `[objective][d_vocab]`. *Cost*: about 0.7 forwards' products.
    ///
    /// # Errors
    /// No objective; cancelled; the device refused.
    pub fn of_sum(
        model: &Model,
        trace: &Trace,
        objectives: &[Objective],
        logits: &[Vec<f32>],
        watch: Watch<'_>,
    ) -> Result<Self, EngineError> {
        let (value, seeds) = sum_and_seeds(objectives, logits);
        let pass = model.backward(trace, &seeds, Gradients::Linear, watch, None)?;
        Ok(Self { value, pass })
    }

    /// Scores of [`Method::AtpLinear`], one per token.
    pub fn tokens(&self) -> &[f32] {
        &self.pass.knock_out
    }
}

/// Everything that backward passes from one objective say.
#[derive(Clone, Debug)]
pub struct Attributions {
    /// The objective itself, nats; of an answer the sum of its tokens'.
    pub value: f64,
    /// The gradient of the model.
    pub true_pass: Gradient,
    /// Patterns, denominators and gates held constant.
    pub linear_pass: Gradient,
    /// What each head writes straight to the objective from the target position (of an answer, from each one that predicts a
    /// token of it, added up): `[layer][head]`.
    pub head_logits: Vec<Vec<f32>>,
    /// The same of each neuron: `[layer][neuron]`.
    pub neuron_logits: Vec<Vec<f32>>,
    /// What the target position reads from each token and writes straight to the objective: `[pos]`.
    token_logits: Vec<f32>,
    /// Gradient times embedding of the linear pass, `[pos]`.
    gradient_x_input: Vec<f32>,
}

impl Attributions {
    /// Walks both passes.
    ///
    /// *Cost*: about 1.6 forwards' products, and two products with one row a layer for direct logit attribution.
    ///
    /// # Errors
    /// Cancelled; the device refused.
    pub fn new(
        model: &Model,
        trace: &Trace,
        objective: Objective,
        logits: &[f32],
        watch: Watch<'_>,
    ) -> Result<Self, EngineError> {
        Self::of_sum(model, trace, &[objective], &[logits.to_vec()], watch)
    }

    /// Walks both passes from the sum of objectives at different positions.
    ///
    /// *Shapes*: logits `[objective][d_vocab]`. *Cost*: as [`Self::new`], and two products with one row a layer for each.
    ///
    /// # Errors
    /// No objective; cancelled; the device refused.
    pub fn of_sum(
        model: &Model,
        trace: &Trace,
        objectives: &[Objective],
        logits: &[Vec<f32>],
        watch: Watch<'_>,
    ) -> Result<Self, EngineError> {
        let linear = LinearScores::of_sum(model, trace, objectives, logits, watch)?;
        Self::behind(linear, model, trace, objectives, logits, watch)
    }

    /// As [`Self::of_sum`], where the linear pass was walked before.
    ///
    /// *Shapes*: logits `[objective][d_vocab]`. *Cost*: that of [`Self::of_sum`] without the linear pass.
    ///
    /// # Errors
    /// As [`Self::of_sum`].
    pub fn behind(
        linear: LinearScores,
        model: &Model,
        trace: &Trace,
        objectives: &[Objective],
        logits: &[Vec<f32>],
        watch: Watch<'_>,
    ) -> Result<Self, EngineError> {
        let (value, seeds) = sum_and_seeds(objectives, logits);
        let linear_pass = linear.pass;
        let true_pass = model.backward(trace, &seeds, Gradients::True, watch, None)?;
        let mut direct: Option<Direct> = None;
        for seed in &seeds {
            watch.cancel.check()?;
            let own = Direct::new(model, trace, seed.position, &seed.g_logits)?;
            match &mut direct {
                Some(sum) => sum.add(&own),
                None => direct = Some(own),
            }
        }
        let direct = direct.unwrap_or_default();
        let n_rows = linear_pass.embedding.dims2()?.0;
        let embedding = trace.resid_after(0).narrow(0, n_rows)?.tensor()?;
        let products =
            (embedding.to_dtype(DType::F64)? * linear_pass.embedding.to_dtype(DType::F64)?)?;
        let mut gradient_x_input = to_host(&products.sum(1)?)?;
        gradient_x_input.resize(trace.n_tokens(), 0.0);
        Ok(Self {
            value,
            true_pass,
            linear_pass,
            head_logits: direct.heads,
            neuron_logits: direct.neurons,
            token_logits: direct.tokens,
            gradient_x_input,
        })
    }

    /// Takes those of another answer to the same first `n_shared` tokens away: scores of these tokens, heads and neurons
    /// become the differences. What the other answer's own tokens do is left out.
    pub fn subtract(&mut self, other: &Self, n_shared: usize) {
        let tokens = |own: &mut [f32], other: &[f32]| {
            own.iter_mut().zip(other).take(n_shared).for_each(|(own, other)| *own -= other);
        };
        let parts = |own: &mut [Vec<f32>], other: &[Vec<f32>]| {
            own.iter_mut().flatten().zip(other.iter().flatten()).for_each(|(own, o)| *own -= o);
        };
        self.value -= other.value;
        for (own, other) in
            [(&mut self.true_pass, &other.true_pass), (&mut self.linear_pass, &other.linear_pass)]
        {
            tokens(&mut own.knock_out, &other.knock_out);
            parts(&mut own.heads, &other.heads);
            parts(&mut own.heads_at_target, &other.heads_at_target);
            parts(&mut own.neurons, &other.neurons);
            parts(&mut own.neurons_at_target, &other.neurons_at_target);
        }
        tokens(&mut self.token_logits, &other.token_logits);
        tokens(&mut self.gradient_x_input, &other.gradient_x_input);
        parts(&mut self.head_logits, &other.head_logits);
        parts(&mut self.neuron_logits, &other.neuron_logits);
    }

    /// Scores of a method, one per token; `flows` are the route graph's.
    pub fn tokens(&self, method: Method, flows: &[f32]) -> Vec<f32> {
        let (linear, true_) = (&self.linear_pass.knock_out, &self.true_pass.knock_out);
        match method {
            Method::Atp => linear.iter().zip(true_).map(|(a, b)| 0.5 * (a + b)).collect(),
            Method::AtpLinear => linear.clone(),
            Method::AtpTrue => true_.clone(),
            Method::GradientXInputLinear => self.gradient_x_input.clone(),
            Method::Flow => flows.to_vec(),
            Method::LogitAttribution => self.token_logits.clone(),
        }
    }
}

/// Direct logit attribution: what parts at the target position write along `u`, the gradient at the last residual with the
/// final norm frozen.
#[derive(Default)]
struct Direct {
    heads: Vec<Vec<f32>>,
    neurons: Vec<Vec<f32>>,
    tokens: Vec<f32>,
}

impl Direct {
    fn add(&mut self, more: &Self) {
        let add = |sums: &mut [f32], more: &[f32]| {
            sums.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
        };
        self.heads.iter_mut().zip(&more.heads).for_each(|(sums, more)| add(sums, more));
        self.neurons.iter_mut().zip(&more.neurons).for_each(|(sums, more)| add(sums, more));
        add(&mut self.tokens, &more.tokens);
    }

    fn new(
        model: &Model,
        trace: &Trace,
        position: usize,
        g_logits: &[f32],
    ) -> Result<Self, EngineError> {
        let (spec, way) = (&model.spec, model.compute.way);
        let g = rows_tensor(model, &[g_logits.to_vec()])?;
        let g = model.unembed.transposed(&g, 0..1)?;
        let last = trace.resid_after(spec.n_layers).narrow(position, 1)?.tensor()?;
        let u = model.final_norm.backward(&last, &g, Gradients::Linear, way)?;
        let u_host = to_host(&u)?;
        let mut out =
            Self { heads: Vec::new(), neurons: Vec::new(), tokens: vec![0.0; trace.n_tokens()] };
        let along = |row: &[f32]| -> f32 { row.iter().zip(&u_host).map(|(a, b)| a * b).sum() };
        out.tokens[position] += along(trace.resid_after(0).narrow(position, 1)?.host()?.row(0));
        for layer in 0..spec.n_layers {
            let of = trace.layer(layer, model)?;
            let block = &model.blocks[layer];
            let at = |x: &limpid_engine::pos_tensor::PosTensor| x.narrow(position, 1)?.tensor();
            let through = |norm: &Option<limpid_engine::norm::Norm>, raw| match norm {
                Some(norm) => Ok::<_, EngineError>((&u * norm.frozen_factor(&at(raw)?)?)?),
                None => Ok(u.clone()),
            };
            let w_o_u = to_host(
                &block.w_o.transposed(&through(&block.post_attn_norm, &of.attn_raw)?, 0..1)?,
            )?;
            let z = to_host(&at(&of.z)?)?;
            let dot = |a: &[f32], b: &[f32]| -> f32 { a.iter().zip(b).map(|(a, b)| a * b).sum() };
            let d = spec.d_head;
            out.heads.push(
                z.chunks_exact(d).zip(w_o_u.chunks_exact(d)).map(|(z, w)| dot(z, w)).collect(),
            );
            let w_out_u = to_host(
                &block.w_out.transposed(&through(&block.post_mlp_norm, &of.mlp_raw)?, 0..1)?,
            )?;
            let activations = to_host(&post(&at(&of.mlp_in)?, model.block_shape(layer).mlp, way)?)?;
            out.neurons.push(activations.iter().zip(&w_out_u).map(|(a, w)| a * w).collect());

            let patterns = patterns_at(model, layer, &of, &[position])?;
            let v = of.v.host()?;
            for (head, w) in w_o_u.chunks_exact(d).enumerate() {
                let kv = head / spec.group_size();
                for (key, weight) in patterns.row(head, 0).iter().enumerate() {
                    if *weight != 0.0 {
                        out.tokens[key] += weight * dot(&v.row(key)[kv * d..(kv + 1) * d], w);
                    }
                }
            }
            out.tokens[position] += along(of.mlp_out.narrow(position, 1)?.host()?.row(0));
        }
        Ok(out)
    }
}
