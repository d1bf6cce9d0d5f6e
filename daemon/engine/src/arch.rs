//! The supported families: one row each in [`FAMILIES`]. A family is data: how its config is read and what its weights are called.
//! It has no forward pass of its own; `block` is the only one.

mod config;
pub(crate) mod from_gguf;
mod gemma3_text;
mod gpt2;
mod llama;
mod names;

pub use config::Config;
pub use names::{GGUF, GGUF_FUSED_QKV, LayerNames, Names, QkvNames};

use crate::{error::EngineError, model_spec::ModelSpec};

/// A family of models that share config keys and weight names.
#[derive(Debug)]
pub struct Family {
    /// `model_type` in config.json.
    pub name: &'static str,
    /// `general.architecture` of a GGUF file.
    pub gguf_name: &'static str,
    /// Reads config.json, in the 4.x and the 5.x spelling.
    pub spec: fn(&Config<'_>) -> Result<ModelSpec, EngineError>,
    /// Turns GGUF metadata into the keys of config.json that `spec` reads; what every family shares is filled in already.
    pub gguf_keys: fn(&GgufKeys<'_>, &mut serde_json::Map<String, serde_json::Value>),
    /// Weight names in safetensors files.
    pub names: Names,
    /// GGUF files hold the rows of q and k permuted for interleaved rotary pairs.
    pub gguf_permutes_qk: bool,
    /// GGUF files hold norm weights with the one already added.
    pub gguf_adds_one_to_norms: bool,
}

/// Numbers and texts of a GGUF file's metadata, with the architecture's prefix already in place.
pub struct GgufKeys<'a> {
    /// Looks a number up: `attention.sliding_window`, without the prefix.
    pub number: &'a dyn Fn(&str) -> Option<f64>,
}

impl std::fmt::Debug for GgufKeys<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("GgufKeys")
    }
}

/// The one table of supported families.
pub const FAMILIES: &[Family] = &[llama::FAMILY, gpt2::FAMILY, gemma3_text::FAMILY];

/// Comma-separated names of all families, for messages.
pub fn supported() -> String {
    FAMILIES.iter().map(|family| family.name).collect::<Vec<_>>().join(", ")
}
