//! The panel as one file, with a recording in it that it answers from.
//! What must not live here: what is recorded, the panel (`assets/report.html`, built by the extension).

use anyhow::{Context, Result};

/// The panel, with a place for what is recorded.
const TEMPLATE: &str = include_str!("../assets/report.html");
/// That place, a line of its own; `null` gives way.
const BEFORE: &str = "\n<script type=\"application/json\" id=\"limpid-recorded\">";
const AFTER: &str = "null</script>\n";

/// The page with this recording in it, which is JSON.
///
/// # Errors
/// This build's page has no place for one.
pub(crate) fn holding(recorded: &str) -> Result<String> {
    let (before, after) = TEMPLATE
        .split_once(&format!("{BEFORE}{AFTER}"))
        .context("this build has no page for reports; please report it")?;
    Ok(format!("{before}{BEFORE}{}{}{after}", unbreakable(recorded), &AFTER["null".len()..]))
}

/// JSON that nothing in it can end the element around: what has a meaning in HTML, or ends a line in scripts, stands escaped. All of
/// these stand in strings only.
fn unbreakable(json: &str) -> String {
    let mut out = String::with_capacity(json.len() + json.len() / 64);
    for c in json.chars() {
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                out.push_str(&format!("\\u{:04x}", c as u32));
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn nothing_in_the_recording_ends_its_element() {
        let hostile = "</script><script>alert(1)</script><!-- & \u{2028}\u{2029} \"\\";
        let recording = json!({ "text": hostile, "answers": [{ "result": hostile }] });
        let page = holding(&recording.to_string()).unwrap();
        let (_, rest) = page.split_once(BEFORE).unwrap();
        let (recorded, _) = rest.split_once("</script>").unwrap();
        assert!(!recorded.contains(['<', '>', '&', '\u{2028}', '\u{2029}']));
        assert_eq!(serde_json::from_str::<Value>(recorded).unwrap(), recording);
        let without = page.len() - recorded.len();
        assert_eq!(without + "null".len(), TEMPLATE.len(), "nothing else changed");
    }
}
