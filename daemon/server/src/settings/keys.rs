//! The one table of keys: what parses `limpid.toml`, front matter and editor settings, what completes and explains them, and
//! what the JSON schema is written from. What must not live here: reading, TOML, YAML.

use limpid_analysis::attribution::Method;

/// What a key may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// A token: text, or a whole number that is its id.
    Token,
    /// `true` or `false`.
    Flag,
    /// A whole number from 0 to this.
    Count(usize),
    /// A number above 0, at most 1.
    Share,
    /// A number from 0 on, of nats.
    Nats,
    /// A name of an attribution method.
    Method,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// Texts.
    Texts,
    /// A glob.
    Glob,
}

impl Kind {
    /// What it is, for people.
    pub fn says(self) -> String {
        match self {
            Self::Text => "text".to_owned(),
            Self::Token => "a token's text or id".to_owned(),
            Self::Flag => "true or false".to_owned(),
            Self::Count(most) => format!("a whole number from 0 to {most}"),
            Self::Share => "a number above 0 and at most 1".to_owned(),
            Self::Nats => "a number from 0 on".to_owned(),
            Self::Method => format!("one of {}", methods().join(", ")),
            Self::OneOf(words) => format!("one of {}", words.join(", ")),
            Self::Texts => "a list of texts".to_owned(),
            Self::Glob => "a glob".to_owned(),
        }
    }
}

/// Names of the attribution methods.
pub fn methods() -> Vec<&'static str> {
    Method::ALL.into_iter().map(Method::name).collect()
}

/// A key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its name; a dot stands between a table and what is in it.
    pub name: &'static str,
    /// What it may hold.
    pub kind: Kind,
    /// What holds without it, as TOML spells it; none: nothing does.
    pub default: Option<&'static str>,
    /// What it is for: sentences for a person.
    pub doc: &'static str,
}

const fn key(
    name: &'static str,
    kind: Kind,
    default: Option<&'static str>,
    doc: &'static str,
) -> Key {
    Key { name, kind, default, doc }
}

const MODEL: Key = key(
    "model",
    Kind::Text,
    Some("\"SmolLM2-135M-Instruct\""),
    "Name of the model, a .gguf file, or a folder with config.json and safetensors.",
);
const CHAT: Key = key(
    "chat",
    Kind::Flag,
    Some("false"),
    "Put a plain prompt into the model's chat template as one user message.",
);
const TARGET: Key = key(
    "target",
    Kind::Token,
    None,
    "The predicted token that is explained, as text or id; without it, the model's top one.",
);
const FOIL: Key = key(
    "foil",
    Kind::Token,
    None,
    "The token that the target is compared with: why A rather than B.",
);
const UNTRUSTED: Key = key(
    "untrusted",
    Kind::Texts,
    None,
    "Roles whose text others wrote: retrieved, pasted, a tool's output. A warning says where it outweighs the system message.",
);

/// Keys of `limpid.toml` and of the editor's settings (there below `limpid.`). `[[prompt]]` stands beside them.
pub const FOLDER_KEYS: &[Key] = &[
    MODEL,
    CHAT,
    UNTRUSTED,
    key(
        "inlay.predictions",
        Kind::Count(10),
        Some("3"),
        "Likely next tokens shown after a prompt; 0 shows none.",
    ),
    key(
        "inlay.surprisal",
        Kind::Flag,
        Some("false"),
        "Show in the text how surprising each token and line is to the model.",
    ),
    key("heat.method", Kind::Method, Some("\"atp\""), "Attribution method that heat shows."),
    key(
        "heat.show",
        Kind::OneOf(&["off", "tokens", "colors"]),
        Some("\"off\""),
        "How an editor without a plugin shows heat in the text: as semantic tokens, or as document colours.",
    ),
    key(
        "routes.mass",
        Kind::Share,
        Some("0.9"),
        "Share of the flow that the routes show; the rest is pruned, and said.",
    ),
    key(
        "effects.floor",
        Kind::Nats,
        Some("0.05"),
        "Measured effects below so many nats count as none; a line without any is pointed at.",
    ),
];

/// Name of the list of rules in `limpid.toml`.
pub const RULES: &str = "prompt";
/// What it is for.
pub const RULES_DOC: &str = "A rule for some of the folder's files: `files` says which, the rest what holds for them. The first that matches and sets a key wins.";

/// Keys of a `[[prompt]]` rule.
pub const RULE_KEYS: &[Key] = &[
    key(
        "files",
        Kind::Glob,
        None,
        "Files that the rule is about: a glob from this folder. Without a `/` it is about names, in folders below too.",
    ),
    MODEL,
    TARGET,
    FOIL,
    CHAT,
    UNTRUSTED,
];

/// Keys of the front matter of a prompt file.
pub const FRONT_MATTER_KEYS: &[Key] = &[
    MODEL,
    TARGET,
    FOIL,
    CHAT,
    key(
        "untrusted",
        Kind::Texts,
        None,
        "Text that others wrote: lines of this file like 8-12, or roles. A warning says where it outweighs the system message.",
    ),
];

/// Settings that an editor has for itself below `limpid.`; they are not ours to judge.
pub const EDITOR_ONLY: &[&str] = &[
    "path",
    "device",
    "memoryBudget",
    "heat.scale",
    "effects.auto",
    "effects.budgetMs",
    "followCursor",
    "languages",
    "trace",
];

/// A key of a table by its name.
pub fn find(keys: &'static [Key], name: &str) -> Option<&'static Key> {
    keys.iter().find(|key| key.name == name)
}

/// The known name that a misspelt one was most likely meant to be.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const ALIKE: f64 = 0.8;
    let scored = known.into_iter().map(|known| (strsim::jaro_winkler(name, known), known));
    let best = scored.max_by(|a, b| a.0.total_cmp(&b.0))?;
    (best.0 >= ALIKE).then_some(best.1)
}
