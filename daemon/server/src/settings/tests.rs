//! Settings from text and JSON: what holds, what is wrong and where; completion and hover; the schema file is fresh.

use crate::settings::{
    HeatShow, Settings, assist, front_matter,
    keys::{FOLDER_KEYS, RULE_KEYS},
    read_editor, read_toml, schema,
};
use proptest::prelude::proptest;
use serde_json::json;

const WHOLE: &str = r#"# of this folder
model = "a/b"
chat = true
untrusted = ["tool", "user"]
routes.mass = 1
effects.floor = 0.1

[inlay]
predictions = 10
surprisal = true

[heat]
method = "flow"
show = "colors"

[[prompt]]
files = "*.txt"
target = " Paris"
foil = 262

[[prompt]]
files = "chats/*.prompt"
chat = false
model = "c"
untrusted = []
"#;

/// What is wrong, each with the text it is said of.
fn told(text: &str) -> Vec<(String, &str)> {
    let problems = read_toml(text).1;
    problems.into_iter().map(|p| (p.message, &text[p.source])).collect()
}

#[test]
fn every_key_is_read() {
    let (settings, problems) = read_toml(WHOLE);
    assert_eq!(problems, []);
    let Settings { model, chat, target, foil, untrusted, .. } = settings.clone();
    assert_eq!((model.as_deref(), chat, target, foil), (Some("a/b"), Some(true), None, None));
    assert_eq!(untrusted.unwrap(), ["tool", "user"]);
    assert_eq!((settings.inlay_predictions, settings.inlay_surprisal), (Some(10), Some(true)));
    assert_eq!((settings.heat_method.as_deref(), settings.routes_mass), (Some("flow"), Some(1.0)));
    assert_eq!((settings.heat_show, settings.effects_floor), (Some(HeatShow::Colors), Some(0.1)));
    let rules = &settings.prompts;
    assert_eq!(rules[0].target.as_deref(), Some(" Paris"));
    assert_eq!(rules[0].foil.as_deref(), Some("262"));
    assert_eq!((rules[1].chat, rules[1].model.as_deref()), (Some(false), Some("c")));
    assert_eq!(rules[1].untrusted, Some(Vec::new()));
    // The text above has them all.
    for key in FOLDER_KEYS.iter().chain(RULE_KEYS) {
        assert!(WHOLE.contains(key.name.rsplit('.').next().unwrap()), "{}", key.name);
    }
}

#[test]
fn nearest_wins_key_by_key() {
    let near = Settings { model: Some("a".into()), ..Settings::default() };
    let far = Settings { model: Some("b".into()), chat: Some(true), ..Settings::default() };
    let merged = near.merge(far).merge(Settings::of_environment(Some("c".into())));
    assert_eq!((merged.model.as_deref(), merged.chat), (Some("a"), Some(true)));
    assert_eq!(merged.predictions(), 3);
    assert_eq!(Settings::of_environment(Some(String::new())), Settings::default());
}

#[test]
fn rules_hold_for_their_files_the_first_wins() {
    let (settings, _) = read_toml(WHOLE);
    let of = |path: &str| settings.clone().for_file(path);
    assert_eq!(of("deep/down/a.txt").target.as_deref(), Some(" Paris"));
    assert_eq!(of("a.md").target, None);
    assert_eq!(of("chats/a.prompt").model.as_deref(), Some("c"));
    assert_eq!(of("chats/deep/a.prompt").model.as_deref(), Some("a/b"));
    let (settings, _) = read_toml(
        "[[prompt]]\nfiles='a.*'\nfoil='x'\n[[prompt]]\nfiles='*.txt'\nfoil='y'\ntarget='z'",
    );
    let both = settings.for_file("a.txt");
    assert_eq!((both.foil.as_deref(), both.target.as_deref()), (Some("x"), Some("z")));
}

#[test]
fn what_is_wrong_is_said_where_it_stands_and_the_rest_holds() {
    let text = "modle = 'x'\nchat = 'yes'\nfoo = 1\n[inlay]\npredictions = 11\n[heat]\nmethod = 'atp_liner'\nzzz = 1\n[routes]\nmass = 0.0\n[other]\na = 1\n";
    assert_eq!(
        told(text),
        [
            ("`modle` is no key of limpid; did you mean `model`?".into(), "modle"),
            ("`chat` is `yes`; write true or false".into(), "'yes'"),
            (
                "`foo` is no key of limpid; the keys here are model, chat, untrusted, inlay.predictions, inlay.surprisal, heat.method, heat.show, routes.mass, effects.floor, prompt".into(),
                "foo"
            ),
            ("`inlay.predictions` is 11; write a whole number from 0 to 10".into(), "11"),
            ("`heat.method` is `atp_liner`; did you mean `atp_linear`?".into(), "'atp_liner'"),
            ("`heat.zzz` is no key of limpid; did you mean `heat.show`?".into(), "zzz"),
            ("`routes.mass` is 0; write a number above 0 and at most 1".into(), "0.0"),
            (
                "`other` is no key of limpid; the keys here are model, chat, untrusted, inlay.predictions, inlay.surprisal, heat.method, heat.show, routes.mass, effects.floor, prompt".into(),
                "other"
            ),
        ]
    );
    let told_of = |text: &str| told(text).into_iter().next().unwrap().0;
    assert!(told_of("[[prompt]]\nmodel = 'x'").contains("says nothing about files"));
    assert!(told_of("[[prompt]]\nfiles = 'a['").contains("is no glob"));
    assert!(told_of("[[prompt]]\nfiles = 'a'\nfile = 'b'").contains("did you mean `files`?"));
    assert!(told_of("[prompt]\nfiles = 'a'").contains("write [[prompt]]"));
    assert!(told_of("prompt = [1]").contains("write [[prompt]]"));
    assert!(told_of("untrusted = 'tool'").contains("write a list of texts"));
    assert!(told_of("model = ''").contains("`model` is empty"));
    let (settings, problems) = read_toml("model = 'kept'\nchat = \n");
    assert_eq!(settings.model.as_deref(), Some("kept"));
    assert!(problems[0].message.starts_with("this is not TOML"), "{problems:?}");
    assert!(told_of(&"#".repeat(1 << 20)).contains("not read"));
}

#[test]
fn editors_settings_are_nested_or_dotted_and_may_hold_what_is_theirs() {
    let nested = json!({"limpid": {
        "model": "a", "path": "/x", "trace": {"server": "off"}, "effects": {"auto": "off"}, "heat": {"method": "atp", "scale": 2},
        "inlay": {"predictions": 5, "surprisal": null}
    }});
    let (settings, problems) = read_editor(&nested);
    assert_eq!(problems, [""; 0]);
    assert_eq!((settings.model.as_deref(), settings.inlay_predictions), (Some("a"), Some(5)));
    let (settings, problems) = read_editor(
        &json!({"inlay.predictions": 2, "routes.mass": 0.5, "limpid.chat": true, "modle": 1}),
    );
    assert_eq!(
        (settings.predictions(), settings.routes_mass, settings.chat),
        (2, Some(0.5), Some(true))
    );
    assert_eq!(problems, ["`modle` is no key of limpid; did you mean `model`?"]);
    assert_eq!(read_editor(&json!(null)), (Settings::default(), Vec::new()));
    assert_eq!(read_editor(&json!([1])), (Settings::default(), Vec::new()));
}

/// Labels offered at the `|` of a text, and what one of them makes of it.
fn offered(marked: &str, complete: fn(&str, usize) -> Vec<assist::Completion>) -> Vec<String> {
    let at = marked.find('|').unwrap();
    let text = marked.replacen('|', "", 1);
    let found = complete(&text, at);
    for completion in &found {
        assert!(completion.replace.end == at && text.is_char_boundary(completion.replace.start));
        assert!(completion.insert.starts_with(&text[completion.replace.clone()]), "{completion:?}");
    }
    found.into_iter().map(|completion| completion.label).collect()
}

#[test]
fn completion_knows_the_table_and_what_stands_there() {
    let of = |marked: &str| offered(marked, assist::complete);
    assert_eq!(of("mo|"), ["model"]);
    assert_eq!(of("chat = |"), ["true", "false"]);
    assert_eq!(of("[in|"), ["[inlay]"]);
    assert_eq!(of("[[|"), ["[[prompt]]"]);
    assert_eq!(
        of("[inlay]\npredictions = 3\n|"),
        ["surprisal", "[inlay]", "[heat]", "[routes]", "[effects]", "[[prompt]]"]
    );
    assert_eq!(of("[heat]\nmethod = \"atp_|"), ["\"atp_linear\"", "\"atp_true\""]);
    let rules = "[[prompt]]\nfiles = \"a\"\nfoil = \"x\"\n[[prompt]]\nfiles = \"b\"\nf|";
    assert_eq!(of(rules), ["foil"]);
    assert_eq!(of("# mo|"), [""; 0]);
    assert_eq!(of("zzz = |"), [""; 0]);
    assert!(of("|").starts_with(&["model".to_owned()]));
}

#[test]
fn hover_explains_keys_and_tables() {
    let hover = |word: &str| {
        let found = assist::hover(WHOLE, WHOLE.find(word).unwrap());
        found.map(|(doc, span)| (doc.lines().next().unwrap_or_default().to_owned(), &WHOLE[span]))
    };
    assert_eq!(hover("model"), Some(("`model`: text".into(), "model = \"a/b\"")));
    assert_eq!(
        hover("10"),
        Some(("`inlay.predictions`: a whole number from 0 to 10".into(), "predictions = 10"))
    );
    assert_eq!(hover("prompt]]"), Some(("`[[prompt]]`".into(), "prompt")));
    assert_eq!(hover("262"), Some(("`foil`: a token's text or id".into(), "foil = 262")));
    assert_eq!(hover("# of"), None);
}

#[test]
fn front_matter_is_completed_and_explained_between_its_fences() {
    let of = |marked: &str| offered(marked, front_matter::complete);
    assert_eq!(of("---\nmodel: x\n|\n---\n"), ["target", "foil", "chat", "untrusted"]);
    assert_eq!(of("---\nf|"), ["foil"]);
    assert_eq!(of("---\nchat: t|\n---\n"), ["true"]);
    assert_eq!(of("---\n---\nf|"), [""; 0]);
    assert_eq!(of("f|"), [""; 0]);
    assert_eq!(of("---\nsample:\n  f|"), [""; 0]);
    let text = "---\nfoil: \" the\"\r\n---\nfoil: x";
    let (doc, span) = front_matter::hover(text, 6).unwrap();
    assert!(doc.starts_with("`foil`: a token's text or id"), "{doc}");
    assert_eq!(&text[span], "foil: \" the\"");
    assert_eq!(front_matter::hover(text, text.len() - 3), None);
    assert_eq!(front_matter::hover(text, 1), None);
}

#[test]
fn the_schema_file_is_fresh() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../protocol/limpid.schema.json");
    let fresh = format!("{}\n", serde_json::to_string_pretty(&schema()).unwrap());
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        std::fs::write(path, &fresh).unwrap();
    }
    let found = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        found == fresh,
        "protocol/limpid.schema.json is stale; run UPDATE_GENERATED=1 cargo test --release -p limpid-server schema"
    );
}

proptest! {
    #[test]
    fn any_text_is_read_completed_and_explained(text in "[a-z\\[\\]=.\"'\n# 0-9é\u{0}-]{0,80}", at in 0usize..100) {
        for problem in assist::diagnose(&text) {
            assert!(problem.source.end <= text.len(), "{problem:?}");
        }
        for of in [assist::complete, front_matter::complete] {
            for completion in of(&text, at.min(text.len())) {
                assert!(text.get(completion.replace).is_some());
            }
        }
        for found in [assist::hover(&text, at), front_matter::hover(&text, at.min(text.len()))] {
            assert!(found.is_none_or(|(_, span)| text.get(span).is_some()));
        }
        let fenced = format!("---\n{text}\n---\n");
        let _ = front_matter::complete(&fenced, at.min(fenced.len()));
        let _ = front_matter::hover(&fenced, at);
    }
}
