//! What a GGUF file says about its model. Reading it is `gguf`'s business, what a key means a family's.

/// A metadata value. Strings of arrays stay where they are in the file.
#[derive(Clone, Debug, PartialEq)]
pub enum MetadataValue {
    /// Any integer type; those beyond i64 are refused.
    Integer(i64),
    /// f32 and f64.
    Float(f64),
    /// True or false.
    Bool(bool),
    /// UTF-8 text.
    Text(String),
    /// An array of texts.
    Texts(Vec<String>),
    /// An array of numbers.
    Numbers(Vec<f64>),
    /// An array of anything else, not kept.
    Other,
}
