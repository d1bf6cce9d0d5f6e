//! A glance at a prompt: what comes next, and how each of its tokens was predicted. No routes, no backward pass, so that it keeps
//! up with typing; and the rows that every view of a prompt shares.

use crate::vocabulary::{Predicted, check_finite, log_sum_exp, top};
use limpid_engine::{
    error::EngineError, model_pool::Loaded, pos_tensor::to_host, tokenizer::Token, trace::Trace,
};
use limpid_protocol::{display::text_of_bytes, inspection as wire};

/// The logits after a position, `[d_vocab]`.
///
/// *Cost*: an unembedding of one row.
///
/// # Errors
/// A position out of range; logits that are not finite; the device refused.
pub fn next_logits(
    loaded: &Loaded,
    trace: &Trace,
    position: usize,
) -> Result<Vec<f32>, EngineError> {
    let n_tokens = trace.n_tokens();
    if position >= n_tokens {
        return Err(EngineError::BadRequest(format!(
            "target position {position} is out of range; the prompt has positions 0 to {}",
            n_tokens - 1
        )));
    }
    let model = &loaded.model;
    let resid = trace.resid_after(model.spec.n_layers).narrow(position, 1)?.tensor()?;
    let logits = to_host(&model.logits(&resid)?)?;
    check_finite(&logits)?;
    Ok(logits)
}

/// The model and its shapes.
pub fn model_info(loaded: &Loaded) -> wire::ModelInfo {
    let (spec, compute) = (&loaded.model.spec, &loaded.model.compute);
    wire::ModelInfo {
        name: loaded.name.clone(),
        family: spec.family.to_owned(),
        n_layers: spec.n_layers,
        n_heads: spec.n_heads,
        n_key_value_heads: spec.n_key_value_heads,
        d_model: spec.d_model,
        d_mlp: spec.d_mlp,
        d_vocab: spec.d_vocab,
        dtype: compute.dtype_name().to_owned(),
        device: compute.kind.name().to_owned(),
    }
}

/// A row a token, with how it was predicted: `predicted[i]` is of token `i + 1`.
pub fn token_rows(
    loaded: &Loaded,
    tokens: &[Token],
    predicted: &[Predicted],
) -> Vec<wire::TokenRow> {
    let row = |(index, token): (usize, &Token)| {
        let predicted = index.checked_sub(1).and_then(|at| predicted.get(at));
        wire::TokenRow {
            index,
            id: token.id,
            text: token_text(loaded, token.id),
            start: token.span.as_ref().map(|span| span.start),
            end: token.span.as_ref().map(|span| span.end),
            logprob: predicted.map(|p| p.logprob),
            rank: predicted.map(|p| p.rank),
        }
    };
    tokens.iter().enumerate().map(row).collect()
}

/// The `k` most likely tokens of some logits, most likely first.
pub fn predictions(loaded: &Loaded, logits: &[f32], k: usize) -> Vec<wire::Prediction> {
    let all = log_sum_exp(logits);
    let row = |(id, logit): (u32, f32)| wire::Prediction {
        id,
        text: token_text(loaded, id),
        logit,
        prob: (logit - all).exp(),
    };
    top(logits, k).into_iter().map(row).collect()
}

/// A token's text; without a tokenizer, its id in angle brackets.
pub fn token_text(loaded: &Loaded, id: u32) -> String {
    match &loaded.tokenizer {
        Some(tokenizer) => text_of_bytes(tokenizer.token_bytes(id)),
        None => format!("<{id}>"),
    }
}
