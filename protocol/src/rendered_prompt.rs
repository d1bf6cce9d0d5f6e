//! A prompt as a model sees it: the view of `limpid/render`, and the object that `limpid render --format json` prints.

wire! {
    /// Bytes of the source.
    pub struct ByteSpan {
        /// The first.
        pub start: usize,
        /// One past the last.
        pub end: usize,
    }

    /// A message of a chat, as the document says it.
    pub struct RenderedMessage {
        /// `system`, `user`, `assistant`, `tool`.
        pub role: String,
        /// What it says, escapes resolved and variables filled in.
        pub content: String,
        /// The bytes of the source that its content stands in.
        pub source: ByteSpan,
    }

    /// A token of the rendered prompt.
    pub struct RenderedToken {
        /// Its id in the vocabulary.
        pub id: u32,
        /// Its text, unescaped; bytes that are not UTF-8 by themselves are spelled `⟨0xE2⟩`.
        pub text: String,
        /// The bytes of the source that it stands for; null for a token that was added (a beginning-of-sequence token, a template's text).
        pub source: Option<ByteSpan>,
    }

    /// A prompt as the model sees it.
    pub struct RenderedPrompt {
        /// All the model reads, but for a beginning-of-sequence token that a plain prompt gets.
        pub text: String,
        /// The messages; none where the prompt is plain and no chat template is applied.
        pub messages: Vec<RenderedMessage>,
        /// Its tokens; none where only a template was given, and no model.
        pub tokens: Vec<RenderedToken>,
        /// What the chat template does that the document does not say, a sentence each.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub notes: Vec<String>,
    }
}
