//! Claims about how tokens and numbers are written.

use crate::display::{
    TOKEN_COLUMNS, bytes, duration, flow, nats, probability, rank, signed, token, token_of_bytes,
    width,
};

fn check(shown: &str, expected: &str) {
    assert_eq!(shown, expected);
}

#[test]
fn tokens_are_escaped() {
    check(&token(" Paris"), "·Paris");
    check(&token("  "), "··");
    check(&token("\n"), "↵");
    check(&token("\n \n"), "↵·↵");
    check(&token("\n\n  x"), "↵↵  x");
    check(&token("\ta"), "→a");
    check(&token("\u{1B}[0m"), "⟨0x1B⟩[0m");
    check(&token("\r"), "⟨0x0D⟩");
    check(&token(""), "∅");
    check(&token("a b "), "a b·");
    check(&token("\u{202E}abc"), "⟨0x202E⟩abc");
    check(&token_of_bytes(&[0xE2, 0x82]), "⟨0xE2⟩⟨0x82⟩");
    check(&token_of_bytes("é".as_bytes()), "é");
}

#[test]
fn long_tokens_are_cut_in_the_middle() {
    check(&token("abcdefghijklmnopqrstuvwxyz"), "abcdefghijkl…pqrstuvwxyz");
    check(&token("abcdefghijklmnopqrstuvwx"), "abcdefghijklmnopqrstuvwx");
    for text in ["漢".repeat(40), "·".repeat(300), "e\u{301}".repeat(60), "👩".repeat(30)] {
        assert!(width(&token(&text)) <= TOKEN_COLUMNS, "{text}");
    }
}

#[test]
fn probabilities_keep_their_meaning() {
    check(&probability(0.97), "97 %");
    check(&probability(0.032), "3.2 %");
    check(&probability(0.06), "6 %");
    check(&probability(0.008), "0.8 %");
    check(&probability(0.0004), "0.04 %");
    check(&probability(0.000_01), "<0.01 %");
    check(&probability(0.997), ">99 %");
    check(&probability(1.0), "100 %");
    check(&probability(0.0), "0 %");
    check(&probability(f32::NAN), "? %");
}

#[test]
fn other_numbers() {
    check(&flow(0.82), "82 %");
    check(&flow(0.041), "4.1 %");
    check(&flow(0.0012), "0.12 %");
    check(&signed(1.236), "+1.24");
    check(&signed(-0.3), "-0.30");
    check(&signed(-0.001), "0.00");
    check(&nats(-0.2614), "-0.26");
    check(&rank(1), "#1");
    check(&rank(49_152), "#49,152");
    check(&duration(38.2), "38 ms");
    check(&duration(1234.0), "1.2 s");
    check(&bytes(98_566_144), "94.0 MiB");
}
