//! Another target or foil of the same place shares what was found there; another place does not.

use limpid_analysis::{
    attribution::Method,
    route_prune::Prune,
    views::{
        explained::Explained,
        inspection::{Inspector, Question, Top},
    },
};
use limpid_engine::device::Compute;
use limpid_tests::{
    tiny::{FAMILIES, Tiny},
    trace, watched,
};
use std::sync::Arc;

#[test]
fn another_target_is_answered_from_the_same_findings_and_as_if_asked_first() {
    for family in FAMILIES {
        let tiny = Tiny::open(family);
        let loaded = Arc::new(tiny.load(&Compute::cpu()));
        let whole = Arc::new(trace(&loaded, &tiny.ids()));
        let question = Question { top: Top::All, ..Question::DEFAULT };
        let ask = |question: &Question, known: &[&Inspector]| {
            let known = known.iter().map(|known| Arc::clone(known.findings()));
            let (loaded, whole) = (Arc::clone(&loaded), Arc::clone(&whole));
            watched(|watch| Inspector::new(loaded, whole, question, known, watch)).unwrap()
        };
        let scores = |of: &Inspector| {
            watched(|watch| {
                let attributions = of.attributions(watch).unwrap();
                of.attribution(attributions, &[Method::Atp, Method::Flow])
            })
        };
        let first = ask(&question, &[]);
        let with_foil = Question { target: Some(3), foil: Some(4), ..question.clone() };
        let shared = ask(&with_foil, &[&first]);
        assert!(Arc::ptr_eq(first.findings(), shared.findings()), "{family}");
        assert_eq!(scores(&shared), scores(&ask(&with_foil, &[])), "{family}");
        assert_ne!(scores(&shared), scores(&first), "{family}: the target matters");
        let more = Question { prune: Prune::Mass(0.99), ..question.clone() };
        let (again, anew) = (ask(&more, &[&first]), ask(&more, &[]));
        assert!(Arc::ptr_eq(&first.findings().graph, &again.findings().graph), "{family}");
        assert_eq!(again.routes(), anew.routes(), "{family}: pruned as if grown for it");
        for other in [
            Question { position: Some(1), ..question.clone() },
            Question { prune: Prune::Lmtt(0.1), ..question.clone() },
        ] {
            assert!(!Arc::ptr_eq(first.findings(), ask(&other, &[&first]).findings()), "{family}");
        }
    }
}

#[test]
fn linear_scores_asked_first_are_those_asked_last_and_change_nothing_behind_them() {
    for family in FAMILIES {
        let tiny = Tiny::open(family);
        let loaded = Arc::new(tiny.load(&Compute::cpu()));
        let whole = Arc::new(trace(&loaded, &tiny.ids()));
        let ask = || {
            let (loaded, whole) = (Arc::clone(&loaded), Arc::clone(&whole));
            Explained::new(loaded, whole, &Question::DEFAULT).unwrap()
        };
        let all = |of: &Explained| {
            watched(|watch| {
                let walked = of.attributions(watch).unwrap();
                of.attribution(
                    walked,
                    &[Method::AtpLinear, Method::Atp, Method::LogitAttribution],
                    &[],
                )
            })
        };
        let at_once = ask();
        let expected = all(&at_once);
        let halved = ask();
        let first = watched(|watch| halved.linear_attribution(watch).unwrap()).unwrap();
        assert_eq!(first.scores, expected.scores, "{family}");
        assert_eq!((first.value, &first.method), (expected.value, &expected.method), "{family}");
        assert_eq!(all(&halved), expected, "{family}: the second half stands on the first");
        assert!(watched(|watch| halved.linear_attribution(watch).unwrap()).is_none(), "{family}");
    }
}
