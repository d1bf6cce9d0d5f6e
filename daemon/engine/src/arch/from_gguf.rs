//! GGUF metadata as the config.json that a family reads, and back: which key of the file a message should name.

use crate::{
    arch::{Family, GgufKeys},
    error::EngineError,
    tensor_file::TensorFile,
};
use serde_json::{Map, Value};

/// Whole numbers: key of config.json, and of the metadata behind the architecture's prefix.
const SIZES: [(&str, &str); 7] = [
    ("hidden_size", "embedding_length"),
    ("num_hidden_layers", "block_count"),
    ("num_attention_heads", "attention.head_count"),
    ("num_key_value_heads", "attention.head_count_kv"),
    ("head_dim", "attention.key_length"),
    ("intermediate_size", "feed_forward_length"),
    ("max_position_embeddings", "context_length"),
];
/// Other numbers.
const NUMBERS: [(&str, &str); 3] = [
    ("rms_norm_eps", "attention.layer_norm_rms_epsilon"),
    ("layer_norm_eps", "attention.layer_norm_epsilon"),
    ("rope_theta", "rope.freq_base"),
];
/// What families call theirs, for messages only.
const OTHER_NAMES: [(&str, &str); 8] = [
    ("n_embd", "embedding_length"),
    ("n_layer", "block_count"),
    ("n_head", "attention.head_count"),
    ("n_inner", "feed_forward_length"),
    ("n_positions", "context_length"),
    ("layer_norm_epsilon", "attention.layer_norm_epsilon"),
    ("sliding_window", "attention.sliding_window"),
    ("rope_type", "rope.scaling.type"),
];
/// Longest table of rotary factors that is read.
const MAX_FACTORS: usize = 1 << 16;

/// The key of the metadata that became `field`.
pub(super) fn spelled(prefix: &str, field: &str) -> String {
    let mut names = SIZES.iter().chain(&NUMBERS).chain(&OTHER_NAMES);
    names
        .find(|(ours, _)| *ours == field)
        .map_or_else(|| field.to_owned(), |(_, theirs)| format!("{prefix}.{theirs}"))
}

/// The keys that a config.json would have. `text` and `number` look metadata up.
///
/// # Errors
/// The tensor of rotary factors cannot be read.
pub(crate) fn config(
    family: &Family,
    text: &dyn Fn(&str) -> Option<String>,
    number: &dyn Fn(&str) -> Option<f64>,
    d_vocab: usize,
    file: &dyn TensorFile,
) -> Result<Map<String, Value>, EngineError> {
    let key = |name: &str| format!("{}.{name}", family.gguf_name);
    let own = |name: &str| number(&key(name));
    let mut config = Map::new();
    for (ours, theirs) in SIZES {
        if let Some(value) = own(theirs) {
            config.insert(ours.to_owned(), Value::from(value as u64));
        }
    }
    for (ours, theirs) in NUMBERS {
        if let Some(value) = own(theirs) {
            config.insert(ours.to_owned(), Value::from(value));
        }
    }
    config.insert("vocab_size".to_owned(), Value::from(d_vocab));
    config.insert(
        "tie_word_embeddings".to_owned(),
        Value::from(file.info("output.weight").is_none()),
    );
    let scaling = text(&key("rope.scaling.type")).filter(|kind| kind != "none");
    if let Some(info) = file.info("rope_freqs.weight") {
        let mut factors = vec![0f32; info.shape.iter().product::<usize>().min(MAX_FACTORS)];
        file.read_rows("rope_freqs.weight", 0, &mut factors)?;
        config.insert(
            "rope_scaling".to_owned(),
            serde_json::json!({"rope_type": "per_frequency", "factors": factors}),
        );
    } else if let Some(kind) = scaling {
        let factor = own("rope.scaling.factor").unwrap_or(1.0);
        config.insert(
            "rope_scaling".to_owned(),
            serde_json::json!({"rope_type": kind, "factor": factor}),
        );
    }
    (family.gguf_keys)(&GgufKeys { number: &own }, &mut config);
    Ok(config)
}
