//! `fixtures/display.json`: what every function of `display` writes, for clients in other languages to prove that they round alike.
//! Numbers are what a 32-bit float is on the wire: as short as it can be written, NaN is null.

use crate::{
    display::{
        bytes, cut, duration, flow, head_name, nats, neuron_name, probability, rank, signed,
        thousands, token,
    },
    tests::check_fresh,
};
use serde_json::{Value, json};

/// Numbers about which formats disagree: halves, zeros, powers of ten, and what 32 bits cannot hold.
const NUMBERS: &[f32] = &[
    0.0,
    0.001,
    0.0049,
    0.005,
    0.0051,
    0.125,
    0.25,
    0.375,
    0.5,
    0.625,
    0.875,
    1.0,
    1.005,
    1.015,
    1.115,
    1.125,
    1.236,
    1.375,
    2.5,
    2.675,
    7.375,
    9.995,
    10.0,
    12.5,
    99.995,
    123.456,
    1000.0,
    16_777_216.0,
];
/// Shares about which they do: those, and the steps between two, one and no digits.
const SHARES: &[f32] = &[
    1e-9,
    0.000_01,
    0.000_094,
    0.000_095,
    0.000_099,
    0.0001,
    0.000_149,
    0.000_151,
    0.0004,
    0.001,
    0.0012,
    0.001_25,
    0.003_125,
    0.008,
    0.0094,
    0.0095,
    0.009_949,
    0.009_95,
    0.009_951,
    0.01,
    0.0105,
    0.0112,
    0.0125,
    0.015_625,
    0.032,
    0.041,
    0.06,
    0.0625,
    0.0945,
    0.0949,
    0.0994,
    0.0995,
    0.0996,
    0.1,
    0.105,
    0.115,
    0.125,
    0.145,
    0.333_333_34,
    0.375,
    0.5,
    0.545,
    0.625,
    0.666_666_7,
    0.75,
    0.82,
    0.875,
    0.97,
    0.985,
    0.994,
    0.9949,
    0.995,
    0.9951,
    0.997,
    0.999_999_9,
];
const MILLISECONDS: &[f32] = &[
    0.0, 0.04, 0.05, 0.25, 0.35, 0.75, 1.0, 1.25, 9.5, 9.94, 9.95, 9.96, 10.0, 10.5, 11.5, 38.2,
    99.5, 100.5, 999.4, 999.5, 999.6, 1000.0, 1050.0, 1150.0, 1234.0, 1250.0, 1350.0, 1650.0,
    60_000.0, 123_456.7,
];
const TEXTS: &[&str] = &[
    "",
    " ",
    "  ",
    " Paris",
    "Paris ",
    "a b ",
    "\n",
    "\r",
    "\r\n",
    "\n \n",
    "\n\n  x",
    "\t",
    "\ta",
    "\u{1B}[0m",
    "\u{0}",
    "\u{7F}",
    "\u{85}",
    "\u{A0}",
    "\u{AD}",
    "\u{200B}",
    "\u{200F}a",
    "\u{2028}",
    "\u{202E}abc",
    "\u{2066}",
    "\u{3000}",
    "\u{FEFF}",
    "\u{E0041}",
    "é",
    "e\u{301}",
    "👩",
    "👩\u{200D}👩",
    "漢字",
    "<b>&amp;</b>",
    "[a](b)",
    "`x`",
    "⟨0xE2⟩",
    "abcdefghijklmnopqrstuvwx",
    "abcdefghijklmnopqrstuvwxyz",
    "漢漢漢漢漢漢漢漢漢漢漢漢漢",
    "e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}",
    "👩👩👩👩👩👩👩👩👩👩👩👩👩",
    "                              ",
];

fn cases() -> Vec<Value> {
    let mut found = Vec::new();
    let mut case = |format: &str, input: Value, output: String| {
        // Through text, so that 32-bit floats are spelled as on the wire.
        found.push(json!({ "format": format, "input": input, "output": output }));
    };
    let wire = |number: f32| -> Value {
        serde_json::from_str(&serde_json::to_string(&number).unwrap()).unwrap()
    };
    let numbers = NUMBERS.iter().flat_map(|number| [*number, -*number]);
    let shares = || SHARES.iter().chain(&[0.0, 1.0, -0.1, f32::NAN]);
    for &share in shares() {
        case("probability", wire(share), probability(share));
        case("flow", wire(share), flow(share));
    }
    for number in numbers.filter(|number| *number != 0.0 || number.is_sign_positive()) {
        case("signed", wire(number), signed(number));
        case("nats", wire(number), nats(number));
    }
    for &ms in MILLISECONDS {
        case("duration", wire(ms), duration(ms));
    }
    for count in [0, 1, 12, 999, 1000, 9214, 49_152, 999_999, 1_000_000, 262_144_000] {
        case("thousands", count.into(), thousands(count));
        case("rank", count.max(1).into(), rank(count.max(1)));
    }
    for power in
        [0, 1, 1023, 1024, 1536, 1_048_575, 1 << 20, 98_566_144, (1 << 30) - 1, 1 << 30, 5 << 40]
    {
        case("bytes", power.into(), bytes(power));
    }
    for text in TEXTS {
        case("token", (*text).into(), token(text));
        for columns in [0, 1, 2, 3, 8, 24] {
            case("cut", json!([text, columns]), cut(text, columns));
        }
    }
    for (layer, at) in [(0, 0), (9, 6), (23, 1535)] {
        case("head_name", json!([layer, at]), head_name(layer, at));
        case("neuron_name", json!([layer, at]), neuron_name(layer, at));
    }
    found
}

#[test]
fn display_json_is_fresh() {
    let lines: Vec<String> = cases().iter().map(Value::to_string).collect();
    check_fresh("fixtures/display.json", &format!("[\n{}\n]\n", lines.join(",\n")));
}
