//! Chats as the real SmolLM2 and Gemma 3 read them: template and messages tokenised as one text, special tokens recognised in
//! the template alone, every token's place in the source. `bash tests/run` fetches the models.
#![expect(clippy::unwrap_used, reason = "a test program: what cannot be set up fails the test")]

use limpid_engine::{
    tensor_file::gguf::GgufFile,
    tokenizer::{Specials, TextPart, Token, Tokenizer},
};
use proptest::prelude::{Strategy, prop_assert, prop_assert_eq, proptest};
use std::{path::PathBuf, sync::LazyLock};

fn real(file: &str) -> Tokenizer {
    let cache = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/.cache/home/models");
    let folder = std::env::var_os("LIMPID_TEST_MODELS").map_or_else(cache, PathBuf::from);
    let path = folder.join(file);
    assert!(path.is_file(), "{} is missing; `bash tests/run` fetches it", path.display());
    Tokenizer::from_gguf(&GgufFile::open(&path).unwrap()).unwrap()
}

/// Tokenizer, what its template writes before a role, after it, and after a message.
static MODELS: LazyLock<[(Tokenizer, [&str; 3]); 2]> = LazyLock::new(|| {
    [
        (real("SmolLM2-135M-Instruct.Q4_1.gguf"), ["<|im_start|>", "\n", "<|im_end|>\n"]),
        (real("gemma-3-270m.Q4_K_M.gguf"), ["<start_of_turn>", "\n", "<end_of_turn>\n"]),
    ]
});

/// A transcript of these messages, whose source is the messages with one byte between them.
fn chat<'a>(
    words: &[&'a str; 3],
    roles: &'a [String],
    messages: &'a [String],
) -> Vec<TextPart<'a>> {
    let own = |text: &'a str| TextPart { text, source: None };
    let mut at = 0;
    let mut parts = Vec::new();
    for (role, message) in roles.iter().zip(messages) {
        let message = TextPart { text: message, source: Some(at) };
        parts.extend([own(words[0]), own(role), own(words[1]), message, own(words[2])]);
        at += message.text.len() + 1;
    }
    parts
}

fn ids(tokens: &[Token]) -> Vec<u32> {
    tokens.iter().map(|token| token.id).collect()
}

/// Everyday text with what tokenizers stumble over, and nothing that spells a special token.
fn ordinary() -> impl Strategy<Value = String> {
    let piece = proptest::prop_oneof![
        "[a-zA-Z0-9 .,!?\n\t'-]{0,12}",
        proptest::sample::select(vec![
            "\n",
            "\n\n",
            "  ",
            "\r\n",
            "é",
            "\u{1F600}",
            "日本",
            "▁",
            "<",
            "|>",
            "im_end"
        ])
        .prop_map(str::to_owned),
        proptest::prelude::any::<char>().prop_map(String::from),
    ];
    proptest::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(200))]

    #[test]
    fn ordinary_messages_are_tokenised_as_the_whole_rendered_text(
        messages in proptest::collection::vec(ordinary(), 1..4),
    ) {
        let roles = ["user", "assistant", "user"].map(str::to_owned);
        for (tokenizer, words) in MODELS.iter() {
            let parts = chat(words, &roles, &messages);
            let text: String = parts.iter().map(|part| part.text).collect();
            let whole: Vec<u32> = tokenizer
                .encode(&text, Specials::Parse)
                .unwrap()
                .into_iter()
                .filter_map(|token| token.span.map(|_| token.id))
                .collect();
            prop_assert_eq!(ids(&tokenizer.encode_parts(&parts).unwrap()), whole);
        }
    }

    #[test]
    fn spans_cover_every_message_in_order(
        messages in proptest::collection::vec(
            proptest::prop_oneof![
                ordinary(),
                proptest::sample::select(vec!["<|im_end|>", "a <end_of_turn>\nb", "<|im_start|>system\n", "<eos>", "<bos>x"])
                    .prop_map(str::to_owned),
            ],
            1..4,
        ),
    ) {
        let roles = ["user", "assistant", "user"].map(str::to_owned);
        for (tokenizer, words) in MODELS.iter() {
            let tokens = tokenizer.encode_parts(&chat(words, &roles, &messages)).unwrap();
            let source = messages.join("\u{1}");
            let mut covered = vec![false; source.len()];
            for span in tokens.iter().filter_map(|token| token.span.clone()) {
                for byte in span {
                    prop_assert!(!std::mem::replace(&mut covered[byte], true), "{} twice", byte);
                }
            }
            let mut at = 0;
            for message in &messages {
                prop_assert!(covered[at..at + message.len()].iter().all(|c| *c), "{:?}", message);
                at += message.len() + 1;
            }
            let specials = |token: &&Token| tokenizer.is_special(token.id);
            prop_assert!(tokens.iter().filter(specials).all(|token| token.span.is_none()));
            let n_marks = 2 * messages.len();
            prop_assert_eq!(tokens.iter().filter(specials).count(), n_marks);
        }
    }
}

#[test]
fn a_merge_across_a_seam_is_the_models_own() {
    let (tokenizer, words) = &MODELS[0];
    // ChatML ends a role with a line break; the first of two that a message begins with makes one token with it.
    let messages = ["\n\nhello".to_owned()];
    let roles = ["user".to_owned()];
    let tokens = tokenizer.encode_parts(&chat(words, &roles, &messages)).unwrap();
    let seam = tokens.iter().find(|token| token.span == Some(0..1)).unwrap();
    assert_eq!(tokenizer.token_bytes(seam.id), b"\n\n");
    assert_eq!(tokens[0].span, None);
    // A token between two sources that touch has the longer piece of them.
    let parts = [("hel", 10), ("lo", 50)].map(|(text, at)| TextPart { text, source: Some(at) });
    let tokens = tokenizer.encode_parts(&parts).unwrap();
    assert_eq!((tokens.len(), tokens[0].span.clone()), (1, Some(10..13)));
}

#[test]
fn special_tokens_typed_in_a_message_are_text_and_the_templates_stay_special() {
    for ((tokenizer, words), typed) in
        MODELS.iter().zip([["<|im_end|>", "<|im_start|>"], ["<end_of_turn>", "<bos>"]])
    {
        for typed in typed {
            let special = ids(&tokenizer.encode(typed, Specials::Parse).unwrap()).pop().unwrap();
            assert!(tokenizer.is_special(special), "{typed}");
            let messages = [format!("a {typed}\nb"), typed.to_owned()];
            let roles = ["user", "assistant"].map(str::to_owned);
            let tokens = tokenizer.encode_parts(&chat(words, &roles, &messages)).unwrap();
            let of_messages = tokens.iter().filter(|token| token.span.is_some());
            assert!(of_messages.clone().all(|token| !tokenizer.is_special(token.id)), "{typed}");
            let bytes: Vec<u8> =
                of_messages.flat_map(|token| tokenizer.token_bytes(token.id).to_vec()).collect();
            assert!(String::from_utf8_lossy(&bytes).contains(typed), "{typed}");
        }
    }
}

#[test]
fn no_special_token_of_a_real_model_comes_out_of_plain_text() {
    for (tokenizer, _) in MODELS.iter() {
        let n = u32::try_from(tokenizer.n_vocab()).unwrap();
        let specials: Vec<u32> = (0..n).filter(|&id| tokenizer.is_special(id)).collect();
        assert!(specials.len() > 2);
        for id in specials {
            let text = String::from_utf8_lossy(tokenizer.token_bytes(id)).into_owned();
            let plain = ids(&tokenizer.encode(&text, Specials::Plain).unwrap());
            assert!(plain.iter().all(|&id| !tokenizer.is_special(id)), "{text}: {plain:?}");
        }
    }
}
