//! The types as LuaLS annotations for Neovim's Lua. What may be null is `vim.NIL` there, so every such field says so.

use crate::{
    PROTOCOL_VERSION,
    export::{methods, without_remarks},
    intervention::InterventionSet,
    shape::{Catalogue, FieldDoc, Shape, TypeDoc},
};
use std::fmt::Write;

/// The text of `nvim-plugin/lua/limpid/generated/protocol.lua`.
pub fn lua() -> String {
    let mut catalogue = Catalogue::default();
    let methods = methods(&mut catalogue);
    let change = spelled(&InterventionSet::shape(&mut catalogue));
    let spelled = |of: &str| {
        let own = spelled(of);
        own.replace(&format!("({change})"), "limpid.Change").replace(&change, "limpid.Change")
    };
    let mut out = format!(
        "-- Types of the wire, written from the doc comments of the `protocol` crate; do not edit. `PROTOCOL.md` says the same for people.\n\
         -- What is null on the wire is `vim.NIL`: ask `limpid.wire`. Indices count from 0.\n\
         local M = {{}}\n\n\
         --- Version of the wire that these types are of.\n\
         M.PROTOCOL_VERSION = {PROTOCOL_VERSION}\n\n\
         --- Every method.\n\
         ---@type limpid.Method[]\n\
         M.METHODS = {{\n"
    );
    for method in &methods {
        let _ = writeln!(out, "  \"{}\",", method.name);
    }
    out += "}\n\n---@alias limpid.Method\n";
    for method in &methods {
        let _ = writeln!(out, "---| \"{}\"", method.name);
    }
    out += "\n--- Params and result of every method.\n---@class limpid.Methods\n";
    for method in &methods {
        let (params, result) = (spelled(&method.params), spelled(&method.result));
        let _ = writeln!(
            out,
            "---@field [\"{}\"] {{ params: {params}, result: {result} }}",
            method.name
        );
    }
    let _ = writeln!(
        out,
        "\n--- One intervention, or several that act together: a table, its text, or a list of these.\n---@alias limpid.Change {change}"
    );
    for of in &catalogue.types {
        write_type(&mut out, of, &spelled);
    }
    out + "\nreturn M\n"
}

fn write_type(out: &mut String, of: &TypeDoc, spelled: &dyn Fn(&str) -> String) {
    let _ = writeln!(out, "\n{}", comment(&of.doc));
    if of.is_enum {
        let _ = writeln!(out, "---@alias limpid.{}", of.name);
        for FieldDoc { name, doc, .. } in &of.fields {
            let _ = writeln!(out, "---| \"{name}\" # {doc}");
        }
        return;
    }
    let _ = writeln!(out, "---@class limpid.{}", of.name);
    for FieldDoc { name, of, doc, is_optional } in &of.fields {
        let mark = if *is_optional || of.ends_with(" | null") { "?" } else { "" };
        let _ = writeln!(out, "{}\n---@field {name}{mark} {}", comment(doc), spelled(of));
    }
}

/// A comment above a type or field; links are Rust's.
fn comment(doc: &str) -> String {
    format!("--- {}", doc.replace("[`", "`").replace("`]", "`"))
}

/// A type as LuaLS spells it, from how PROTOCOL.md does: our types have a prefix, for names are shared by all of an editor's plugins.
fn spelled(of: &str) -> String {
    if let Some((items, rest)) = of.strip_prefix("{name: ").and_then(|of| of.split_once('}')) {
        return format!("table<string, {}>{}", spelled(items), spelled(rest));
    }
    let mut out = String::new();
    let mut rest = &*without_remarks(of).replace(" | ", "|");
    while let Some(first) = rest.chars().next() {
        let end = rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end.max(first.len_utf8()));
        match word {
            "null" => out += "vim.NIL",
            "T" => out += word,
            _ if first.is_uppercase() => {
                let _ = write!(out, "limpid.{word}");
            }
            _ => out += word,
        }
        rest = after;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_spelled_as_lua_ls() {
        let cases = [
            ("integer (id) | string (text) | null", "integer|string|vim.NIL"),
            ("{name: number[]} | null", "table<string, number[]>|vim.NIL"),
            ("[integer, integer] | null", "[integer, integer]|vim.NIL"),
            ("((number | null)[])[]", "((number|vim.NIL)[])[]"),
            ("Answer<TokensView>", "limpid.Answer<limpid.TokensView>"),
            ("T", "T"),
            ("any", "any"),
            (
                "A | string (its text) | (A | string)[] (act together)",
                "limpid.A|string|(limpid.A|string)[]",
            ),
        ];
        for (of, expected) in cases {
            assert_eq!(spelled(of), expected, "{of}");
        }
    }
}
