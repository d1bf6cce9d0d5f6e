//! The JSON schema of `limpid.toml`, written from the table of keys. What must not live here: keys.

use crate::settings::keys::{FOLDER_KEYS, Key, Kind, RULE_KEYS, RULES, RULES_DOC, methods};
use serde_json::{Map, Value, json};

/// The schema, as `protocol/limpid.schema.json` holds it.
pub fn schema() -> Value {
    let mut whole = table(FOLDER_KEYS);
    if let Some(properties) = whole.get_mut("properties").and_then(Value::as_object_mut) {
        let mut rule = table(RULE_KEYS);
        rule["required"] = json!(["files"]);
        properties.insert(
            RULES.to_owned(),
            json!({"type": "array", "description": RULES_DOC, "items": rule}),
        );
    }
    whole["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    whole["title"] = json!("limpid.toml");
    whole
}

fn table(keys: &[Key]) -> Value {
    let mut properties = Map::new();
    for key in keys {
        match key.name.split_once('.') {
            None => {
                properties.insert(key.name.to_owned(), property(key));
            }
            Some((table, name)) => {
                let inner = properties.entry(table).or_insert_with(
                    || json!({"type": "object", "additionalProperties": false, "properties": {}}),
                );
                inner["properties"][name] = property(key);
            }
        }
    }
    json!({"type": "object", "additionalProperties": false, "properties": properties})
}

fn property(key: &Key) -> Value {
    let mut of = match key.kind {
        Kind::Text | Kind::Glob => json!({"type": "string", "minLength": 1}),
        Kind::Token => {
            json!({"type": ["string", "integer"], "minLength": 1, "minimum": 0, "maximum": u32::MAX})
        }
        Kind::Flag => json!({"type": "boolean"}),
        Kind::Count(most) => json!({"type": "integer", "minimum": 0, "maximum": most}),
        Kind::Share => json!({"type": "number", "exclusiveMinimum": 0, "maximum": 1}),
        Kind::Nats => json!({"type": "number", "minimum": 0}),
        Kind::Method => json!({"type": "string", "enum": methods()}),
        Kind::OneOf(words) => json!({"type": "string", "enum": words}),
        Kind::Texts => json!({"type": "array", "items": {"type": "string", "minLength": 1}}),
    };
    of["description"] = json!(key.doc);
    // Defaults are plain TOML, which JSON spells alike.
    if let Some(default) = key.default.and_then(|text| serde_json::from_str::<Value>(text).ok()) {
        of["default"] = default;
    }
    of
}
