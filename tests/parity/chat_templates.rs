//! Chats in a real template, and in every golden one, as tokens of real tokenizers: what a token says it covers of the document is
//! what it covers, and every byte that stands in the chat belongs to a token.

use limpid_engine::{
    model_store::Weights,
    tensor_file::gguf::GgufFile,
    tokenizer::{Token, Tokenizer},
};
use limpid_server::{
    chat_template::{ChatMessage, ChatTemplate, RenderedChat, render_with},
    prompt_formats::find_prompts,
    prompt_text::PromptText,
};
use limpid_tests::{GEMMA3, SMOLLM2, golden, golden_json, real_model};

fn tokenizer(model: &str) -> Tokenizer {
    let Weights::Gguf(path) = real_model(model) else { panic!("a GGUF file") };
    Tokenizer::from_gguf(&GgufFile::open(&path).unwrap()).unwrap()
}

/// Every prompt of the golden documents, with a name.
fn prompts() -> Vec<(String, PromptText)> {
    let messages = golden_json("chat/messages.json");
    let documents = messages.as_object().unwrap().keys();
    let of_document = |document: &String| {
        let text = std::fs::read_to_string(golden("chat/documents").join(document)).unwrap();
        let prompts = find_prompts(document, "", &text).into_iter();
        prompts.map(|prompt| (document.clone(), prompt.text)).collect::<Vec<_>>()
    };
    documents.flat_map(of_document).collect()
}

fn check(tokenizer: &Tokenizer, chat: &RenderedChat, prompt: &PromptText, what: &str) {
    let tokens: Vec<Token> = tokenizer.encode_parts(&chat.parts()).unwrap();
    let bytes: Vec<u8> =
        tokens.iter().flat_map(|token| tokenizer.token_bytes(token.id).to_vec()).collect();
    // SentencePiece writes a space as U+2581, and reads that character as a space.
    let spoken = |text: &str| text.replace('\u{2581}', " ");
    assert_eq!(spoken(&String::from_utf8_lossy(&bytes)), spoken(&chat.text), "{what}");
    let source = prompt.text.as_bytes();
    let mut covered = vec![false; source.len()];
    for token in &tokens {
        let Some(span) = token.span.clone() else { continue };
        let (own, shown) = (tokenizer.token_bytes(token.id), &source[span.clone()]);
        assert!(own.windows(shown.len().max(1)).any(|part| part == shown), "{what}: {span:?}");
        assert!(!tokenizer.is_special(token.id), "{what}: a message spells a special token");
        covered[span].fill(true);
    }
    for part in chat.parts() {
        let Some(start) = part.source else { continue };
        let bytes = &covered[start..start + part.text.len()];
        // Of a token that covers two messages the longer piece is told.
        assert!(bytes.iter().filter(|covered| !**covered).count() <= 2, "{what}: {:?}", part.text);
    }
}

#[test]
fn tokens_of_a_real_template_cover_what_they_say() {
    let tokenizer = tokenizer(SMOLLM2);
    let template = ChatTemplate::of(&tokenizer).unwrap();
    let mut n_rendered = 0;
    for (document, prompt) in prompts() {
        match render_with(&template, &ChatMessage::of(&prompt)) {
            Ok(chat) => check(&tokenizer, &chat, &prompt, &document),
            Err(e) => {
                let refuses = ["tool.json", "late_system.json"].contains(&document.as_str());
                assert!(refuses, "{document}: {e}");
                continue;
            }
        }
        n_rendered += 1;
    }
    assert!(n_rendered >= 25, "{n_rendered}");
}

/// The file of the base model brings none: that is said, and what to do.
#[test]
fn a_model_without_a_template_says_so() {
    let told = ChatTemplate::of(&tokenizer(GEMMA3)).unwrap_err().to_string();
    assert!(told.contains("can be read without its chat template"), "{told}");
}

#[test]
fn tokens_of_golden_templates_cover_what_they_say() {
    let rendered = golden_json("chat/rendered.json");
    let prompts = prompts();
    for model in [SMOLLM2, GEMMA3] {
        let tokenizer = tokenizer(model);
        for name in rendered["rendered"].as_object().unwrap().keys() {
            let path = golden("chat/templates").join(format!("{name}.jinja"));
            let text = std::fs::read_to_string(&path).unwrap();
            let (bos, eos) = (tokenizer.bos_text.clone(), tokenizer.eos_text.clone());
            let template = ChatTemplate { text, bos, eos, path, today: None };
            for (document, prompt) in &prompts {
                if let Ok(chat) = render_with(&template, &ChatMessage::of(prompt)) {
                    check(&tokenizer, &chat, prompt, &format!("{model}, {name}, {document}"));
                }
            }
        }
    }
}
