//! The types as TypeScript. A field that may be null may be left out too: a client reads both alike.

use crate::{
    PROTOCOL_VERSION,
    export::{methods, without_remarks},
    intervention::InterventionSet,
    shape::{Catalogue, FieldDoc, Shape, TypeDoc},
};
use std::fmt::Write;

/// The text of `vscode-extension/src/generated/protocol.ts`.
pub fn typescript() -> String {
    let mut catalogue = Catalogue::default();
    let methods = methods(&mut catalogue);
    let change = spelled(&InterventionSet::shape(&mut catalogue));
    let spelled =
        |of: &str| spelled(of).replace(&format!("({change})"), "Change").replace(&change, "Change");
    let mut out = format!(
        "// Types of the wire, written from the doc comments of the `protocol` crate; do not edit. `PROTOCOL.md` says the same for people.\n\n\
         /** Version of the wire that these types are of. */\nexport const PROTOCOL_VERSION = {PROTOCOL_VERSION};\n\n\
         /** One intervention, or several that act together: an object, its text, or a list of these. */\nexport type Change = {change};\n\n\
         /** Every method: its params and result. */\nexport interface Methods {{\n"
    );
    for method in methods {
        let (params, result) = (spelled(&method.params), spelled(&method.result));
        let _ = writeln!(out, "  \"{}\": {{ params: {params}; result: {result} }};", method.name);
    }
    out += "}\n";
    for of in &catalogue.types {
        write_type(&mut out, of, &spelled);
    }
    out
}

fn write_type(out: &mut String, of: &TypeDoc, spelled: &dyn Fn(&str) -> String) {
    let _ = write!(out, "\n{}", comment("", &of.doc));
    if of.is_enum {
        let values: Vec<String> =
            of.fields.iter().map(|value| format!("\"{}\"", value.name)).collect();
        let _ = writeln!(out, "export type {} = {};", of.name, values.join(" | "));
    } else if of.fields.is_empty() {
        let _ = writeln!(out, "export type {} = Record<string, never>;", of.name);
    } else {
        let _ = writeln!(out, "export interface {} {{", of.name);
        for FieldDoc { name, of, doc, is_optional } in &of.fields {
            let mark = if *is_optional || of.ends_with(" | null") { "?" } else { "" };
            let _ = writeln!(out, "{}  {name}{mark}: {};", comment("  ", doc), spelled(of));
        }
        *out += "}\n";
    }
}

/// A comment above a type or field; links are Rust's, and what would end it early is broken up.
fn comment(indent: &str, doc: &str) -> String {
    let doc = doc.replace("*/", "* /").replace("[`", "`").replace("`]", "`");
    format!("{indent}/** {doc} */\n")
}

/// A type as TypeScript spells it, from how PROTOCOL.md does.
fn spelled(of: &str) -> String {
    if let Some((items, rest)) = of.strip_prefix("{name: ").and_then(|of| of.split_once('}')) {
        return format!("Record<string, {}>{}", spelled(items), spelled(rest));
    }
    if of == "any" { "unknown".into() } else { without_remarks(of).replace("integer", "number") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_spelled_as_typescript() {
        let cases = [
            ("integer (id) | string (text) | null", "number | string | null"),
            ("{name: number[]} | null", "Record<string, number[]> | null"),
            ("[integer, integer] | null", "[number, number] | null"),
            ("((number | null)[])[]", "((number | null)[])[]"),
            (
                "A | string (its text) | (A | string)[] (act together)",
                "A | string | (A | string)[]",
            ),
        ];
        for (of, expected) in cases {
            assert_eq!(spelled(of), expected, "{of}");
        }
    }

    #[test]
    fn no_doc_comment_ends_its_comment() {
        assert_eq!(comment("", "a */ [`B`]"), "/** a * / `B` */\n");
    }
}
