//! A token of the vocabulary, alone or with a number. Used wherever a list of tokens is written.

wire! {
    /// A token of the vocabulary.
    pub struct VocabularyToken {
        /// Its id.
        pub id: u32,
        /// Its text, unescaped; bytes that are not UTF-8 by themselves are spelled `⟨0xE2⟩`.
        pub text: String,
    }

    /// A token and what something adds to its logit.
    pub struct TokenValue {
        /// Its id.
        pub id: u32,
        /// Its text, unescaped.
        pub text: String,
        /// The value, in logits.
        pub value: f32,
    }
}
