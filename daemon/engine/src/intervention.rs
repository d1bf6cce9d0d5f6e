//! What can be changed in a run of the model: tokens and what they see, activations at any hook, and values from another
//! prompt's run. Definitions only; `changed_run` turns a list of them into a plan, `changed_batch` runs it.

use crate::{error::EngineError, hook_name::Hook, model_spec::ModelSpec, trace::Trace};
use std::{ops::Range, sync::Arc};

/// One change. Positions are those of the unchanged prompt, whatever stands beside it. Several act together.
#[derive(Clone, Debug)]
pub enum Intervention {
    /// In every layer and head, queries behind the tokens do not see them; among themselves they see as before.
    Knockout {
        /// Which tokens; at least one.
        tokens: Range<usize>,
    },
    /// One entry of one pattern is masked before the softmax.
    EdgeKnockout {
        /// The layer.
        layer: usize,
        /// The head.
        head: usize,
        /// Position that looks.
        query: usize,
        /// Position that is looked at.
        key: usize,
    },
    /// Tokens are taken out, positions close up. The target moves with its token, or to the one before when that is gone.
    Delete {
        /// Which tokens; at least one.
        tokens: Range<usize>,
    },
    /// Tokens give way to others, as many or not; an empty range puts them before the token there.
    Replace {
        /// Which tokens.
        tokens: Range<usize>,
        /// What comes in their place.
        with: Vec<u32>,
    },
    /// Values at a hook are changed.
    Edit {
        /// Where.
        site: Site,
        /// How.
        change: Change,
    },
    /// Values at a hook come from another run of as many tokens.
    Patch {
        /// Where.
        site: Site,
        /// The other run.
        from: Arc<Trace>,
    },
}

/// A part of an activation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Site {
    /// The layer.
    pub layer: usize,
    /// The activation.
    pub hook: Hook,
    /// One head (key and value head at k and v) or neuron of it; none: all of it.
    pub index: Option<usize>,
    /// One position; none: every position, also of tokens that are written behind the prompt.
    pub position: Option<usize>,
}

/// What happens to values.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// Multiplied.
    Scale(f32),
    /// Replaced, by one value for each or by one for all.
    Set(Vec<f32>),
    /// Added to, one value for each.
    Add(Vec<f32>),
}

pub(crate) fn wrong<T>(problem: String) -> Result<T, EngineError> {
    Err(EngineError::BadRequest(problem))
}

fn check_below(what: &str, value: usize, n: usize, whose: &str) -> Result<(), EngineError> {
    if value < n {
        return Ok(());
    }
    wrong(format!("{what} {value} is out of range; the {whose} has {what}s 0 to {}", n - 1))
}

/// Whether tokens lie in the prompt.
///
/// # Errors
/// They do not, or there are none of them where some are needed.
pub(crate) fn check_tokens(
    tokens: &Range<usize>,
    n_tokens: usize,
    may_be_empty: bool,
) -> Result<(), EngineError> {
    let Range { start, end } = *tokens;
    if start > end || end > n_tokens || (start == end && !may_be_empty) {
        let needs = if may_be_empty { "ends at or behind" } else { "ends behind" };
        return wrong(format!(
            "tokens {start}:{end} are out of range; a span {needs} its start and at most at {n_tokens}, the end of the prompt"
        ));
    }
    Ok(())
}

impl Site {
    /// Whether it exists.
    ///
    /// # Errors
    /// It names a layer, head, neuron or position that does not exist.
    pub(crate) fn check(&self, spec: &ModelSpec, n_tokens: usize) -> Result<(), EngineError> {
        check_below("layer", self.layer, spec.n_layers, "model")?;
        if !self.hook.exists_in(spec) {
            return wrong(format!("the model has no {}", self.hook.name(self.layer)));
        }
        if let Some(index) = self.index {
            let Some((n, what)) = self.hook.parts(spec) else {
                let name = self.hook.name(self.layer);
                return wrong(format!("{name} has no heads or neurons; leave the index out"));
            };
            check_below(what, index, n, "layer")?;
        }
        match self.position {
            Some(position) => check_below("position", position, n_tokens, "prompt"),
            None => Ok(()),
        }
    }

    /// Its columns in a row of the tensor that the forward pass has there (gate and up lie side by side).
    pub(crate) fn columns(&self, spec: &ModelSpec) -> Range<usize> {
        let first = if self.hook == Hook::PreLinear { spec.d_mlp } else { 0 };
        let n_parts = self.hook.parts(spec).map_or(1, |(n, _)| n);
        let width = self.hook.row_width(spec) / n_parts;
        match self.index {
            Some(index) => first + index * width..first + (index + 1) * width,
            None => first..first + n_parts * width,
        }
    }
}

impl Change {
    /// Whether the values are finite and as many as there are columns.
    ///
    /// # Errors
    /// They are not.
    pub(crate) fn check(&self, n_columns: usize) -> Result<(), EngineError> {
        let values = match self {
            Self::Scale(factor) => std::slice::from_ref(factor),
            Self::Set(values) | Self::Add(values) => values.as_slice(),
        };
        if let Some(at) = values.iter().position(|value| !value.is_finite()) {
            return wrong(format!("value {at} is {}; values are finite numbers", values[at]));
        }
        let may_be_one = !matches!(self, Self::Add(_));
        if values.len() != n_columns && !(may_be_one && values.len() == 1) {
            let or_one = if may_be_one { ", or one for all of them" } else { "" };
            return wrong(format!(
                "there are {} values; it takes {n_columns}{or_one}",
                values.len()
            ));
        }
        Ok(())
    }
}

impl Hook {
    /// Heads or neurons of a row, and what they are called; none where a row is whole.
    fn parts(self, spec: &ModelSpec) -> Option<(usize, &'static str)> {
        match self {
            Self::Q | Self::Z | Self::Pattern => Some((spec.n_heads, "head")),
            Self::K | Self::V => Some((spec.n_key_value_heads, "head")),
            Self::Pre | Self::PreLinear | Self::Post => Some((spec.d_mlp, "neuron")),
            Self::ResidPre | Self::ResidMid | Self::ResidPost | Self::AttnOut | Self::MlpOut => {
                None
            }
        }
    }

    /// Values of a row; of a pattern, which is as wide as the prompt is long, none.
    fn row_width(self, spec: &ModelSpec) -> usize {
        match self {
            Self::Q | Self::Z => spec.d_q(),
            Self::K | Self::V => spec.d_kv(),
            Self::Pre | Self::PreLinear | Self::Post => spec.d_mlp,
            Self::Pattern => 0,
            Self::ResidPre | Self::ResidMid | Self::ResidPost | Self::AttnOut | Self::MlpOut => {
                spec.d_model
            }
        }
    }
}

impl Intervention {
    /// Whether it can be done to a prompt.
    ///
    /// # Errors
    /// It names something that does not exist, values that are not finite or not as many as they must be, or a run of another
    /// length.
    pub(crate) fn check(&self, spec: &ModelSpec, n_tokens: usize) -> Result<(), EngineError> {
        match self {
            Self::Knockout { tokens } | Self::Delete { tokens } => {
                check_tokens(tokens, n_tokens, false)
            }
            Self::Replace { tokens, with } => {
                check_tokens(tokens, n_tokens, true)?;
                if tokens.is_empty() && with.is_empty() {
                    return wrong("nothing is replaced by nothing; give tokens".to_owned());
                }
                match with.iter().find(|&&id| id as usize >= spec.d_vocab) {
                    Some(id) => wrong(format!(
                        "token id {id} is out of range; the model has ids 0 to {}",
                        spec.d_vocab - 1
                    )),
                    None => Ok(()),
                }
            }
            Self::EdgeKnockout { layer, head, query, key } => {
                check_below("layer", *layer, spec.n_layers, "model")?;
                check_below("head", *head, spec.n_heads, "layer")?;
                check_below("position", *query, n_tokens, "prompt")?;
                if key > query {
                    return wrong(format!(
                        "position {query} does not see {key}, which is behind it"
                    ));
                }
                if *query == 0 {
                    return wrong(
                        "position 0 sees itself only; that edge cannot be masked".to_owned(),
                    );
                }
                Ok(())
            }
            Self::Edit { site, change } => {
                site.check(spec, n_tokens)?;
                if site.hook == Hook::Pattern {
                    return wrong(
                        "a pattern is changed by edge_knockout or patch, not by values".to_owned(),
                    );
                }
                change.check(site.columns(spec).len())
            }
            Self::Patch { site, from } => {
                site.check(spec, n_tokens)?;
                if !from.may_be_of(spec) {
                    return wrong(
                        "the run to patch from is another model's; run the other prompt on this one"
                            .to_owned(),
                    );
                }
                if from.n_tokens() != n_tokens {
                    return wrong(format!(
                        "the prompt to patch from has {} tokens and this one {n_tokens}; make them as many",
                        from.n_tokens()
                    ));
                }
                Ok(())
            }
        }
    }
}
