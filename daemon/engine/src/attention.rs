//! Causal attention within one layer, from q and k after positions, and its transpose. Patterns exist for a block of
//! query rows at a time, never for a whole prompt.

use crate::{device::Way, error::EngineError, norm::Gradients};
use candle_core::{D, DType, Tensor};
use std::ops::Range;

/// Query rows whose pattern is in memory at once, at least.
const QUERY_BLOCK: usize = 128;
/// Scores in memory at once on a GPU, where starting an operation costs more than a million of them do. A backward pass over
/// so many takes about a gigabyte.
const GPU_SCORES: usize = 1 << 24;
/// `1 - A` of the knock-out estimate is not taken for smaller than this.
pub(crate) const MIN_REST: f64 = 0.01;

/// What attention needs to know beside q, k and v.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AttentionShape {
    /// Query heads.
    pub n_heads: usize,
    /// Key and value heads.
    pub n_key_value_heads: usize,
    /// Width of a head.
    pub d_head: usize,
    /// Multiplies q . k; above zero.
    pub scale: f64,
    /// A key is visible when `query - key < window`.
    pub window: Option<usize>,
    /// Position of the first query row; key rows start at position 0.
    pub first_query: usize,
}

/// Keys that some queries are kept from seeing: their scores are minus infinity before the softmax.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HiddenKeys {
    /// The head, or every head.
    pub head: Option<usize>,
    /// Positions of the queries.
    pub queries: Range<usize>,
    /// Positions of the keys.
    pub keys: Range<usize>,
}

impl HiddenKeys {
    /// Whether it says something about a head.
    pub fn is_of(&self, head: usize) -> bool {
        self.head.is_none_or(|own| own == head)
    }
}

/// A row that stands in the place of one of a head's pattern.
#[derive(Clone, Debug, PartialEq)]
pub struct ForcedPattern {
    /// The head.
    pub head: usize,
    /// Position of the query.
    pub query: usize,
    /// A weight for each key from position 0 on; keys behind them weigh 0.
    pub weights: Vec<f32>,
}

/// What comes back through attention, queries and keys as in the forward call.
#[derive(Debug)]
pub struct AttentionGradients {
    /// `[n_queries, n_heads * d_head]`; true gradients only.
    pub g_q: Option<Tensor>,
    /// `[n_keys, n_key_value_heads * d_head]`; true gradients only.
    pub g_k: Option<Tensor>,
    /// `[n_keys, n_key_value_heads * d_head]`
    pub g_v: Tensor,
    /// `[n_keys]`: first-order effect of hiding key i from every later query of the call, patterns renormalised.
    pub knock_out: Vec<f32>,
}

impl AttentionShape {
    pub(crate) fn group_size(&self) -> usize {
        self.n_heads / self.n_key_value_heads
    }

    /// Blocks of query rows whose patterns are in memory at once: the first row of each, and how many.
    fn blocks(&self, q: &Tensor, k: &Tensor) -> Result<Vec<(usize, usize)>, EngineError> {
        let (n_rows, n_keys) = (q.dims2()?.0, k.dims2()?.0);
        let most = match q.device().is_cpu() {
            true => QUERY_BLOCK,
            false => (GPU_SCORES / (self.n_heads * n_keys).max(1)).max(QUERY_BLOCK),
        };
        Ok((0..n_rows).step_by(most).map(|start| (start, most.min(n_rows - start))).collect())
    }

    /// `[rows, n_heads * d]` -> `[n_key_value_heads, group * rows, d]`: heads that share keys side by side.
    fn by_group(&self, x: &Tensor) -> Result<Tensor, EngineError> {
        let rows = x.dims2()?.0;
        Ok(x.reshape((rows, self.n_key_value_heads, self.group_size(), self.d_head))?
            .permute((1, 2, 0, 3))?
            .reshape((self.n_key_value_heads, self.group_size() * rows, self.d_head))?)
    }

    /// The inverse of [`Self::by_group`].
    fn by_row(&self, x: &Tensor) -> Result<Tensor, EngineError> {
        let rows = x.dims3()?.1 / self.group_size();
        Ok(x.reshape((self.n_key_value_heads, self.group_size(), rows, self.d_head))?
            .permute((2, 0, 1, 3))?
            .reshape((rows, self.n_heads * self.d_head))?)
    }

    /// `[rows, n_key_value_heads * d]` -> `[n_key_value_heads, rows, d]`
    fn keys_by_head(&self, x: &Tensor) -> Result<Tensor, EngineError> {
        let rows = x.dims2()?.0;
        Ok(x.reshape((rows, self.n_key_value_heads, self.d_head))?.transpose(0, 1)?.contiguous()?)
    }

    /// The inverse of [`Self::keys_by_head`].
    fn keys_by_row(&self, x: &Tensor) -> Result<Tensor, EngineError> {
        let rows = x.dims3()?.1;
        Ok(x.transpose(0, 1)?.reshape((rows, self.n_key_value_heads * self.d_head))?)
    }

    /// Whether a query sees a key, both as positions.
    pub fn sees(&self, query: usize, key: usize) -> bool {
        key <= query && self.window.is_none_or(|window| query - key < window)
    }

    /// 0 where a query sees a key, -inf elsewhere: `[n_queries, n_keys]`.
    fn mask(&self, first: usize, n_queries: usize, like: &Tensor) -> Result<Tensor, EngineError> {
        let distance = distances(first, n_queries, like)?;
        let mut hidden = distance.lt(0.0)?;
        if let Some(window) = self.window {
            hidden = (hidden + distance.ge(window as f64)?)?;
        }
        let zeros = distance.zeros_like()?;
        let infinity = zeros.affine(1.0, f64::NEG_INFINITY)?;
        Ok(hidden.where_cond(&infinity, &zeros)?.to_dtype(like.dtype())?)
    }

    /// Patterns of a block of query rows: `[n_key_value_heads, group * rows, n_keys]`.
    fn pattern(&self, q: &Tensor, keys: &Tensor, first: usize) -> Result<Tensor, EngineError> {
        let rows = q.dims3()?.1 / self.group_size();
        let scores = (q.matmul(&keys.transpose(1, 2)?)? * self.scale)?;
        let n_keys = scores.dim(D::Minus1)?;
        let scores = scores
            .reshape((self.n_heads, rows, n_keys))?
            .broadcast_add(&self.mask(first, rows, &scores)?)?;
        let exp = scores.broadcast_sub(&scores.max_keepdim(D::Minus1)?)?.exp()?;
        let pattern = exp.broadcast_div(&exp.sum_keepdim(D::Minus1)?)?;
        Ok(pattern.reshape((self.n_key_value_heads, self.group_size() * rows, n_keys))?)
    }
}

/// Attention output before the output projection.
///
/// *Shapes*: q `[n_queries, n_heads * d_head]`, k and v `[n_keys, n_key_value_heads * d_head]` -> z like q.
/// *Cost*: `4 n_heads d_head n_queries n_keys` flops; memory of 128 pattern rows, on a GPU of more.
///
/// # Errors
/// The device refused.
pub fn attention(
    q: &Tensor,
    k: &Tensor,
    v: &Tensor,
    shape: &AttentionShape,
    way: Way,
) -> Result<Tensor, EngineError> {
    if way == Way::Kernels {
        return crate::kernel_ops::attention(q, k, v, shape);
    }
    let (keys, values) = (shape.keys_by_head(k)?, shape.keys_by_head(v)?);
    let blocks = shape
        .blocks(q, k)?
        .into_iter()
        .map(|(start, rows)| {
            let block = shape.by_group(&q.narrow(0, start, rows)?)?;
            let pattern = shape.pattern(&block, &keys, shape.first_query + start)?;
            shape.by_row(&pattern.matmul(&values)?)
        })
        .collect::<Result<Vec<_>, EngineError>>()?;
    Ok(if blocks.is_empty() { q.zeros_like()? } else { Tensor::cat(&blocks, 0)? })
}

/// Rows of the pattern of every head.
///
/// *Shapes*: q `[n_queries, n_heads * d_head]`, k `[n_keys, ..]` -> `[n_heads, n_queries, n_keys]`, exactly 0 where masked.
///
/// # Errors
/// The device refused.
pub fn pattern_rows(
    q: &Tensor,
    k: &Tensor,
    shape: &AttentionShape,
    way: Way,
) -> Result<Tensor, EngineError> {
    if way == Way::Kernels {
        return crate::kernel_ops::pattern_rows(q, k, shape);
    }
    let n_queries = q.dims2()?.0;
    let pattern = shape.pattern(&shape.by_group(q)?, &shape.keys_by_head(k)?, shape.first_query)?;
    Ok(pattern.reshape((shape.n_heads, n_queries, k.dims2()?.0))?)
}

/// Products of each head's columns of `g` with the values (or keys) that the head reads, neither scaled nor normalised.
///
/// *Shapes*: g `[n_queries, n_heads * d_head]`, v `[n_keys, n_key_value_heads * d_head]` -> `[n_heads, n_queries, n_keys]`;
/// keys after the query hold any finite number. *Cost*: `2 n_heads d_head n_queries n_keys` flops.
///
/// # Errors
/// The device refused.
pub fn dot_rows(
    g: &Tensor,
    v: &Tensor,
    shape: &AttentionShape,
    way: Way,
) -> Result<Tensor, EngineError> {
    if way == Way::Kernels {
        return crate::kernel_ops::dot_rows(g, v, shape);
    }
    let dots = shape.by_group(g)?.matmul(&shape.keys_by_head(v)?.transpose(1, 2)?)?;
    Ok(dots.reshape((shape.n_heads, g.dims2()?.0, v.dims2()?.0))?)
}

/// The transpose of [`attention`], and the knock-out estimate that falls out of it.
///
/// *Shapes*: as in [`attention`]; z and g_z like q. *Cost*: about 2.5 times the forward's when true.
/// *Source*: attribution definitions, attention row; knock-out: attribution patching, first order, softmax renormalised exactly.
///
/// # Errors
/// The device refused.
pub fn attention_backward(
    (q, k, v): (&Tensor, &Tensor, &Tensor),
    z: &Tensor,
    g_z: &Tensor,
    shape: &AttentionShape,
    gradients: Gradients,
    way: Way,
) -> Result<AttentionGradients, EngineError> {
    if way == Way::Kernels {
        return crate::kernel_ops::attention_backward((q, k, v), z, g_z, shape, gradients);
    }
    let (keys, values) = (shape.keys_by_head(k)?, shape.keys_by_head(v)?);
    let mut g_keys = keys.zeros_like()?;
    let mut g_values = values.zeros_like()?;
    let mut g_q = Vec::new();
    let mut knock_out = Tensor::zeros(k.dims2()?.0, DType::F64, k.device())?;
    for (start, rows) in shape.blocks(q, k)? {
        let first = shape.first_query + start;
        let block = |x: &Tensor| shape.by_group(&x.narrow(0, start, rows)?);
        let (q, z, g_z) = (block(q)?, block(z)?, block(g_z)?);
        let pattern = shape.pattern(&q, &keys, first)?;
        let g_pattern = g_z.matmul(&values.transpose(1, 2)?)?;
        g_values = (g_values + pattern.transpose(1, 2)?.matmul(&g_z)?)?;
        let g_z_dot_z = (&g_z * &z)?.sum_keepdim(D::Minus1)?;
        let block = knock_out_of_block(&pattern, &g_pattern, &g_z_dot_z, first, shape)?;
        knock_out = (knock_out + block)?;
        if gradients == Gradients::True {
            let mean = (&pattern * &g_pattern)?.sum_keepdim(D::Minus1)?;
            let g_scores = ((pattern * g_pattern.broadcast_sub(&mean)?)? * shape.scale)?;
            g_q.push(shape.by_row(&g_scores.matmul(&keys)?)?);
            g_keys = (g_keys + g_scores.transpose(1, 2)?.matmul(&q)?)?;
        }
    }
    let is_true = gradients == Gradients::True;
    let whole_g_q = || if g_q.is_empty() { q.zeros_like() } else { Tensor::cat(&g_q, 0) };
    Ok(AttentionGradients {
        g_q: if is_true { Some(whole_g_q()?) } else { None },
        g_k: if is_true { Some(shape.keys_by_row(&g_keys)?) } else { None },
        g_v: shape.keys_by_row(&g_values)?,
        knock_out: knock_out.to_dtype(DType::F32)?.to_vec1()?,
    })
}

/// `- sum over heads and queries > key of A / max(1 - A, 0.01) * g_z . (z - v)`, `[n_keys]` in f64.
/// `1 - A` of the one weight that can be above a half is the sum of the others, not a difference.
fn knock_out_of_block(
    pattern: &Tensor,
    g_pattern: &Tensor,
    g_z_dot_z: &Tensor,
    first: usize,
    shape: &AttentionShape,
) -> Result<Tensor, EngineError> {
    let (pattern, g_pattern) = (pattern.to_dtype(DType::F64)?, g_pattern.to_dtype(DType::F64)?);
    let dominant = pattern.gt(0.5)?;
    let zeros = pattern.zeros_like()?;
    let others = dominant.where_cond(&zeros, &pattern)?.sum_keepdim(D::Minus1)?;
    let rest = dominant
        .where_cond(&others.broadcast_as(pattern.shape())?, &pattern.affine(-1.0, 1.0)?)?
        .maximum(MIN_REST)?;
    let difference = g_z_dot_z.to_dtype(DType::F64)?.broadcast_sub(&g_pattern)?;
    let terms = ((pattern / rest)? * difference)?;
    let (n_kv, group_rows, n_keys) = terms.dims3()?;
    let rows = group_rows / shape.group_size();
    let later = distances(first, rows, &terms)?.gt(0.0)?.to_dtype(DType::F64)?.affine(-1.0, 0.0)?;
    let terms = terms.reshape((n_kv * shape.group_size(), rows, n_keys))?;
    Ok(terms.broadcast_mul(&later)?.sum((0, 1))?)
}

/// How many positions each key of `like` (its last axis) lies before each query: `[n_queries, n_keys]`, in f32. Made where
/// `like` is: as a table from the host it would have to cross to a GPU for every block of every layer.
fn distances(first: usize, n_queries: usize, like: &Tensor) -> Result<Tensor, EngineError> {
    let positions =
        |start: usize, n: usize| Tensor::arange(start as f32, (start + n) as f32, like.device());
    let (queries, keys) = (positions(first, n_queries)?, positions(0, like.dim(D::Minus1)?)?);
    Ok(queries.unsqueeze(1)?.broadcast_sub(&keys.unsqueeze(0)?)?)
}
