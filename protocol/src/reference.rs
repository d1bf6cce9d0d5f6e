//! Writes PROTOCOL.md from the list of methods, their doc comments and the example in `fixtures/`.
//! What must not live here: anything that is not said by a type already.

use crate::{
    PROTOCOL_VERSION,
    export::further_types,
    request::Request,
    shape::{Catalogue, Shape},
    view_error::{ErrorData, ErrorKind},
};
use std::fmt::Write;

/// Errors that any view may answer.
const COMMON_ERRORS: &[ErrorKind] = &[
    ErrorKind::Cancelled,
    ErrorKind::StaleVersion,
    ErrorKind::BadRequest,
    ErrorKind::DocumentNotOpen,
    ErrorKind::EmptyPrompt,
    ErrorKind::ContextWindow,
    ErrorKind::MemoryBudget,
    ErrorKind::ModelLoading,
    ErrorKind::ModelNotFound,
    ErrorKind::Internal,
];

/// The text of PROTOCOL.md. `example` gives the JSON text of a method's example, `{"params": .., "result": ..}`.
pub fn protocol_reference(example: impl Fn(&str) -> String) -> String {
    let mut catalogue = Catalogue::default();
    let mut methods = String::new();
    macro_rules! each {
        ($method:ty) => {
            write_method::<$method>(&mut methods, &mut catalogue, &example(<$method>::METHOD));
        };
    }
    crate::for_each_method!(each);
    further_types(&mut catalogue);
    let mut out = format!(
        "# The Limpid protocol, version {PROTOCOL_VERSION}\n\n\
         Custom requests of the language server, beside standard LSP. Generated from the doc comments of the `protocol` crate: do not edit;\n\
         `UPDATE_GENERATED=1 cargo test --release -p limpid-protocol` rewrites it.\n\n\
         Names are snake_case. Positions count in the encoding negotiated at `initialize`. Numbers are 32-bit floats; a share is 0..1. Tokens are\n\
         named by their index in the answer's `token_table`. Optional params may be left out; in results a field is left out only where its text says so.\n\n"
    );
    out += &methods;
    write_errors(&mut out, &mut catalogue);
    out += "## Types\n\n`Inspection` is what `limpid inspect --format json` prints, `RenderedPrompt` what `limpid render --format json` does, `Continuation` what `limpid continue --format json` does, `EffectReport` what `limpid effect --format json` does.\n\n";
    for of in &catalogue.types {
        let _ = write!(out, "### {}\n\n{}\n\n", of.name, of.doc);
        if of.fields.is_empty() {
            continue;
        }
        out += if of.is_enum {
            "| value | is |\n|---|---|\n"
        } else {
            "| field | type | is |\n|---|---|---|\n"
        };
        for field in &of.fields {
            let kind = if of.is_enum { String::new() } else { format!(" {} |", cell(&field.of)) };
            let _ = writeln!(out, "| `{}` |{kind} {} |", field.name, cell(&field.doc));
        }
        out.push('\n');
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

fn write_method<R: Request>(out: &mut String, catalogue: &mut Catalogue, example: &str) {
    let (params, result) = (R::Params::shape(catalogue), R::Result::shape(catalogue));
    let own: Vec<String> = R::ERRORS.iter().map(|kind| format!("`{}`", kind.as_str())).collect();
    let own =
        if own.is_empty() { String::new() } else { format!("; here also: {}", own.join(", ")) };
    let _ = write!(
        out,
        "## {}\n\n{}\n\n- params: `{params}`\n- result: `{result}`\n- errors: the common ones{own}\n\n```json\n{}\n```\n\n",
        R::METHOD,
        R::PURPOSE.trim(),
        example.trim_end()
    );
}

fn write_errors(out: &mut String, catalogue: &mut Catalogue) {
    ErrorData::shape(catalogue);
    *out += "## Errors\n\n`error.code` and `error.data.kind` are stable; `error.message` is one sentence for a person. Common: any view may answer it.\n\n\
             | code | kind | common | means |\n|---|---|---|---|\n";
    let docs = catalogue.types.iter().find(|of| of.name == "ErrorKind");
    for (kind, doc) in
        ErrorKind::ALL.iter().zip(docs.map(|of| of.fields.as_slice()).unwrap_or_default())
    {
        let common = if COMMON_ERRORS.contains(kind) { "yes" } else { "" };
        let _ = writeln!(
            out,
            "| {} | `{}` | {common} | {} |",
            kind.code(),
            kind.as_str(),
            cell(&doc.doc)
        );
    }
    out.push('\n');
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

#[cfg(test)]
mod tests;
