//! Reading config.json: typed getters that name the file and the field when something is missing, of the wrong type or out of range.

use crate::{
    arch::from_gguf,
    error::EngineError,
    model_spec::{Activation, RotaryScaling, RotarySpec},
};
use serde_json::{Map, Value};
use std::path::Path;

/// Larger than any dimension of any model; a config beyond it is refused before anything is allocated.
const DIMENSION_LIMIT: u64 = 1 << 24;
/// More layers than any model has.
const LAYER_LIMIT: usize = 1 << 12;
/// Characters of a wrong value that a message repeats.
const SHOWN_CHARS: usize = 64;

/// One object of a config file, with the path that leads to it.
#[derive(Clone, Debug)]
pub struct Config<'a> {
    path: &'a Path,
    at: String,
    object: &'a Map<String, Value>,
    /// The architecture whose metadata this was, where messages should name its keys.
    gguf_prefix: Option<&'a str>,
}

impl<'a> Config<'a> {
    /// The top object of the config file at `path`.
    pub fn new(path: &'a Path, object: &'a Map<String, Value>) -> Self {
        Self { path, at: String::new(), object, gguf_prefix: None }
    }

    /// The same, made of a GGUF file's metadata under this prefix: messages name the file's own keys.
    pub fn spelled_as_gguf(self, prefix: &'a str) -> Self {
        Self { gguf_prefix: Some(prefix), ..self }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        self.path
    }

    /// An error about `field` of this object.
    pub fn error(&self, field: &str, problem: impl Into<String>) -> EngineError {
        let field = match self.gguf_prefix {
            Some(prefix) => from_gguf::spelled(prefix, field),
            None => format!("{}{field}", self.at),
        };
        EngineError::malformed(self.path, field, problem)
    }

    fn value(&self, field: &str) -> Option<&'a Value> {
        self.object.get(field).filter(|value| !value.is_null())
    }

    /// The object in `field`, if there is one.
    pub fn object(&self, field: &str) -> Result<Option<Config<'a>>, EngineError> {
        match self.value(field) {
            None => Ok(None),
            Some(Value::Object(object)) => {
                Ok(Some(Config { at: format!("{}{field}.", self.at), object, ..self.clone() }))
            }
            Some(_) => Err(self.error(field, "must be an object")),
        }
    }

    /// A dimension: a whole number from 1 to 2^24.
    pub fn size(&self, field: &str) -> Result<usize, EngineError> {
        self.optional_size(field)?
            .ok_or_else(|| self.error(field, "is missing; a whole number was expected"))
    }

    /// A dimension that may be absent.
    pub fn optional_size(&self, field: &str) -> Result<Option<usize>, EngineError> {
        let Some(value) = self.value(field) else { return Ok(None) };
        match value.as_u64() {
            Some(size) if (1..=DIMENSION_LIMIT).contains(&size) => Ok(usize::try_from(size).ok()),
            _ => Err(self.error(
                field,
                format!("must be a whole number from 1 to {DIMENSION_LIMIT}, not {}", shown(value)),
            )),
        }
    }

    /// A number of layers, bounded before anything is kept for each.
    pub fn layers(&self, field: &str) -> Result<usize, EngineError> {
        match self.size(field)? {
            n if n <= LAYER_LIMIT => Ok(n),
            n => Err(self
                .error(field, format!("{n} layers is absurd; at most {LAYER_LIMIT} make sense"))),
        }
    }

    /// The width of a head where the heads share `d_model` out among themselves.
    pub fn head_share(
        &self,
        field: &str,
        d_model: usize,
        n_heads: usize,
    ) -> Result<usize, EngineError> {
        if n_heads > 0 && d_model.is_multiple_of(n_heads) {
            return Ok(d_model / n_heads);
        }
        Err(self.error(field, format!("{n_heads} heads do not share a width of {d_model} evenly")))
    }

    /// A finite number that may be absent.
    pub fn optional_number(&self, field: &str) -> Result<Option<f64>, EngineError> {
        let Some(value) = self.value(field) else { return Ok(None) };
        match value.as_f64() {
            Some(number) if number.is_finite() => Ok(Some(number)),
            _ => Err(self.error(field, format!("must be a finite number, not {}", shown(value)))),
        }
    }

    /// A number above zero, with a default.
    pub fn positive(&self, field: &str, default: f64) -> Result<f64, EngineError> {
        match self.optional_number(field)? {
            None => Ok(default),
            Some(number) if number > 0.0 => Ok(number),
            Some(number) => Err(self.error(field, format!("must be above zero, not {number}"))),
        }
    }

    /// What multiplies attention scores: one over the root of a number above zero, with a default.
    pub fn attention_scale(&self, field: &str, default: f64) -> Result<f64, EngineError> {
        let scale = self.positive(field, default)?.powf(-0.5);
        // A scale that f32 rounds to 0 or to infinity would make every pattern flat or NaN.
        if (scale as f32).is_normal() {
            return Ok(scale);
        }
        let problem = format!("would multiply attention scores by {scale:e}, which is not an f32");
        Err(self.error(field, problem))
    }

    /// A truth value, with a default.
    pub fn flag(&self, field: &str, default: bool) -> Result<bool, EngineError> {
        match self.value(field) {
            None => Ok(default),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(value) => {
                Err(self.error(field, format!("must be true or false, not {}", shown(value))))
            }
        }
    }

    /// A text that may be absent.
    pub fn text(&self, field: &str) -> Result<Option<&'a str>, EngineError> {
        match self.value(field) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(value) => {
                Err(self.error(field, format!("must be a string, not {}", shown(value))))
            }
        }
    }

    /// A list of texts that may be absent.
    pub fn texts(&self, field: &str) -> Result<Option<Vec<&'a str>>, EngineError> {
        let Some(value) = self.value(field) else { return Ok(None) };
        value
            .as_array()
            .and_then(|items| items.iter().map(Value::as_str).collect())
            .map(Some)
            .ok_or_else(|| self.error(field, "must be a list of strings"))
    }

    /// Refuses a setting that this program does not compute, rather than computing something else.
    pub fn refuse(&self, field: &str, unless: &[&str]) -> Result<(), EngineError> {
        match self.value(field) {
            Some(value) if !unless.contains(&value.to_string().as_str()) => {
                Err(self.error(field, format!("{} is not supported", shown(value))))
            }
            _ => Ok(()),
        }
    }

    /// The activation named in the first of `fields` that is there.
    pub fn activation(
        &self,
        fields: &[&str],
        default: Activation,
    ) -> Result<Activation, EngineError> {
        for field in fields {
            if let Some(name) = self.text(field)? {
                return match name {
                    "silu" | "swish" => Ok(Activation::Silu),
                    "gelu_new" | "gelu_pytorch_tanh" | "gelu_fast" => Ok(Activation::GeluTanh),
                    "gelu" => Ok(Activation::GeluErf),
                    "relu" => Ok(Activation::Relu),
                    _ => Err(self.error(
                        field,
                        format!("activation `{name:.64}` is not supported; supported: silu, gelu_new, gelu_pytorch_tanh, gelu, relu"),
                    )),
                };
            }
        }
        Ok(default)
    }

    /// The rotary settings in this object, in either spelling: 5.x keeps `rope_theta` and the scaling together in
    /// `rope_parameters` (which is then this object), 4.x keeps them apart as `rope_theta` and `rope_scaling`.
    pub fn rotary(&self, d_head: usize, default_theta: f64) -> Result<RotarySpec, EngineError> {
        let scaling = match self.object("rope_parameters")? {
            Some(parameters) => return parameters.rotary(d_head, default_theta),
            None => match self.object("rope_scaling")? {
                Some(scaling) => scaling.rotary_scaling(self)?,
                None => self.rotary_scaling(self)?,
            },
        };
        let share = self.positive("partial_rotary_factor", 1.0)?;
        let d_rotary = (d_head as f64 * share) as usize;
        if d_rotary == 0 || d_rotary > d_head || !d_rotary.is_multiple_of(2) {
            return Err(self.error(
                "partial_rotary_factor",
                format!("rotates {d_rotary} of {d_head} dimensions; an even number was expected"),
            ));
        }
        Ok(RotarySpec { theta: self.positive("rope_theta", default_theta)?, d_rotary, scaling })
    }

    fn rotary_scaling(&self, top: &Config<'_>) -> Result<RotaryScaling, EngineError> {
        let kind = match self.text("rope_type")? {
            Some(kind) => kind,
            None => self.text("type")?.unwrap_or("default"),
        };
        match kind {
            "default" => Ok(RotaryScaling::None),
            "linear" => Ok(RotaryScaling::Linear(self.positive("factor", 1.0)?)),
            "llama3" => {
                let original = match self.optional_number("original_max_position_embeddings")? {
                    Some(original) => original,
                    None => top.positive("max_position_embeddings", 8192.0)?,
                };
                let (low, high) = (
                    self.positive("low_freq_factor", 1.0)?,
                    self.positive("high_freq_factor", 4.0)?,
                );
                if high <= low {
                    return Err(self.error("high_freq_factor", "must be above low_freq_factor"));
                }
                Ok(RotaryScaling::Llama3 {
                    factor: self.positive("factor", 8.0)?,
                    low_freq_factor: low,
                    high_freq_factor: high,
                    original_n_ctx: original,
                })
            }
            "per_frequency" => {
                let factors = self.value("factors").and_then(Value::as_array).and_then(|factors| {
                    factors.iter().map(|factor| factor.as_f64().map(|f| f as f32)).collect()
                });
                factors
                    .map(RotaryScaling::PerFrequency)
                    .ok_or_else(|| self.error("factors", "must be a list of numbers"))
            }
            other => Err(self.error(
                "rope_type",
                format!(
                    "rotary scaling `{other:.64}` is not supported; supported: default, linear, llama3"
                ),
            )),
        }
    }
}

/// A value as a message repeats it: on one line, and never longer than a line.
fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
