//! A model's files seen as one thing: its spec, its family's names, its tensors. From here on nobody asks whether it was
//! a safetensors folder or a GGUF file.

use crate::{
    arch::{Config, FAMILIES, Family, Names, QkvNames, from_gguf, supported},
    error::EngineError,
    linear::StoredSection,
    model_spec::ModelSpec,
    tensor_file::TensorFile,
};
use serde_json::{Map, Value};
use std::{path::Path, sync::Arc};

/// A part of a fused matrix: tensor, first row in it, rows, and the tensor's rows in all.
pub type Part = (String, usize, usize, usize);

/// An opened model, nothing decoded yet.
#[derive(Debug)]
pub struct Checkpoint {
    /// Its structure.
    pub spec: ModelSpec,
    /// Its tensors.
    pub file: Arc<dyn TensorFile>,
    names: Names,
    prefix: &'static str,
    paired_qk: bool,
    norms_plus_one: bool,
}

impl Checkpoint {
    /// A Hugging Face folder: config.json beside safetensors.
    ///
    /// # Errors
    /// config.json is malformed or names a family that is not supported.
    pub fn from_config(
        config_path: &Path,
        config: &Map<String, Value>,
        file: Arc<dyn TensorFile>,
    ) -> Result<Self, EngineError> {
        let config = Config::new(config_path, config);
        let name = config
            .text("model_type")?
            .ok_or_else(|| config.error("model_type", "is missing; it names the model's family"))?;
        let family = family_by(config_path, name, |family| family.name == name)?;
        let spec = checked((family.spec)(&config)?, &config)?;
        let has_prefix = file.names().iter().any(|name| name.starts_with(family.names.prefix));
        Ok(Self {
            norms_plus_one: spec.norm.plus_one,
            spec,
            file,
            names: family.names,
            prefix: if has_prefix { family.names.prefix } else { "" },
            paired_qk: false,
        })
    }

    /// A GGUF file, by its metadata. `text` and `number` look keys up.
    ///
    /// # Errors
    /// The metadata lacks a key or names an architecture that is not supported.
    pub fn from_gguf(
        path: &Path,
        text: &dyn Fn(&str) -> Option<String>,
        number: &dyn Fn(&str) -> Option<f64>,
        d_vocab: usize,
        file: Arc<dyn TensorFile>,
    ) -> Result<Self, EngineError> {
        let architecture = text("general.architecture").ok_or_else(|| {
            EngineError::malformed(
                path,
                "general.architecture",
                "is missing; it names the model's family",
            )
        })?;
        let family = family_by(path, &architecture, |family| family.gguf_name == architecture)?;
        let config = from_gguf::config(family, text, number, d_vocab, file.as_ref())?;
        let config = Config::new(path, &config).spelled_as_gguf(family.gguf_name);
        let spec = checked((family.spec)(&config)?, &config)?;
        let mut names = crate::arch::GGUF;
        if matches!(family.names.layer.qkv, QkvNames::Thirds(_)) {
            names.layer.qkv = crate::arch::GGUF_FUSED_QKV;
        }
        Ok(Self {
            norms_plus_one: spec.norm.plus_one && !family.gguf_adds_one_to_norms,
            spec,
            file,
            names,
            prefix: "",
            paired_qk: family.gguf_permutes_qk,
        })
    }

    /// Weight names.
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// Full name of a tensor of a layer.
    pub fn layer_name(&self, template: &str, layer: usize) -> String {
        format!("{}{}", self.prefix, template.replace("{L}", &layer.to_string()))
    }

    /// Full name of a tensor outside the layers.
    pub fn top_name(&self, template: &str) -> String {
        format!("{}{template}", self.prefix)
    }

    /// A vector of `n` values; norm weights get their one.
    ///
    /// # Errors
    /// Missing, or of another length.
    pub fn vector(
        &self,
        name: &str,
        n: usize,
        is_norm_weight: bool,
    ) -> Result<Vec<f32>, EngineError> {
        self.check_shape(name, &[n])?;
        let mut values = vec![0f32; n];
        self.file.read_rows(name, 0, &mut values)?;
        if is_norm_weight && self.norms_plus_one {
            for value in &mut values {
                *value += 1.0;
            }
        }
        Ok(values)
    }

    /// The bias that belongs to a weight's name.
    pub fn bias_name(weight: &str) -> String {
        weight
            .strip_suffix("weight")
            .map_or_else(|| format!("{weight}.bias"), |stem| format!("{stem}bias"))
    }

    /// Checks that matrices are there, `k` wide and as high as their parts say.
    ///
    /// # Errors
    /// A tensor is missing or of another shape.
    pub fn check_parts(&self, parts: &[Part], k: usize) -> Result<(), EngineError> {
        parts.iter().try_for_each(|(tensor, _, _, n_stored)| {
            let shape = if self.names.transposed { [k, *n_stored] } else { [*n_stored, k] };
            self.check_shape(tensor, &shape)
        })
    }

    /// Matrices that read the same input, fused.
    ///
    /// # Errors
    /// A tensor is missing or of another shape.
    pub fn sections(
        &self,
        parts: &[Part],
        k: usize,
        paired_heads: [bool; 3],
    ) -> Result<Vec<StoredSection>, EngineError> {
        self.check_parts(parts, k)?;
        let mut decoded: Option<(String, Arc<Vec<f32>>)> = None;
        let mut sections = Vec::new();
        for (index, (tensor, first_row, n, n_stored)) in parts.iter().enumerate() {
            let transposed = match &decoded {
                _ if !self.names.transposed => None,
                Some((name, values)) if name == tensor => Some(Arc::clone(values)),
                _ => {
                    let mut values = vec![0f32; k * n_stored];
                    self.file.read_rows(tensor, 0, &mut values)?;
                    let values = Arc::new(values);
                    decoded = Some((tensor.clone(), Arc::clone(&values)));
                    Some(values)
                }
            };
            let paired = self.paired_qk && paired_heads.get(index).copied().unwrap_or(false);
            sections.push(StoredSection {
                file: Arc::clone(&self.file),
                tensor: tensor.clone(),
                first_row: *first_row,
                n: *n,
                transposed,
                paired_heads: paired.then_some(self.spec.d_head),
            });
        }
        Ok(sections)
    }

    /// A table whose rows are looked up: always `[n, k]` as stored.
    ///
    /// # Errors
    /// Missing, or of another shape.
    pub fn table(
        &self,
        name: String,
        n: usize,
        k: usize,
    ) -> Result<Vec<StoredSection>, EngineError> {
        self.check_shape(&name, &[n, k])?;
        Ok(vec![StoredSection {
            file: Arc::clone(&self.file),
            tensor: name,
            first_row: 0,
            n,
            transposed: None,
            paired_heads: None,
        }])
    }

    /// Whether matrices must be decoded at load because the file holds them the other way round.
    pub fn must_decode(&self) -> bool {
        self.names.transposed
    }

    fn check_shape(&self, name: &str, shape: &[usize]) -> Result<(), EngineError> {
        let Some(info) = self.file.info(name) else {
            return Err(EngineError::malformed(
                self.file.path(name),
                name,
                format!("tensor is missing; the {} family needs it", self.spec.family),
            ));
        };
        if info.shape != shape {
            return Err(EngineError::malformed(
                self.file.path(name),
                name,
                format!("has shape {:?}; the config says {shape:?}", info.shape),
            ));
        }
        Ok(())
    }
}

fn family_by(
    path: &Path,
    name: &str,
    is: impl Fn(&Family) -> bool,
) -> Result<&'static Family, EngineError> {
    FAMILIES
        .iter()
        .find(|family| is(family))
        .ok_or_else(|| EngineError::unknown_family(path, name, supported()))
}

/// Refuses a spec whose dimensions contradict each other.
fn checked(spec: ModelSpec, config: &Config<'_>) -> Result<ModelSpec, EngineError> {
    let whole = |n: usize, by: usize| n > 0 && by > 0 && n.is_multiple_of(by);
    if !whole(spec.n_heads, spec.n_key_value_heads) {
        return Err(config.error(
            "num_key_value_heads",
            format!("{} does not divide {} query heads", spec.n_key_value_heads, spec.n_heads),
        ));
    }
    if spec.d_head == 0 || spec.d_head > spec.d_model.max(1 << 12) {
        return Err(config.error("head_dim", format!("{} is not a head's width", spec.d_head)));
    }
    if let Some(rotary) = spec.rotaries.iter().find(|r| !r.d_rotary.is_multiple_of(2)) {
        return Err(config
            .error("head_dim", format!("rotary needs an even width, not {}", rotary.d_rotary)));
    }
    Ok(spec)
}
