//! A part of a prompt (a word, a line, a message) with what its tokens sum up to.
//! What must not live here: where parts begin and end.

use crate::effect::Disagreement;

wire! {
    /// What a prompt is cut into.
    pub enum PartBy {
        /// Words as Unicode finds them, with the spaces before them; punctuation and line breaks stand apart.
        Word = "word",
        /// Lines, each with its line break.
        Line = "line",
        /// Sentences as Unicode finds them; a dot of an abbreviation, an initial or a list number ends none.
        Sentence = "sentence",
        /// Lines between blank lines.
        Paragraph = "paragraph",
        /// Examples of a few-shot prompt; what is in none is `text`.
        Example = "example",
        /// Messages of a chat; what is in none is `text`.
        Message = "message",
    }

    /// What a part is.
    pub enum PartKind {
        /// A word.
        Word = "word",
        /// A line.
        Line = "line",
        /// A sentence.
        Sentence = "sentence",
        /// A paragraph.
        Paragraph = "paragraph",
        /// An example.
        Example = "example",
        /// A message.
        Message = "message",
        /// Text between examples or messages.
        Text = "text",
        /// All tokens that stand nowhere in the text: those of the chat template, a beginning-of-sequence token.
        Template = "template",
    }

    /// Neighbouring tokens of the prompt.
    pub struct TokenSpan {
        /// Index of the first.
        pub start: usize,
        /// One past the last.
        pub end: usize,
    }

    /// Sums over some tokens.
    pub struct PartScore {
        /// Flow from them to the prediction, 0..1.
        pub flow: f32,
        /// Sum of their attributions, signed; unit as the attribution's.
        pub attribution: f32,
    }

    /// A part of the prompt and what its tokens sum up to. Every token counts in exactly one part: the one that holds its first byte
    /// that is no whitespace. So flows and attributions of all rows sum to those of all tokens. Parts that no token falls into are left out.
    pub struct PartRow {
        /// What it is.
        pub kind: PartKind,
        /// A message's role, an example's name; null where it has none.
        pub name: Option<String>,
        /// Its text for display: escaped, without outer line breaks, cut in the middle.
        pub text: String,
        /// First byte in the prompt's text; null for `template`.
        pub start: Option<usize>,
        /// One past its last byte in the prompt's text; null for `template`.
        pub end: Option<usize>,
        /// Its tokens; those of `template` may have others between them.
        pub tokens: TokenSpan,
        /// How many they are.
        pub n_tokens: usize,
        /// Flow from its tokens to the prediction, 0..1, in the unpruned graph; over all rows they sum to what reached the input.
        pub flow: f32,
        /// Sum of its tokens' attributions, signed; unit as the attribution's.
        pub attribution: f32,
        /// Measured: what hiding it from what is behind it takes from the objective, nats; positive supports the target. null: not measured.
        pub effect: Option<f32>,
        /// How the attribution misleads about the effect; null where it does not, or is not known.
        pub disagreement: Option<Disagreement>,
        /// Its share of the flow without the sink, 0..1; over all rows they sum to 1. Scale colours and bars by this.
        pub share: f32,
        /// Whether it holds the prompt's first token, which nearly every head reads whatever it says.
        pub is_sink: bool,
        /// What it sums up to without that token; null where it does not hold it.
        pub without_sink: Option<PartScore>,
    }
}
