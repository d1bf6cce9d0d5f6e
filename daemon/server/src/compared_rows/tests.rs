//! Claims about which parts of several runs are the same, and where they matter.

use crate::{
    compared_rows::{Parted, compared_rows},
    parts::{Outline, TokenScores, roll_up, segments},
};
use limpid_protocol::{
    inspection::TokenRow,
    part_row::{PartBy, PartKind, PartRow},
    views::compare::{CompareRow, Reach, RowChange},
};
use proptest::prelude::{prop, proptest};

/// A run over the lines of a text, each of which is a token with this score.
fn run(text: &str, scores: &[f32]) -> Option<Parted> {
    let mut at = 0;
    let token = |(index, line): (usize, &str)| {
        let start = at;
        at += line.len();
        TokenRow {
            index,
            id: 0,
            text: line.to_owned(),
            start: Some(start),
            end: Some(at),
            logprob: None,
            rank: None,
        }
    };
    let tokens: Vec<TokenRow> = text.split_inclusive('\n').enumerate().map(token).collect();
    let cut = segments(text, &Outline::default(), PartBy::Line);
    let scores = TokenScores { flows: &[], attributions: scores };
    Some(Parted { text: text.into(), parts: roll_up(text, &cut, &tokens, scores) })
}

/// `text change reach` with the first token of each cell.
fn shown(rows: &[CompareRow]) -> Vec<String> {
    let one = |row: &CompareRow| {
        let cells = row.cells.iter().map(|cell| {
            cell.as_ref().map_or_else(|| "-".to_owned(), |cell| cell.tokens.start.to_string())
        });
        let cells: Vec<String> = cells.collect();
        format!("{} {} {} {}", row.text, row.change.as_str(), row.reach.as_str(), cells.join(","))
    };
    rows.iter().map(one).collect()
}

#[test]
fn parts_of_a_changed_text_are_found_again() {
    let now = run("a\nb\nc\nd\n", &[0.0, 1.0, 1.0, 1.0]);
    let then = run("a\nx\nc\ne\nd\n", &[0.0, 1.0, 1.0, 1.0, 1.0]);
    assert_eq!(
        shown(&compared_rows(&[now.clone(), then.clone(), now.clone()])),
        [
            "a same nowhere 0,0,0",
            "b changed nowhere 1,1,1",
            "c same nowhere 2,2,2",
            "e added nowhere -,3,-",
            "d same nowhere 3,4,3"
        ]
    );
    assert_eq!(
        shown(&compared_rows(&[then, now])),
        [
            "a same nowhere 0,0",
            "x changed nowhere 1,1",
            "c same nowhere 2,2",
            "e removed nowhere 3,-",
            "d same nowhere 4,3"
        ]
    );
}

#[test]
fn a_third_text_finds_its_parts_in_both() {
    let runs =
        [run("a\nb\n", &[0.0, 1.0]), run("a\nb\nc\n", &[0.0; 3]), run("b\nc\nq\n", &[0.0; 3])];
    assert_eq!(
        shown(&compared_rows(&runs)),
        [
            "a same nowhere 0,0,-",
            "b same nowhere 1,1,0",
            "c added nowhere -,2,1",
            "q added nowhere -,-,2"
        ]
    );
}

#[test]
fn what_matters_has_one_and_a_half_of_an_even_share() {
    // Without the first token: 4 of 8, 2 of 8, 2 of 8 of three parts.
    let rows = compared_rows(&[
        run("a\nb\nc\nd\n", &[9.0, -4.0, 2.0, 2.0]),
        run("a\nb\nc\nd\n", &[9.0, 2.0, 2.0, 4.0]),
        None,
    ]);
    let shares = |at: usize| rows[at].cells[0].as_ref().unwrap().share;
    assert_eq!([shares(0), shares(1), shares(2)], [0.0, 0.5, 0.25]);
    let reach: Vec<Reach> = rows.iter().map(|row| row.reach).collect();
    assert_eq!(reach, [Reach::Nowhere, Reach::Some, Reach::Nowhere, Reach::Some]);
    assert!(rows.iter().all(|row| row.cells.len() == 3 && row.cells[2].is_none()));
    let alone = compared_rows(&[run("a\nb\nc\nd\n", &[9.0, -4.0, 2.0, 2.0]), None]);
    assert_eq!(alone[1].reach, Reach::Everywhere);
    assert_eq!(alone[1].change, RowChange::Same);
}

#[test]
fn parts_of_one_text_stand_where_they_stand() {
    let own = run("a\na\na\n", &[0.0; 3]);
    let mut other = own.clone().unwrap();
    // A model of which no token falls into the second line.
    other.parts.remove(1);
    assert_eq!(
        shown(&compared_rows(&[own.clone(), Some(other.clone()), own.clone()])),
        ["a same nowhere 0,0,0", "a same nowhere 1,-,1", "a same nowhere 2,2,2"]
    );
    assert_eq!(
        shown(&compared_rows(&[Some(other), own])),
        ["a same nowhere 0,0", "a same nowhere -,1", "a same nowhere 2,2"]
    );
}

#[test]
fn a_template_changes_no_text() {
    let (own, mut other) = (run("a\nb\n", &[0.0; 2]), run("b\n", &[0.0]).unwrap());
    let bos =
        PartRow { kind: PartKind::Template, start: None, end: None, ..other.parts[0].clone() };
    other.parts.insert(0, PartRow { text: "<bos>".to_owned(), ..bos });
    assert_eq!(
        shown(&compared_rows(&[own, Some(other)])),
        ["<bos> same nowhere -,0", "a removed nowhere 0,-", "b same nowhere 1,0"]
    );
}

proptest! {
    #[test]
    fn every_part_of_every_run_stands_in_one_row_in_order(
        texts in prop::collection::vec("([abc]\n){0,6}", 1..5),
    ) {
        let runs: Vec<_> = texts.iter().map(|text| run(text, &[])).collect();
        let rows = compared_rows(&runs);
        for (at, run) in runs.iter().enumerate() {
            let starts: Vec<usize> = rows
                .iter()
                .filter_map(|row| Some(row.cells[at].as_ref()?.tokens.start))
                .collect();
            let own: Vec<usize> =
                run.iter().flat_map(|run| &run.parts).map(|part| part.tokens.start).collect();
            assert_eq!(starts, own);
        }
    }
}
