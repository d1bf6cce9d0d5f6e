//! Tensors in, tensors out: the kernels way of every hot spot. Only f32 on the CPU gets here; the plain way of each
//! operation stands beside its caller.

use crate::{
    attention::{AttentionGradients, AttentionShape},
    attention_of_runs::{AllKeys, QuerySpan, RunKeys},
    error::EngineError,
    kernels::{
        self, Rows, RowsMut, activation, attention as attention_kernels,
        attention_backward as backward_kernels, vectorized,
    },
    linear::{Linear, Weights},
    mlp::MlpShape,
    norm::{Gradients, Norm},
    pos_tensor::HostPiece,
    rotary::{RotaryTable, Turn},
};
use candle_core::{Device, Tensor};
use rayon::prelude::{IndexedParallelIterator, ParallelIterator, ParallelSliceMut};
use std::ops::Range;

/// Values that one task of an element-wise operation writes: waking a thread costs as much.
const TASK_VALUES: usize = 1 << 15;

fn tensor(values: Vec<f32>, n_rows: usize, n_cols: usize) -> Result<Tensor, EngineError> {
    Ok(Tensor::from_vec(values, (n_rows, n_cols), &Device::Cpu)?)
}

/// Runs `f` on every row of `inputs` in parallel, writing rows of `n_cols`.
fn by_rows<const N: usize>(
    inputs: [&Tensor; N],
    n_cols: usize,
    f: impl Fn([&[f32]; N], &mut [f32]) + Sync,
) -> Result<Tensor, EngineError> {
    let n_rows = inputs[0].dims2()?.0;
    let mut pieces = Vec::with_capacity(N);
    for input in inputs {
        pieces.push((HostPiece::new(input)?, input.dims2()?.1));
    }
    let views: Vec<Rows<'_>> = pieces.iter().map(|(piece, n)| piece.rows(n_rows, *n)).collect();
    let mut out = vec![0f32; n_rows * n_cols];
    let task_rows = (TASK_VALUES / n_cols.max(1)).max(1);
    let run = |task: usize, out: &mut [f32]| {
        vectorized(
            #[inline(always)]
            || {
                for (row, out) in out.chunks_exact_mut(n_cols).enumerate() {
                    let row = task * task_rows + row;
                    let mut rows = [&[][..]; N];
                    for (slot, view) in rows.iter_mut().zip(&views) {
                        *slot = view.row(row);
                    }
                    f(rows, out);
                }
            },
        );
    };
    if n_rows <= task_rows {
        run(0, &mut out);
    } else {
        let tasks = out.par_chunks_mut((task_rows * n_cols).max(1)).enumerate();
        tasks.for_each(|(task, out)| run(task, out));
    }
    tensor(out, n_rows, n_cols)
}

/// `a + b`, element by element.
pub(crate) fn add(a: &Tensor, b: &Tensor) -> Result<Tensor, EngineError> {
    let n_cols = a.dims2()?.1;
    by_rows(
        [a, b],
        n_cols,
        #[inline(always)]
        |[a, b], out| {
            for ((out, a), b) in out.iter_mut().zip(a).zip(b) {
                *out = a + b;
            }
        },
    )
}

/// Column sums of `a * b`, and the products of the last row.
pub(crate) fn dot_columns(a: &Tensor, b: &Tensor) -> Result<(Vec<f32>, Vec<f32>), EngineError> {
    let (n_rows, n_cols) = a.dims2()?;
    let (a, b) = (HostPiece::new(a)?, HostPiece::new(b)?);
    let (a, b) = (a.rows(n_rows, n_cols), b.rows(n_rows, n_cols));
    let mut sums = vec![0f32; n_cols];
    let mut last = vec![0f32; n_cols];
    for row in 0..n_rows {
        vectorized(
            #[inline(always)]
            || {
                for ((last, a), b) in last.iter_mut().zip(a.row(row)).zip(b.row(row)) {
                    *last = a * b;
                }
                for (sum, last) in sums.iter_mut().zip(&last) {
                    *sum += last;
                }
            },
        );
    }
    Ok((sums, last))
}

/// Whether every value is finite.
pub(crate) fn all_finite(x: &Tensor) -> Result<bool, EngineError> {
    let (n_rows, n_cols) = x.dims2()?;
    let x = HostPiece::new(x)?;
    let x = x.rows(n_rows, n_cols);
    Ok((0..n_rows).all(|row| x.row(row).iter().all(|value| value.is_finite())))
}

pub(crate) fn norm_forward(norm: &Norm, x: &Tensor) -> Result<Tensor, EngineError> {
    let bias = norm.bias.as_ref().map(|bias| bias.host.as_slice());
    by_rows(
        [x],
        norm.weight.host.len(),
        #[inline(always)]
        |[x], out| {
            kernels::norm::forward(x, &norm.weight.host, bias, norm.spec, out);
        },
    )
}

pub(crate) fn norm_backward(
    norm: &Norm,
    x: &Tensor,
    g: &Tensor,
    gradients: Gradients,
) -> Result<Tensor, EngineError> {
    let is_linear = gradients == Gradients::Linear;
    by_rows(
        [x, g],
        norm.weight.host.len(),
        #[inline(always)]
        |[x, g], out| {
            kernels::norm::backward(x, &norm.weight.host, g, norm.spec, is_linear, out);
        },
    )
}

pub(crate) fn rotary(
    table: &RotaryTable,
    x: &Tensor,
    d_head: usize,
    turn: Turn,
) -> Result<Tensor, EngineError> {
    let n_cols = x.dims2()?.1;
    by_rows(
        [x, &table.cos, &table.sin],
        n_cols,
        #[inline(always)]
        |[x, cos, sin], out| {
            kernels::rotary::turn(x, d_head, cos, sin, turn == Turn::Back, out);
        },
    )
}

pub(crate) fn mlp_post(mlp_in: &Tensor, shape: MlpShape) -> Result<Tensor, EngineError> {
    by_rows(
        [mlp_in],
        shape.d_mlp,
        #[inline(always)]
        |[mlp_in], out| {
            let (pre, up) = mlp_in.split_at(shape.d_mlp);
            activation::activate(pre, shape.gated.then_some(up), shape.activation, out);
        },
    )
}

pub(crate) fn mlp_backward(
    mlp_in: &Tensor,
    g_post: &Tensor,
    shape: MlpShape,
    gradients: Gradients,
) -> Result<Tensor, EngineError> {
    let MlpShape { d_mlp, gated, activation: act } = shape;
    match (gated, gradients) {
        (true, Gradients::Linear) => by_rows(
            [mlp_in, g_post],
            d_mlp,
            #[inline(always)]
            |[mlp_in, g], out| {
                activation::activate(&mlp_in[..d_mlp], Some(g), act, out);
            },
        ),
        (true, Gradients::True) => by_rows(
            [mlp_in, g_post],
            2 * d_mlp,
            #[inline(always)]
            |[mlp_in, g], out| {
                let (pre, up) = mlp_in.split_at(d_mlp);
                let (g_pre, g_up) = out.split_at_mut(d_mlp);
                activation::slope_times(pre, Some(up), g, act, g_pre);
                activation::activate(pre, Some(g), act, g_up);
            },
        ),
        (false, Gradients::True) => by_rows(
            [mlp_in, g_post],
            d_mlp,
            #[inline(always)]
            |[pre, g], out| {
                activation::slope_times(pre, None, g, act, out);
            },
        ),
        (false, Gradients::Linear) => by_rows(
            [mlp_in, g_post],
            d_mlp,
            #[inline(always)]
            |[pre, g], out| {
                activation::ratio_times(pre, g, act, out);
            },
        ),
    }
}

pub(crate) fn attention(
    q: &Tensor,
    k: &Tensor,
    v: &Tensor,
    shape: &AttentionShape,
) -> Result<Tensor, EngineError> {
    let (n_queries, width) = q.dims2()?;
    let (n_keys, d_kv) = k.dims2()?;
    let (q, k, v) = (HostPiece::new(q)?, HostPiece::new(k)?, HostPiece::new(v)?);
    let mut out = vec![0f32; n_queries * width];
    attention_kernels::attention(
        q.rows(n_queries, width),
        k.rows(n_keys, d_kv),
        v.rows(n_keys, d_kv),
        shape,
        RowsMut { data: &mut out, n_rows: n_queries, n_cols: width, stride: width },
    );
    tensor(out, n_queries, width)
}

pub(crate) fn attention_of_runs(
    q: &Tensor,
    keys: AllKeys<'_>,
    runs: &[RunKeys],
    spans: &[QuerySpan],
    shape: &AttentionShape,
) -> Result<Tensor, EngineError> {
    let (n_queries, width) = q.dims2()?;
    let q = HostPiece::new(q)?;
    let (clean_k, clean_v) = (HostPiece::new(keys.clean.0)?, HostPiece::new(keys.clean.1)?);
    let (own_k, own_v) = (HostPiece::new(keys.own.0)?, HostPiece::new(keys.own.1)?);
    let ((n_clean, d_kv), n_own) = (keys.clean.0.dims2()?, keys.own.0.dims2()?.0);
    let mut out = vec![0f32; n_queries * width];
    kernels::attention_of_runs::attention_of_runs(
        q.rows(n_queries, width),
        (clean_k.rows(n_clean, d_kv), clean_v.rows(n_clean, d_kv)),
        (own_k.rows(n_own, d_kv), own_v.rows(n_own, d_kv)),
        (runs, spans),
        shape,
        RowsMut { data: &mut out, n_rows: n_queries, n_cols: width, stride: width },
    );
    tensor(out, n_queries, width)
}

pub(crate) fn pattern_rows(
    q: &Tensor,
    k: &Tensor,
    shape: &AttentionShape,
) -> Result<Tensor, EngineError> {
    rows_by_head(q, k, shape, attention_kernels::RowKind::Pattern)
}

pub(crate) fn dot_rows(
    g: &Tensor,
    v: &Tensor,
    shape: &AttentionShape,
) -> Result<Tensor, EngineError> {
    rows_by_head(g, v, shape, attention_kernels::RowKind::Dots)
}

fn rows_by_head(
    q: &Tensor,
    k: &Tensor,
    shape: &AttentionShape,
    kind: attention_kernels::RowKind,
) -> Result<Tensor, EngineError> {
    let ((n_queries, width), (n_keys, d_kv)) = (q.dims2()?, k.dims2()?);
    let (q, k) = (HostPiece::new(q)?, HostPiece::new(k)?);
    let (q, k) = (q.rows(n_queries, width), k.rows(n_keys, d_kv));
    let rows = attention_kernels::rows_by_head(q, k, shape, kind);
    Ok(Tensor::from_vec(rows, (shape.n_heads, n_queries, n_keys), &Device::Cpu)?)
}

pub(crate) fn attention_backward(
    (q, k, v): (&Tensor, &Tensor, &Tensor),
    z: &Tensor,
    g_z: &Tensor,
    shape: &AttentionShape,
    gradients: Gradients,
) -> Result<AttentionGradients, EngineError> {
    let ((n_queries, width), (n_keys, d_kv)) = (q.dims2()?, k.dims2()?);
    let (q, k, v) = (HostPiece::new(q)?, HostPiece::new(k)?, HostPiece::new(v)?);
    let (z, g_z) = (HostPiece::new(z)?, HostPiece::new(g_z)?);
    let back = backward_kernels::attention_backward(
        (q.rows(n_queries, width), k.rows(n_keys, d_kv), v.rows(n_keys, d_kv)),
        z.rows(n_queries, width),
        g_z.rows(n_queries, width),
        shape,
        gradients == Gradients::True,
    );
    Ok(AttentionGradients {
        g_q: back.g_q.map(|g| tensor(g, n_queries, width)).transpose()?,
        g_k: back.g_k.map(|g| tensor(g, n_keys, d_kv)).transpose()?,
        g_v: tensor(back.g_v, n_keys, d_kv)?,
        knock_out: back.knock_out,
    })
}

/// `x W^T` with some of W's inputs.
pub(crate) fn product(
    linear: &Linear,
    x: &Tensor,
    inputs: Range<usize>,
    with_bias: bool,
) -> Result<Tensor, EngineError> {
    let (n_rows, n_cols) = x.dims2()?;
    let n = linear.n();
    let x = HostPiece::new(x)?;
    let x = x.rows(n_rows, n_cols);
    let bias = linear.bias.as_ref().filter(|_| with_bias).map(|bias| bias.host.as_slice());
    let mut values = vec![0f32; n_rows * n];
    if let Some(sections) = linear.narrow.made().filter(|_| n_rows == 1 && with_bias) {
        let mut rest = values.as_mut_slice();
        for section in sections {
            let (out, behind) = rest.split_at_mut(section.n());
            section.product(x.row(0), out);
            rest = behind;
        }
        for (value, bias) in values.iter_mut().zip(bias.unwrap_or_default()) {
            *value += bias;
        }
        return tensor(values, n_rows, n);
    }
    let out = RowsMut { data: &mut values, n_rows, n_cols: n, stride: n };
    let sections = 0..linear.n_sections();
    match &linear.weights {
        Weights::Packed(packed) => {
            let Ok(()) = kernels::product::product(x, packed, &sections, inputs, bias, out);
        }
        Weights::Stored(stored) => {
            kernels::product::product(x, stored, &sections, inputs, bias, out)?;
        }
        Weights::Tensor(_) => return Err(wrong_way()),
    }
    tensor(values, n_rows, n)
}

/// `g W` with some sections of W.
pub(crate) fn product_transposed(
    linear: &Linear,
    g: &Tensor,
    sections: Range<usize>,
) -> Result<Tensor, EngineError> {
    let (n_rows, n_cols) = g.dims2()?;
    let k = linear.k();
    let g = HostPiece::new(g)?;
    let g = g.rows(n_rows, n_cols);
    let mut values = vec![0f32; n_rows * k];
    let out = RowsMut { data: &mut values, n_rows, n_cols: k, stride: k };
    match &linear.weights {
        Weights::Packed(packed) => {
            let Ok(()) = kernels::product_transposed::product_transposed(g, packed, &sections, out);
        }
        Weights::Stored(stored) => {
            kernels::product_transposed::product_transposed(g, stored, &sections, out)?;
        }
        Weights::Tensor(_) => return Err(wrong_way()),
    }
    tensor(values, n_rows, k)
}

fn wrong_way() -> EngineError {
    EngineError::Device("these weights are tensors; they take the plain way".to_owned())
}
