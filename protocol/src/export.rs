//! Types of the wire as an editor's language spells them, written from the doc comments and the list of methods: one file a language.
//! What must not live here: anything that is not said by a type already.

mod lua;
mod typescript;

pub use lua::lua;
pub use typescript::typescript;

use crate::{
    effect::EffectReport,
    inspection::Inspection,
    rendered_prompt::RenderedPrompt,
    request::Request,
    shape::{Catalogue, Shape},
    view_error::ErrorData,
    views::{
        continuation::{Continuation, ContinuationProgress},
        effect::EffectProgress,
    },
};

/// A method and how its types are spelled.
struct Method {
    name: &'static str,
    params: String,
    result: String,
}

/// Every method, and every type that any of them is made of.
fn methods(catalogue: &mut Catalogue) -> Vec<Method> {
    let mut found = Vec::new();
    macro_rules! each {
        ($method:ty) => {
            found.push(Method {
                name: <$method>::METHOD,
                params: <$method as Request>::Params::shape(catalogue),
                result: <$method as Request>::Result::shape(catalogue),
            });
        };
    }
    crate::for_each_method!(each);
    further_types(catalogue);
    ErrorData::shape(catalogue);
    found
}

/// Types that no method answers with: what the command line prints, what comes by `$/progress`.
pub(crate) fn further_types(catalogue: &mut Catalogue) {
    Inspection::shape(catalogue);
    RenderedPrompt::shape(catalogue);
    ContinuationProgress::shape(catalogue);
    Continuation::shape(catalogue);
    EffectProgress::shape(catalogue);
    EffectReport::shape(catalogue);
}

/// Without what stands in parentheses for people: `integer (id)`. Parentheses around alternatives stay.
fn without_remarks(of: &str) -> String {
    let mut out = String::new();
    let mut rest = of;
    while let Some(at) = rest.find(" (") {
        let (before, after) = rest.split_at(at);
        let end = after.find(')').map_or(after.len(), |end| end + 1);
        let is_remark = !before.ends_with('|');
        out += before;
        if !is_remark {
            out += &after[..end];
        }
        rest = &after[end..];
    }
    out + rest
}

#[cfg(test)]
mod tests;
