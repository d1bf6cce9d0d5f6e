//! Token ids of the golden cases, and spans that tile the text.

use limpid_engine::tokenizer::Specials;
use limpid_engine::{device::Compute, model_store::Weights};
use limpid_tests::{GEMMA3, SMOLLM2, golden_json, load, real_model};

fn check(model: &str, cases: &str) {
    let Weights::Gguf(path) = real_model(model) else { panic!("a GGUF file") };
    let file = limpid_engine::tensor_file::gguf::GgufFile::open(&path).unwrap();
    let tokenizer = limpid_engine::tokenizer::Tokenizer::from_gguf(&file).unwrap();
    for case in golden_json(cases)["cases"].as_array().unwrap() {
        let text = case["text"].as_str().unwrap();
        let want: Vec<u32> = serde_json::from_value(case["ids"].clone()).unwrap();
        let tokens = tokenizer.encode(text, Specials::Parse).unwrap();
        let got: Vec<u32> = tokens.iter().map(|token| token.id).collect();
        assert_eq!(got, want, "{text:?}");
        let mut at = 0;
        for span in tokens.iter().filter_map(|token| token.span.clone()) {
            assert_eq!(span.start, at, "{text:?}");
            at = span.end;
        }
        assert_eq!(at, text.len(), "{text:?}");
    }
}

#[test]
fn smollm2_splits_digits_and_keeps_bytes() {
    check(SMOLLM2, "smollm2/tokenizer_cases.json");
}

#[test]
fn gemma3_merges_by_score_and_starts_with_bos() {
    check(GEMMA3, "gemma3/tokenizer_cases.json");
}

#[test]
fn special_tokens_in_plain_text_stay_text() {
    let loaded = load(real_model(SMOLLM2), &Compute::cpu());
    let tokenizer = loaded.tokenizer().unwrap();
    let ids = |specials| tokenizer.encode("<|im_end|>", specials).unwrap().len();
    assert_eq!(ids(Specials::Parse), 1);
    assert!(ids(Specials::Plain) > 1);
    let error = tokenizer.single("Paris is").unwrap_err().to_string();
    assert!(error.contains("2 tokens"), "{error}");
}
