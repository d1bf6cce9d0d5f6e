//! Tokenizers built from GGUF metadata: their spans tile any text, long texts too, broken metadata is refused.
//! Golden ids of the real models are checked where the real models are.
#![expect(clippy::unwrap_used, reason = "a test program: what cannot be set up fails the test")]

#[path = "written_files/gguf.rs"]
#[allow(dead_code, reason = "no tensors here, and no mutations")]
mod gguf;

use gguf::GgufBytes;
use limpid_engine::{
    tensor_file::gguf::GgufFile,
    tokenizer::{Specials, Tokenizer},
};
use proptest::prelude::{Strategy, prop_assert, prop_assert_eq, proptest};
use std::sync::LazyLock;

fn build(file: GgufBytes) -> Result<Tokenizer, limpid_engine::error::EngineError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.gguf");
    std::fs::write(&path, file.finish().bytes).unwrap();
    Tokenizer::from_gguf(&GgufFile::open(&path).unwrap())
}

/// GPT-2's alphabet, a few merges and one special token, with this pre-tokenizer.
fn byte_level(pre: &str) -> GgufBytes {
    let mut next = 255;
    let mut pieces: Vec<String> = (0u32..256)
        .map(|byte| {
            if matches!(byte, 0x21..=0x7E | 0xA1..=0xAC | 0xAE..=0xFF) {
                byte
            } else {
                next += 1;
                next
            }
        })
        .map(|code| char::from_u32(code).unwrap().to_string())
        .collect();
    pieces.extend(["he", "ll", "hell", "Ġhe", "17", "ĠĠ", "<|end|>"].map(str::to_owned));
    let mut types = vec![1; pieces.len()];
    types[262] = 3;
    GgufBytes::new(3)
        .text("tokenizer.ggml.model", "gpt2")
        .text("tokenizer.ggml.pre", pre)
        .texts("tokenizer.ggml.tokens", &pieces)
        .i32s("tokenizer.ggml.token_type", &types)
        .texts("tokenizer.ggml.merges", &["h e", "l l", "he ll", "Ġ he", "1 7", "Ġ Ġ"])
        .u32("tokenizer.ggml.eos_token_id", 262)
}

/// Byte pieces, a few scored pieces; a piece with `▁` inside forbids cutting at spaces.
fn sentence_piece(has_inner_space: bool, prefix: bool) -> GgufBytes {
    let mut pieces = ["<unk>", "<bos>", "<eos>", "\n\n"].map(str::to_owned).to_vec();
    pieces.extend((0..=255).map(|byte| format!("<0x{byte:02X}>")));
    pieces.extend(["▁", "h", "e", "l", "o", "he", "ll", "▁he", "hello", "▁▁"].map(str::to_owned));
    if has_inner_space {
        pieces.push("o▁".to_owned());
    }
    let mut types = vec![1; pieces.len()];
    types[..4].copy_from_slice(&[2, 3, 3, 4]);
    types[4..260].fill(6);
    let scores: Vec<f32> = (0..pieces.len()).map(|id| -(id as f32)).collect();
    GgufBytes::new(3)
        .text("tokenizer.ggml.model", "llama")
        .texts("tokenizer.ggml.tokens", &pieces)
        .f32s("tokenizer.ggml.scores", &scores)
        .i32s("tokenizer.ggml.token_type", &types)
        .u32("tokenizer.ggml.bos_token_id", 1)
        .u32("tokenizer.ggml.eos_token_id", 2)
        .u32("tokenizer.ggml.unknown_token_id", 0)
        .flag("tokenizer.ggml.add_bos_token", true)
        .flag("tokenizer.ggml.add_space_prefix", prefix)
}

static ALL: LazyLock<Vec<(&str, Tokenizer)>> = LazyLock::new(|| {
    vec![
        ("smollm", build(byte_level("smollm")).unwrap()),
        ("llama-bpe", build(byte_level("llama-bpe")).unwrap()),
        ("qwen2", build(byte_level("qwen2")).unwrap()),
        ("scores", build(sentence_piece(false, false)).unwrap()),
        ("scores, prefix", build(sentence_piece(false, true)).unwrap()),
        ("scores, inner space", build(sentence_piece(true, false)).unwrap()),
    ]
});

fn any_text() -> impl Strategy<Value = String> {
    let special = proptest::sample::select(vec![
        " ",
        "▁",
        "\n\n",
        "<|end|>",
        "<bos>",
        "hello",
        "17",
        "é",
        "\u{1F600}",
    ]);
    let piece = proptest::prop_oneof![
        special.prop_map(str::to_owned),
        proptest::prelude::any::<char>().prop_map(String::from)
    ];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn spans_tile_any_text(text in any_text()) {
        for (name, tokenizer) in ALL.iter() {
            for specials in [Specials::Parse, Specials::Plain] {
                let mut at = 0;
                for span in tokenizer.encode(&text, specials).unwrap().into_iter().filter_map(|token| token.span) {
                    prop_assert_eq!(span.start, at, "{} {:?}", name, text);
                    prop_assert!(span.end >= at);
                    at = span.end;
                }
                prop_assert_eq!(at, text.len(), "{} {:?}", name, text);
            }
        }
    }
}

fn ids(tokenizer: &Tokenizer, text: &str, specials: Specials) -> Vec<u32> {
    tokenizer.encode(text, specials).unwrap().into_iter().map(|token| token.id).collect()
}

#[test]
fn each_digit_stands_alone_where_the_file_says_smollm() {
    let has_17 = |pre| ids(&build(byte_level(pre)).unwrap(), "17", Specials::Plain) == [260];
    assert!(!has_17("smollm") && !has_17("qwen2"));
    assert!(has_17("gpt-2") && has_17("default") && has_17("llama-bpe"));
}

#[test]
fn special_tokens_are_parsed_in_text_and_never_in_content() {
    let tokenizer = &ALL[0].1;
    assert_eq!(ids(tokenizer, "<|end|>", Specials::Parse), [262]);
    assert!(!ids(tokenizer, "<|end|>", Specials::Plain).contains(&262));
    assert!(tokenizer.is_special(262) && tokenizer.eos() == [262]);
}

#[test]
fn a_bos_that_the_file_asks_for_is_added_once_and_has_no_span() {
    let tokenizer = &ALL[3].1;
    let tokens = tokenizer.encode("hello", Specials::Parse).unwrap();
    assert_eq!((tokens[0].id, tokens[0].span.clone()), (1, None));
    assert_eq!(
        ids(tokenizer, "<bos>hello", Specials::Parse),
        ids(tokenizer, "hello", Specials::Parse)
    );
    assert!(!ids(tokenizer, "hello", Specials::Plain).contains(&1));
}

#[test]
fn bytes_inside_a_character_are_tokens_with_their_own_byte() {
    for (name, tokenizer) in [&ALL[0], &ALL[3]] {
        let spans: Vec<_> =
            tokenizer.encode("é", Specials::Plain).unwrap().into_iter().map(|t| t.span).collect();
        assert_eq!(spans, [Some(0..1), Some(1..2)], "{name}");
    }
}

/// Nothing here is timed: with anything quadratic in it, a mebibyte would not end before the test runner gives up.
#[test]
fn long_texts_of_anything_are_tokenised() {
    let texts = [
        "x",
        " ",
        "\n",
        "7",
        "hello ",
        "▁",
        "\u{1F600}",
        "!",
        "'s",
        "<|end|>",
        "\n\n",
        "he\tll\r\n",
    ];
    let spans_tile = |name: &str, tokenizer: &Tokenizer, piece: &str, n_bytes: usize| {
        let text = piece.repeat(n_bytes / piece.len());
        let tokens = tokenizer.encode(&text, Specials::Parse);
        let mut at = 0;
        for span in tokens
            .unwrap_or_else(|e| panic!("{name} {piece:?}: {e}"))
            .into_iter()
            .filter_map(|token| token.span)
        {
            assert_eq!(span.start, at, "{name} {piece:?}");
            at = span.end;
        }
        assert_eq!(at, text.len(), "{name} {piece:?}");
    };
    for (index, (name, tokenizer)) in ALL.iter().enumerate() {
        for piece in texts {
            spans_tile(name, tokenizer, piece, 64 << 10);
        }
        // One long word, where a tokenizer's work grows fastest, and one kind more.
        spans_tile(name, tokenizer, "x", 1 << 20);
        spans_tile(name, tokenizer, texts[1 + index], 1 << 20);
    }
}

#[test]
fn broken_tokenizer_metadata_is_refused_by_field() {
    let refusal = |file| build(file).unwrap_err().to_string();
    let none = GgufBytes::new(3).text("tokenizer.ggml.model", "gpt2");
    assert!(refusal(none).contains("tokenizer.ggml.tokens: is missing"));
    let other = GgufBytes::new(3)
        .text("tokenizer.ggml.model", "bert")
        .texts("tokenizer.ggml.tokens", &["a"]);
    assert!(refusal(other).contains("tokenizer.ggml.model: `bert` is not supported"));
    assert!(refusal(byte_level("martian")).contains("pre-tokenizer `martian` is not supported"));
    assert!(
        refusal(byte_level("smollm").u32("tokenizer.ggml.bos_token_id", 999))
            .contains("999 is not one of 263")
    );
    let long = GgufBytes::new(3)
        .text("tokenizer.ggml.model", "llama")
        .texts("tokenizer.ggml.tokens", &["a".repeat(5000)]);
    assert!(refusal(long).contains("token 0 is 5000 bytes long"));
}
