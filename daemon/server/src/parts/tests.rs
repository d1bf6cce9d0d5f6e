//! Parts tile texts and tokens, whatever the text; sums equal the whole.

use crate::{
    parts::{Outline, Titled, TokenScores, roll_up, segments, span_scores},
    prompt_document::{Section, SectionKind},
    prompt_text::{Message, PromptText, SourceMap},
};
use limpid_protocol::{
    inspection::TokenRow,
    part_row::{PartBy, PartKind, PartRow},
};
use proptest::prelude::{Strategy, any, prop, proptest};
use std::ops::Range;

fn pieces(text: &str, by: PartBy) -> Vec<&str> {
    segments(text, &Outline::default(), by).into_iter().map(|s| &text[s.span]).collect()
}

fn token(index: usize, span: Option<Range<usize>>) -> TokenRow {
    let (start, end) = (span.as_ref().map(|s| s.start), span.as_ref().map(|s| s.end));
    TokenRow { index, id: 0, text: "t".into(), start, end, logprob: None, rank: None }
}

#[test]
fn words_take_the_spaces_before_them() {
    assert_eq!(
        pieces("Don't  stop,\n\nJosé — 3.14 日本 ", PartBy::Word),
        ["Don't", "  stop", ",", "\n", "\n", "José", " —", " 3.14", " 日", "本", " "]
    );
}

#[test]
fn lines_end_at_every_kind_of_break() {
    assert_eq!(pieces("a\r\nb\rc\n\nd", PartBy::Line), ["a\r\n", "b\r", "c\n", "\n", "d"]);
}

#[test]
fn paragraphs_take_the_blank_lines_after_them() {
    assert_eq!(pieces("\n\na\nb\n \n\nc\n", PartBy::Paragraph), ["\n\na\nb\n \n\n", "c\n"]);
}

#[test]
fn a_dot_that_ends_no_sentence_ends_none() {
    let check =
        |expected: &[&str]| assert_eq!(pieces(&expected.concat(), PartBy::Sentence), expected);
    check(&["Use fruit, e.g. apples, i.e. pomes. ", "Then stop!"]);
    check(&["Mr. Smith met J. R. R. Tolkien (cf. Fig. 3). ", "He left."]);
    check(&["1. Answer briefly.\n", "2. Cite. ", "Pi is 3.14. ", "Yes."]);
    check(&["It cost 1 USD etc. ", "Then nothing."]);
    check(&["The capital\nof France, and so\non. ", "Next"]);
    check(&["Title\n\n", "Text here\n", "Q: What?\n", "A: yes"]);
    check(&["日本です。", "はい。"]);
}

#[test]
fn messages_are_parts_and_no_line_crosses_them() {
    let outline = Outline {
        messages: vec![
            Titled { name: "system".into(), span: 0..2 },
            Titled { name: "user".into(), span: 2..5 },
        ],
        examples: vec![Titled { name: "Example 1".into(), span: 3..4 }],
    };
    let of = |by| -> Vec<_> {
        let found = segments("abcdef", &outline, by);
        found.into_iter().map(|s| (s.kind, s.name.unwrap_or_default(), s.span)).collect()
    };
    let (message, text) = (PartKind::Message, PartKind::Text);
    let expected = [(message, "system", 0..2), (message, "user", 2..5), (text, "", 5..6)];
    assert_eq!(of(PartBy::Message), expected.map(|(k, n, s)| (k, n.to_owned(), s)));
    let expected = [(text, "", 0..3), (PartKind::Example, "Example 1", 3..4), (text, "", 4..6)];
    assert_eq!(of(PartBy::Example), expected.map(|(k, n, s)| (k, n.to_owned(), s)));
    let lines: Vec<_> = of(PartBy::Line).into_iter().map(|(.., span)| span).collect();
    assert_eq!(lines, [0..2, 2..5, 5..6]);
}

#[test]
fn examples_of_a_document_are_found_in_the_text() {
    // `ab` and `cd` of a document `..ab--cd`, of which an example covers `b--c` and another the rest.
    let mut map = SourceMap::verbatim(2, 2);
    map.push_verbatim(2, 6);
    let messages = Some(vec![Message { role: "user".into(), content: 0..4, source: 0..8 }]);
    let text = PromptText { text: "abcd".into(), map, messages };
    let section = |name: &str, kind, source| Section { name: name.into(), kind, source };
    let sections = [
        section("one", SectionKind::Example, 3..7),
        section("all", SectionKind::Section, 0..8),
        section("two", SectionKind::Example, 7..8),
    ];
    let outline = Outline::of(&text, &sections);
    let spans: Vec<_> = outline.examples.into_iter().map(|t| (t.name, t.span)).collect();
    assert_eq!(spans, [("one".to_owned(), 1..3), ("two".to_owned(), 3..4)]);
    assert_eq!(outline.messages, [Titled { name: "user".into(), span: 0..4 }]);
}

#[test]
fn the_sink_is_told_apart_and_the_template_comes_first() {
    let text = "one two\nsix";
    let tokens = [
        token(0, None),
        token(1, Some(0..3)),
        token(2, Some(3..7)),
        token(3, Some(7..11)),
        token(4, None),
    ];
    let (flows, attributions) = ([0.5, 0.1, 0.1, 0.2, 0.1], [9.0, 1.0, -2.0, 0.5, 0.25]);
    let scores = TokenScores { flows: &flows, attributions: &attributions };
    let parts = segments(text, &Outline::default(), PartBy::Line);
    let rows = roll_up(text, &parts, &tokens, scores);
    let brief: Vec<_> =
        rows.iter().map(|r| (r.kind, r.text.as_str(), r.n_tokens, r.attribution)).collect();
    assert_eq!(
        brief,
        [
            (PartKind::Template, "tt", 2, 9.25),
            (PartKind::Line, "one two", 2, -1.0),
            // The line break's token holds `six`, its first byte that is no whitespace.
            (PartKind::Line, "six", 1, 0.5),
        ]
    );
    assert!(rows[0].is_sink && !rows[1].is_sink);
    let without = rows[0].without_sink.clone().unwrap();
    assert!((without.flow - 0.1).abs() < 1e-6 && (without.attribution - 0.25).abs() < 1e-6);
    let shares: Vec<f32> = rows.iter().map(|r| r.share).collect();
    assert!(shares.iter().zip([0.2, 0.4, 0.4]).all(|(a, b)| (a - b).abs() < 1e-6), "{shares:?}");
}

#[test]
fn a_prompt_of_the_sink_alone_has_the_whole_share() {
    let scores = TokenScores { flows: &[1.0], attributions: &[0.0] };
    let parts = segments("a", &Outline::default(), PartBy::Word);
    let rows = roll_up("a", &parts, &[token(0, Some(0..1))], scores);
    assert_eq!((rows.len(), rows[0].share), (1, 1.0));
    let nothing = roll_up("", &[], &[token(0, None)], scores);
    assert_eq!((nothing[0].kind, nothing[0].share), (PartKind::Template, 1.0));
}

fn check_spans(text: &str, rows: &[PartRow], tokens: &[TokenRow], scores: TokenScores<'_>) {
    // The sink alone has the whole share of a roll-up, and none of a span.
    let rows: Vec<&PartRow> =
        rows.iter().filter(|row| row.start.is_some() && tokens.len() > 1).collect();
    let spans: Vec<_> = rows.iter().map(|row| row.start.unwrap()..row.end.unwrap()).collect();
    for (row, span) in rows.iter().zip(span_scores(text, &spans, tokens, scores)) {
        let attribution = row.without_sink.as_ref().map_or(row.attribution, |it| it.attribution);
        let differs = (row.share - span.share).abs().max((attribution - span.attribution).abs());
        assert!(differs < 1e-4, "{row:?} {span:?}");
    }
}

fn check_sums(rows: &[PartRow], n_tokens: usize, scores: TokenScores<'_>) {
    let sum = |of: fn(&PartRow) -> f32| rows.iter().map(|r| f64::from(of(r))).sum::<f64>();
    let whole = |of: &[f32]| of.iter().map(|s| f64::from(*s)).sum::<f64>();
    assert_eq!(rows.iter().map(|r| r.n_tokens).sum::<usize>(), n_tokens);
    assert!((sum(|r| r.flow) - whole(scores.flows)).abs() < 1e-4);
    assert!((sum(|r| r.attribution) - whole(scores.attributions)).abs() < 1e-3);
    assert!((sum(|r| r.share) - 1.0).abs() < 1e-5);
    assert_eq!(rows.iter().filter(|r| r.is_sink).count(), 1);
    // Parts of text have neighbouring tokens and follow one another.
    let text: Vec<_> = rows.iter().filter(|r| r.kind != PartKind::Template).collect();
    assert!(text.iter().all(|r| r.tokens.end - r.tokens.start >= r.n_tokens));
    assert!(text.windows(2).all(|pair| pair[0].tokens.end <= pair[1].tokens.start));
    assert!(text.windows(2).all(|pair| pair[0].end <= pair[1].start));
}

fn any_text() -> impl Strategy<Value = String> {
    proptest::strategy::Union::new([
        "\\PC{0,40}".boxed(),
        "[a-zA-Z0-9 .,!?\r\n\té日😀\u{300}\u{200d}\u{3000}]{0,60}".boxed(),
    ])
}

proptest! {
    #[test]
    fn every_token_is_in_one_part_and_sums_equal_the_whole(
        text in any_text(),
        cuts in prop::collection::vec(any::<(prop::sample::Index, bool)>(), 0..20),
        marks in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        seed in any::<u32>(),
    ) {
        // Tokens end anywhere, inside characters too; some are added.
        let mut ends: Vec<usize> = cuts.iter().map(|(at, _)| at.index(text.len() + 1)).collect();
        ends.sort_unstable();
        let mut tokens = vec![token(0, (seed % 2 == 0).then_some(0..0))];
        let mut start = 0;
        for (end, (_, is_added)) in ends.into_iter().zip(&cuts) {
            tokens.push(token(tokens.len(), (!is_added).then_some(start..end)));
            start = end;
        }
        tokens.push(token(tokens.len(), Some(start..text.len())));
        let score = |at: usize| ((at as u32).wrapping_mul(2_654_435_761).wrapping_add(seed) % 1000) as f32 / 1000.0 + 0.001;
        let flows: Vec<f32> = (0..tokens.len()).map(score).collect();
        let attributions: Vec<f32> = (0..tokens.len()).map(|at| score(at + 7) - 0.5).collect();
        let scores = TokenScores { flows: &flows, attributions: &attributions };
        let mut bounds: Vec<usize> = marks.iter().map(|mark| mark.index(text.len() + 1)).filter(|at| text.is_char_boundary(*at)).collect();
        bounds.sort_unstable();
        let titled: Vec<Titled> = bounds.windows(2).map(|pair| Titled { name: "x".into(), span: pair[0]..pair[1] }).collect();
        let outline = Outline { messages: titled.clone(), examples: titled };
        for by in PartBy::ALL {
            let parts = segments(&text, &outline, *by);
            let mut at = 0;
            for part in &parts {
                assert_eq!(part.span.start, at, "{by:?}");
                assert!(part.span.end > at && text.is_char_boundary(part.span.end), "{by:?}");
                at = part.span.end;
            }
            assert_eq!(at, text.len(), "{by:?}");
            let rows = roll_up(&text, &parts, &tokens, scores);
            check_sums(&rows, tokens.len(), scores);
            check_spans(&text, &rows, &tokens, scores);
        }
    }
}
