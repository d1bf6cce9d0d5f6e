//! That formats are told apart, that nothing in a document makes reading it fail, and that every byte of a prompt has its place.

use crate::{
    prompt_document::PromptDocument,
    prompt_formats::{find_prompts, of_selection},
    prompt_text::MappedText,
};
use proptest::prelude::{Just, Strategy, any, prop, prop_oneof, proptest};
use std::time::Instant;

/// The text of each prompt: of messages, role and content each.
fn check(name: &str, text: &str, expected: &[&str]) {
    let found: Vec<String> = find_prompts(name, "", text).iter().map(written).collect();
    assert_eq!(found, expected, "{name}: {text:?}");
}

fn written(prompt: &PromptDocument) -> String {
    let all = &prompt.text.text;
    match &prompt.text.messages {
        None => all.clone(),
        Some(messages) => {
            let each = messages.iter().map(|m| format!("<{}>{}", m.role, &all[m.content.clone()]));
            each.collect()
        }
    }
}

#[test]
fn files_are_read_by_their_names() {
    let chat = "system:\nbe\n\nuser:\nhi\n";
    check("a.txt", chat, &["system:\nbe\n\nuser:\nhi"]);
    check("file:///A.PROMPT", chat, &["<system>be<user>hi"]);
    check("a.prompt.md", chat, &["<system>be<user>hi"]);
    check("a.md", chat, &[]);
    check("a.chat", "user: hi\nassistant:", &["<user>hi"]);
    check("a.prompt", "User: hi\nAssistant:", &["User: hi\nAssistant:"]);
    check("a.rs", chat, &[]);
    check("a.json", "{\"name\": \"x\"}", &[]);
    check("a.txt", "---\nmodel: x\n---\nhi {{you}}\n", &["---\nmodel: x\n---\nhi {{you}}"]);
    let by_language = |language| find_prompts("untitled:Untitled-1", language, chat).len();
    assert_eq!([by_language("plaintext"), by_language("rust"), by_language("prompt")], [1, 0, 1]);
}

#[test]
fn front_matter_and_comments_are_no_prompt_text() {
    check("a.prompt", "---\nmodel: x\n---\n\nhi \n", &["hi "]);
    check("a.prompt", "<!-- limpid: chat=false -->\nuser:\nhi", &["user:\nhi"]);
    check("a.prompt", "\nhi", &["\nhi"]);
    check(
        "a.prompt",
        "a\n<!-- limpid: untrusted -->\nb\n<!-- limpid: trusted -->\nc",
        &["a\nb\nc"],
    );
    check("a.prompty", "---\na: [\n---\nsystem:\nbe", &["<system>be"]);
}

#[test]
fn variables_are_filled_in_where_they_stand() {
    let text = "---\nsample: {who: Zoë}\n---\nuser:\nI am {{ who }}, {{what}}.\n";
    check("a.prompty", text, &["<user>I am Zoë, {{what}}."]);
    let prompt = &find_prompts("a.prompty", "", text)[0];
    let (own, map) = (&prompt.text.text, &prompt.text.map);
    let name = own.find("Zoë").unwrap();
    assert_eq!(&text[map.to_source(name..name + 4)], "{{ who }}");
    assert_eq!(&text[map.to_source(0..name)], "I am ");
    assert_eq!(prompt.settings.variables.len(), 2);
    assert_eq!(prompt.problems.len(), 1);
    assert!(prompt.problems[0].message.starts_with("`what` has no value"));
    assert_eq!(&text[prompt.problems[0].source.clone()], "{{what}}");
}

#[test]
fn untrusted_text_is_known_by_role_line_and_marker() {
    let text = "---\nuntrusted: [tool, 5-6]\n---\nuser:\nhi\nho\n<!-- limpid: untrusted -->\nx\ntool:\nyo\n";
    let prompt = &find_prompts("a.prompt", "", text)[0];
    let found: Vec<&str> =
        prompt.settings.untrusted.iter().map(|part| &text[part.clone()]).collect();
    assert_eq!(found, ["hi\nho\n", "x\ntool:\nyo\n", "tool:\nyo\n"]);
    assert_eq!(prompt.problems, []);
}

#[test]
fn a_selection_is_its_plain_text() {
    let text = "---\nmodel: m\n---\nuser:\nhé \\n\n";
    let prompt = of_selection("a.prompt", "", text, 23..28);
    assert_eq!(prompt.text.text, "hé \\");
    assert_eq!(prompt.text.map.to_source(0..3), 23..26);
    assert_eq!(prompt.settings.model.map(|model| model.value), Some("m".to_owned()));
    let prompt = of_selection("a.json", "", r#"{"a": "b\u00e9c"}"#, 8..15);
    assert_eq!((prompt.text.text.as_str(), prompt.source), ("éc", 8..15));
    let inwards = of_selection("a.txt", "", "é", 1..99);
    assert_eq!((inwards.text.text.as_str(), inwards.source), ("", 2..2));
}

/// Everything that must hold of any prompt of any document.
fn holds(document: &str, prompt: &PromptDocument) {
    let lies_in = |span: &std::ops::Range<usize>| {
        assert!(document.get(span.clone()).is_some(), "{span:?} of {document:?}");
    };
    lies_in(&prompt.source);
    lies_in(&prompt.body);
    let text = &prompt.text;
    assert_eq!(text.map.n_bytes(), text.text.len(), "{document:?}");
    let mut last = 0;
    for (at, c) in text.text.char_indices() {
        let source = text.map.to_source(at..at + c.len_utf8());
        lies_in(&source);
        assert!(source.start >= last, "{document:?} goes back at {at}");
        last = source.start;
        let back = text.map.to_text(source.start);
        assert!(back.is_some_and(|back| back <= at), "{document:?}: {at} {source:?} {back:?}");
        if source.len() == c.len_utf8() && document[source.clone()].starts_with(c) {
            assert_eq!(text.map.to_source(back.unwrap()..back.unwrap() + 1).start, source.start);
        }
    }
    let mut end = 0;
    for message in text.messages.iter().flatten() {
        assert!(message.content.start == end && text.text.get(message.content.clone()).is_some());
        end = message.content.end;
        lies_in(&message.source);
    }
    assert!(text.messages.is_none() || end == text.text.len());
    prompt.sections.iter().for_each(|section| lies_in(&section.source));
    prompt.problems.iter().for_each(|problem| lies_in(&problem.source));
    prompt.settings.untrusted.iter().for_each(lies_in);
    prompt.settings.variables.iter().flat_map(|variable| &variable.uses).for_each(lies_in);
    for placed in [&prompt.settings.model, &prompt.settings.target, &prompt.settings.foil] {
        placed.iter().for_each(|placed| lies_in(&placed.source));
    }
}

const NAMES: &[&str] = &[
    "a.txt",
    "a.prompt",
    "a.prompty",
    "a.chat",
    "a.md",
    "a.json",
    "a.jsonl",
    "a.py",
    "a.rs",
    "a.ts",
    "a.go",
    "a.java",
];

/// Words that formats are made of.
fn documents() -> impl Strategy<Value = String> {
    let words = [
        "---\n",
        "model: x\n",
        "sample:\n  a: é\n",
        "limpid: {target: ' x'}\n",
        "untrusted: 2-3\n",
        "system:",
        "user:",
        "user: hi",
        "# user",
        "\n",
        "\r\n",
        "\n\n",
        "{{a}}",
        "{{ b }}",
        "{{role \"user\"}}",
        "{{#x}}",
        "<!-- limpid: untrusted -->\n",
        "<!-- limpid: trusted -->\n",
        "# limpid: target=\" a\" chat\n",
        "```prompt chat\n",
        "```\n",
        "> ",
        "  ",
        "\t",
        "- ",
        "[",
        "]",
        "{",
        "}",
        "\"",
        "\\n",
        "\\ud83d\\ude00",
        "\\",
        ",",
        ":",
        "\"role\": \"user\"",
        "\"content\": \"a\\u00e9\"",
        "\"messages\": [{\"role\": \"user\", \"content\": \"x\"}]",
        "\"prompt\": \"x\"",
        "Q: a\n",
        "A: b\n",
        "Example 1:\n",
        "<a>\n",
        "</a>\n",
        "é",
        "😀",
        "text",
        "\"\"\"",
        "'",
        "`",
        "f'{x}'",
        "r#\"",
        "\"#",
        "\u{feff}",
    ];
    let word = prop_oneof![
        8 => prop::sample::select(words.to_vec()).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ];
    prop_oneof![
        prop::collection::vec(word, 0..24).prop_map(|words| words.concat()),
        Just(String::new())
    ]
}

proptest! {
    #[test]
    fn every_document_is_read(text in documents(), a in 0usize..80, b in 0usize..80) {
        for name in NAMES {
            for prompt in find_prompts(name, "", &text) {
                holds(&text, &prompt);
            }
            holds(&text, &of_selection(name, "", &text, a.min(b)..a.max(b)));
        }
    }

    #[test]
    fn parts_of_parts_keep_their_places(text in documents(), a in 0usize..40, b in 0usize..40) {
        let prompts = find_prompts("a.prompt", "", &text);
        let whole = MappedText { text: prompts[0].text.text.clone(), map: prompts[0].text.map.clone() };
        let (a, b) = (whole.text.floor_char_boundary(a.min(b)), whole.text.floor_char_boundary(a.max(b)));
        let mut out = MappedText::default();
        out.push_part(&whole, a..b);
        assert_eq!(out.text, whole.text[a..b]);
        for (at, c) in out.text.char_indices() {
            let span = at..at + c.len_utf8();
            assert_eq!(out.to_source(span.clone()), whole.to_source(span.start + a..span.end + a));
        }
    }
}

/// Documents of one word again and again are read in a time that grows with their length.
#[test]
fn nothing_is_quadratic() {
    for name in NAMES {
        for word in [
            "{{a}}",
            "{{",
            "user:\n",
            "{{role \"user\"}}",
            "<!-- limpid: untrusted -->\n",
            "```prompt\n",
            "```prompt\n```\n",
            "> ",
            "[",
            "{\"text\": \"x\"}\n",
            "\\\\",
            "\"",
            "Q: a\nA: b\n",
            "<a>\n",
            "\n",
            "(",
            "f'{",
        ] {
            let text = word.repeat((1 << 17) / word.len());
            let started = Instant::now();
            let prompts = find_prompts(name, "", &text);
            let _ = of_selection(name, "", &text, 3..9);
            let took = started.elapsed().as_secs_f32();
            assert!(took < 5.0, "{name} {word:?}: {took} s, {} prompts", prompts.len());
        }
    }
}
