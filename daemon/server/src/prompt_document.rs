//! Prompts of a document: what each holds, what it says about itself, and what is wrong with it.
//! What must not live here: how a format is read (`prompt_formats`), models, positions.

use crate::prompt_text::PromptText;
use std::ops::Range;

/// A prompt found in a document. All spans are bytes of the document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PromptDocument {
    /// Everything that belongs to it: body and front matter.
    pub source: Range<usize>,
    /// The body alone.
    pub body: Range<usize>,
    /// What the model is to read.
    pub text: PromptText,
    /// What it says about itself.
    pub settings: PromptSettings,
    /// Parts with a name, in order: sections, few-shot examples. Messages stand in `text`.
    pub sections: Vec<Section>,
    /// What is wrong with it; none of it keeps the rest from being used.
    pub problems: Vec<Problem>,
}

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed<T> {
    /// The value.
    pub value: T,
    /// Where it is written.
    pub source: Range<usize>,
}

/// What front matter or a magic comment sets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PromptSettings {
    /// Name of the model.
    pub model: Option<Placed<String>>,
    /// The token that is explained, an id or text.
    pub target: Option<Placed<String>>,
    /// The token that the target is compared with, an id or text.
    pub foil: Option<Placed<String>>,
    /// Whether a plain text is put into the model's chat template as one user message.
    pub chat: Option<Placed<bool>>,
    /// Text that others wrote: retrieved, pasted, a tool's output.
    pub untrusted: Vec<Range<usize>>,
    /// Variables: name, sample value, where each is used.
    pub variables: Vec<Variable>,
}

/// A variable of a prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// The value that is filled in; none: the name in braces is left as it stands.
    pub sample: Option<Placed<String>>,
    /// Where it is used.
    pub uses: Vec<Range<usize>>,
}

/// What kind of part a section is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SectionKind {
    /// A part under a heading.
    Section,
    /// One of several examples of the same shape.
    Example,
}

/// A named part of a prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// What a reader would call it.
    pub name: String,
    /// What it is.
    pub kind: SectionKind,
    /// All of it, heading included.
    pub source: Range<usize>,
}

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The prompt cannot be used as it stands.
    Error,
    /// It can, but hardly means what its writer meant.
    Warning,
    /// What the model does with it is not what is written.
    Information,
    /// It means something that its writer may not know.
    Hint,
}

/// Something wrong in a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// How bad.
    pub severity: Severity,
    /// Stable name: `unknown-key`, `front-matter`, `json`, `role`, `variable`.
    pub code: &'static str,
    /// One lower-case sentence: what, and what to do.
    pub message: String,
    /// Where.
    pub source: Range<usize>,
}
