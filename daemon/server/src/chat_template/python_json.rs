//! The `tojson` of chat templates: Python's `json.dumps` as transformers calls it, nothing escaped that need not be.

use minijinja::{
    Error, ErrorKind,
    value::{Kwargs, Value, ValueKind},
};
use std::fmt::Write;

/// Values inside values beyond this depth are refused.
const MAX_DEPTH: usize = 64;

/// Longer JSON is refused.
const MAX_BYTES: usize = 16 << 20;

/// How the text is laid out.
struct Layout {
    indent: Option<String>,
    item: String,
    key: String,
    is_ascii: bool,
    is_sorted: bool,
}

/// `value | tojson(ensure_ascii=false, indent=none, separators=none, sort_keys=false)`.
pub(super) fn to_json(
    value: &Value,
    first: Option<Value>,
    kwargs: Kwargs,
) -> Result<String, Error> {
    // Jinja's own filter takes the indent as its first argument; transformers' takes `ensure_ascii` there.
    let is_ascii = match first {
        Some(first) => first.is_true(),
        None => kwargs.get::<Option<bool>>("ensure_ascii")?.unwrap_or(false),
    };
    let indent = kwargs.get::<Option<Value>>("indent")?.filter(|indent| !indent.is_none());
    let indent = match indent {
        None => None,
        Some(text) if text.as_str().is_some() => text.as_str().map(str::to_owned),
        Some(n) => Some(" ".repeat(usize::try_from(n).map_or(0, |n: usize| n.min(64)))),
    };
    let separators = kwargs.get::<Option<Vec<String>>>("separators")?;
    let (item, key) = match separators.as_deref() {
        Some([item, key]) => (item.clone(), key.clone()),
        Some(_) => {
            return Err(Error::new(
                ErrorKind::InvalidOperation,
                "tojson: separators are two texts",
            ));
        }
        None if indent.is_some() => (",".to_owned(), ": ".to_owned()),
        None => (", ".to_owned(), ": ".to_owned()),
    };
    let is_sorted = kwargs.get::<Option<bool>>("sort_keys")?.unwrap_or(false);
    kwargs.assert_all_used()?;
    let mut out = String::new();
    Layout { indent, item, key, is_ascii, is_sorted }.write(value, 0, &mut out)?;
    Ok(out)
}

impl Layout {
    fn write(&self, value: &Value, depth: usize, out: &mut String) -> Result<(), Error> {
        // Lists that hold themselves twice at every depth are few steps to make and endless ones to write.
        if depth > MAX_DEPTH || out.len() > MAX_BYTES {
            return Err(Error::new(ErrorKind::InvalidOperation, "tojson: too deep or too long"));
        }
        match value.kind() {
            ValueKind::Undefined | ValueKind::None => out.push_str("null"),
            ValueKind::Bool => out.push_str(if value.is_true() { "true" } else { "false" }),
            ValueKind::Number => self.number(value, out),
            ValueKind::Map => {
                let mut keys: Vec<Value> = value.try_iter()?.collect();
                if self.is_sorted {
                    keys.sort();
                }
                self.list(('{', '}'), &keys, depth, out, |key, out| {
                    self.text(&key.to_string(), out);
                    out.push_str(&self.key);
                    self.write(&value.get_item(key)?, depth + 1, out)
                })?;
            }
            ValueKind::Seq | ValueKind::Iterable => {
                let items: Vec<Value> = value.try_iter()?.collect();
                self.list(('[', ']'), &items, depth, out, |item, out| {
                    self.write(item, depth + 1, out)
                })?;
            }
            ValueKind::String => self.text(value.as_str().unwrap_or_default(), out),
            other => {
                let problem = format!("tojson: {other} is not JSON serializable");
                return Err(Error::new(ErrorKind::InvalidOperation, problem));
            }
        }
        Ok(())
    }

    fn list(
        &self,
        (open, close): (char, char),
        items: &[Value],
        depth: usize,
        out: &mut String,
        write: impl Fn(&Value, &mut String) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let line = |depth: usize, out: &mut String| {
            if let Some(indent) = self.indent.as_ref().filter(|_| !items.is_empty()) {
                out.push('\n');
                out.push_str(&indent.repeat(depth));
            }
        };
        out.push(open);
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                out.push_str(&self.item);
            }
            line(depth + 1, out);
            write(item, out)?;
        }
        line(depth, out);
        out.push(close);
        Ok(())
    }

    /// Numbers as Python writes them; minijinja does so too.
    fn number(&self, value: &Value, out: &mut String) {
        let text = match f64::try_from(value.clone()) {
            // Python writes very large and very small floats with an exponent of two digits at least.
            Ok(n)
                if !value.is_integer()
                    && n != 0.0
                    && n.is_finite()
                    && !(1e-4..1e16).contains(&n.abs()) =>
            {
                let text = format!("{n:e}");
                let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
                let sign = if exponent.starts_with('-') { '-' } else { '+' };
                format!("{digits}e{sign}{:0>2}", exponent.trim_start_matches('-'))
            }
            _ => value.to_string(),
        };
        out.push_str(match text.as_str() {
            "inf" => "Infinity",
            "-inf" => "-Infinity",
            "nan" | "NaN" => "NaN",
            other => other,
        });
    }

    fn text(&self, text: &str, out: &mut String) {
        out.push('"');
        for c in text.chars() {
            match c {
                '"' => out.push_str("\\\""),
                '\\' => out.push_str("\\\\"),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                '\u{8}' => out.push_str("\\b"),
                '\u{c}' => out.push_str("\\f"),
                c if c < ' ' || (self.is_ascii && !c.is_ascii()) => {
                    for unit in c.encode_utf16(&mut [0; 2]) {
                        // Writing to a text cannot fail.
                        let _ = write!(out, "\\u{unit:04x}");
                    }
                }
                c => out.push(c),
            }
        }
        out.push('"');
    }
}
