//! Values with their places, whatever they were written in. What must not live here: keys.

use crate::prompt_document::Placed;
use std::ops::Range;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// A value as written.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Text(String),
    Flag(bool),
    Whole(i64),
    Number(f64),
    List(Vec<Placed<Value>>),
    Table(Entries),
    /// What no key holds: a date, null.
    Other(&'static str),
}

/// Keys and values in the order of the text.
pub(super) type Entries = Vec<(Placed<String>, Placed<Value>)>;

impl Value {
    /// What it is, for people.
    pub(super) fn says(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Flag(_) => "true or false",
            Self::Whole(_) | Self::Number(_) => "a number",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
            Self::Other(what) => what,
        }
    }
}

/// The entries of a TOML table.
pub(super) fn of_toml(table: &DeTable<'_>) -> Entries {
    let mut entries: Entries = table
        .iter()
        .map(|(key, value)| {
            let key = Placed { value: key.get_ref().to_string(), source: key.span() };
            (key, Placed { source: value.span(), value: toml_value(value) })
        })
        .collect();
    entries.sort_by_key(|(key, _)| key.source.start);
    entries
}

fn toml_value(value: &Spanned<DeValue<'_>>) -> Value {
    match value.get_ref() {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Boolean(flag) => Value::Flag(*flag),
        DeValue::Integer(whole) => i64::from_str_radix(whole.as_str(), whole.radix())
            .map_or(Value::Other("a number that is too large"), Value::Whole),
        DeValue::Float(number) => {
            number.as_str().parse().map_or(Value::Other("not a number"), Value::Number)
        }
        DeValue::Datetime(_) => Value::Other("a date"),
        DeValue::Array(items) => {
            let placed = |item| Placed { source: Spanned::span(item), value: toml_value(item) };
            Value::List(items.iter().map(placed).collect())
        }
        DeValue::Table(table) => Value::Table(of_toml(table)),
    }
}

/// The entries of a JSON object, without places; none of anything else.
pub(super) fn of_json(value: &serde_json::Value) -> Entries {
    let nowhere: Range<usize> = 0..0;
    let Some(object) = value.as_object() else { return Entries::new() };
    let entry = |(key, value): (&String, &serde_json::Value)| {
        let key = Placed { value: key.clone(), source: nowhere.clone() };
        (key, Placed { value: json_value(value), source: nowhere.clone() })
    };
    object.iter().map(entry).collect()
}

fn json_value(value: &serde_json::Value) -> Value {
    use serde_json::Value as Json;
    match value {
        Json::Null => Value::Other("null"),
        Json::Bool(flag) => Value::Flag(*flag),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Value::Whole(whole),
            (None, Some(number)) => Value::Number(number),
            (None, None) => Value::Other("a number that is too large"),
        },
        Json::String(text) => Value::Text(text.clone()),
        Json::Array(items) => {
            let placed = |item| Placed { value: json_value(item), source: 0..0 };
            Value::List(items.iter().map(placed).collect())
        }
        Json::Object(_) => Value::Table(of_json(value)),
    }
}
