//! Interventions as they are written on the wire, turned into what the engine runs: which fields a kind takes, texts into tokens,
//! prompts into traces. What must not live here: what an intervention does.

use limpid_engine::{
    error::EngineError,
    hook_name::Hook,
    intervention::{Change, Intervention, Site},
    model_pool::Loaded,
    tokenizer::Specials,
    trace::Trace,
};
use limpid_protocol::intervention::{
    Intervention as Wire, InterventionKind as Kind, InterventionSet, PatchSource,
};
use std::{cell::Cell, ops::Range, sync::Arc};

/// Runs a prompt that values are taken from.
pub type TraceOf<'a> = &'a dyn Fn(&PatchSource) -> Result<Arc<Trace>, EngineError>;

/// Turns interventions that act together into the engine's.
///
/// # Errors
/// A field is missing, or belongs to another kind; a text cannot be made tokens; a prompt to patch from cannot be run.
pub fn resolve(
    set: &InterventionSet,
    loaded: &Loaded,
    trace_of: TraceOf<'_>,
) -> Result<Vec<Intervention>, EngineError> {
    set.interventions.iter().map(|wire| resolve_one(wire, loaded, trace_of)).collect()
}

/// The tokens of a prompt that values are taken from.
///
/// # Errors
/// Neither text nor tokens, or both; the text cannot be made tokens.
pub fn tokens_of(from: &PatchSource, loaded: &Loaded) -> Result<Vec<u32>, EngineError> {
    match (&from.text, &from.token_ids) {
        (Some(text), None) => encoded(loaded, text, Specials::Parse),
        (None, Some(ids)) => Ok(ids.clone()),
        _ => Err(EngineError::BadRequest("`from` takes either `text` or `token_ids`".to_owned())),
    }
}

fn encoded(loaded: &Loaded, text: &str, specials: Specials) -> Result<Vec<u32>, EngineError> {
    let tokens = loaded.tokenizer()?.encode(text, specials)?;
    Ok(tokens.iter().map(|token| token.id).collect())
}

/// Puts where it stands before what is wrong with an intervention.
pub fn at_place(place: &str, error: EngineError) -> EngineError {
    match error {
        EngineError::BadRequest(problem) => EngineError::BadRequest(format!("{place}: {problem}")),
        other => other,
    }
}

/// The fields of an intervention; knows which were asked for.
struct Fields<'a> {
    wire: &'a Wire,
    used: Cell<u32>,
}

/// Every field, in the order of declaration.
const FIELDS: [&str; 13] = [
    "token",
    "span",
    "layer",
    "head",
    "neuron",
    "value",
    "values",
    "position",
    "query",
    "key",
    "hook",
    "token_ids",
    "text",
];

impl Fields<'_> {
    fn take<T>(&self, field: &str, value: Option<T>) -> Option<T> {
        let at = FIELDS.iter().position(|name| *name == field).unwrap_or(FIELDS.len());
        self.used.set(self.used.get() | 1 << at);
        value
    }

    fn need<T>(&self, field: &str, value: Option<T>) -> Result<T, EngineError> {
        self.take(field, value).ok_or_else(|| {
            let kind = self.wire.kind.as_str();
            EngineError::BadRequest(format!("`{kind}` needs `{field}`; give it"))
        })
    }

    fn layer(&self) -> Result<usize, EngineError> {
        self.need("layer", self.wire.layer)
    }

    fn position(&self) -> Option<usize> {
        self.take("position", self.wire.position)
    }

    /// A token or a span of them.
    fn tokens(&self) -> Result<Range<usize>, EngineError> {
        let (token, span) =
            (self.take("token", self.wire.token), self.take("span", self.wire.span));
        match (token, span) {
            (Some(token), None) => Ok(token..token.saturating_add(1)),
            (None, Some([start, end])) => Ok(start..end),
            _ => {
                let kind = self.wire.kind.as_str();
                Err(EngineError::BadRequest(format!("`{kind}` takes either `token` or `span`")))
            }
        }
    }

    fn factor(&self) -> Result<Change, EngineError> {
        Ok(Change::Scale(self.need("value", self.wire.value)?))
    }

    /// One value for every entry, or all of them.
    fn given(&self) -> Result<Change, EngineError> {
        let value = self.take("value", self.wire.value);
        match (value, self.take("values", self.wire.values.clone())) {
            (Some(value), None) => Ok(Change::Set(vec![value])),
            (None, Some(values)) => Ok(Change::Set(values)),
            _ => {
                let kind = self.wire.kind.as_str();
                Err(EngineError::BadRequest(format!("`{kind}` takes either `value` or `values`")))
            }
        }
    }

    fn edit(
        &self,
        hook: Hook,
        index: Option<usize>,
        change: Change,
    ) -> Result<Intervention, EngineError> {
        let site = Site { layer: self.layer()?, hook, index, position: self.position() };
        Ok(Intervention::Edit { site, change })
    }

    fn head(&self) -> Result<Option<usize>, EngineError> {
        self.need("head", self.wire.head).map(Some)
    }

    fn neuron(&self) -> Result<Option<usize>, EngineError> {
        self.need("neuron", self.wire.neuron).map(Some)
    }

    fn hook(&self, usual: Option<Hook>) -> Result<Hook, EngineError> {
        let name = match (self.take("hook", self.wire.hook.as_deref()), usual) {
            (None, Some(usual)) => return Ok(usual),
            (name, _) => self.need("hook", name)?,
        };
        hook_of(name)
    }

    /// Nothing may be given that has no part in it.
    fn all_used(&self) -> Result<(), EngineError> {
        let of = self.wire;
        let given = [
            of.token.is_some(),
            of.span.is_some(),
            of.layer.is_some(),
            of.head.is_some(),
            of.neuron.is_some(),
            of.value.is_some(),
            of.values.is_some(),
            of.position.is_some(),
            of.query.is_some(),
            of.key.is_some(),
            of.hook.is_some(),
            of.token_ids.is_some(),
            of.text.is_some(),
        ];
        let (used, kind) = (self.used.get(), of.kind.as_str());
        let spare = given.iter().enumerate().find(|(at, given)| **given && used & 1 << at == 0);
        let spare = spare.and_then(|(at, _)| FIELDS.get(at).copied());
        let spare = spare.or((of.from.is_some() && of.kind != Kind::Patch).then_some("from"));
        match spare {
            Some(field) => Err(EngineError::BadRequest(format!(
                "`{field}` has no part in `{kind}`; leave it out"
            ))),
            None => Ok(()),
        }
    }
}

/// A hook by its name within a layer.
///
/// # Errors
/// There is none of that name.
pub fn hook_of(name: &str) -> Result<Hook, EngineError> {
    let found = Hook::ALL.into_iter().find(|hook| hook.short_name() == name);
    found.ok_or_else(|| {
        let names: Vec<&str> = Hook::ALL.into_iter().map(Hook::short_name).collect();
        EngineError::BadRequest(format!("no hook `{name:.40}`; hooks are {}", names.join(", ")))
    })
}

fn resolve_one(
    wire: &Wire,
    loaded: &Loaded,
    trace_of: TraceOf<'_>,
) -> Result<Intervention, EngineError> {
    let fields = Fields { wire, used: Cell::new(0) };
    let found = match wire.kind {
        Kind::Knockout => Intervention::Knockout { tokens: fields.tokens()? },
        Kind::SpanKnockout => {
            let [start, end] = fields.need("span", wire.span)?;
            Intervention::Knockout { tokens: start..end }
        }
        Kind::Delete => Intervention::Delete { tokens: fields.tokens()? },
        Kind::Replace => {
            let tokens = fields.tokens()?;
            let ids = fields.take("token_ids", wire.token_ids.clone());
            let with = match (ids, fields.take("text", wire.text.as_deref())) {
                (Some(ids), None) => ids,
                (None, Some(text)) => {
                    let encoded = loaded
                        .tokenizer()?
                        .encode(text, limpid_engine::tokenizer::Specials::Plain)?;
                    encoded.iter().map(|token| token.id).collect()
                }
                _ => {
                    return Err(EngineError::BadRequest(
                        "`replace` takes either `token_ids` or `text`".to_owned(),
                    ));
                }
            };
            Intervention::Replace { tokens, with }
        }
        Kind::EdgeKnockout => Intervention::EdgeKnockout {
            layer: fields.layer()?,
            head: fields.need("head", wire.head)?,
            query: fields.need("query", wire.query)?,
            key: fields.need("key", wire.key)?,
        },
        Kind::HeadZero => fields.edit(Hook::Z, fields.head()?, Change::Set(vec![0.0]))?,
        Kind::HeadScale => fields.edit(Hook::Z, fields.head()?, fields.factor()?)?,
        Kind::HeadSet => fields.edit(Hook::Z, fields.head()?, fields.given()?)?,
        Kind::MlpZero => fields.edit(Hook::MlpOut, None, Change::Set(vec![0.0]))?,
        Kind::MlpScale => fields.edit(Hook::MlpOut, None, fields.factor()?)?,
        Kind::MlpSet => fields.edit(Hook::MlpOut, None, fields.given()?)?,
        Kind::NeuronSet => {
            let change = Change::Set(vec![fields.need("value", wire.value)?]);
            fields.edit(Hook::Post, fields.neuron()?, change)?
        }
        Kind::NeuronScale => fields.edit(Hook::Post, fields.neuron()?, fields.factor()?)?,
        Kind::DirectionAdd => {
            let hook = fields.hook(Some(Hook::ResidPost))?;
            if !matches!(hook, Hook::ResidPre | Hook::ResidMid | Hook::ResidPost) {
                return Err(EngineError::BadRequest(
                    "a direction is added at resid_pre, resid_mid or resid_post".to_owned(),
                ));
            }
            let factor = fields.take("value", wire.value).unwrap_or(1.0);
            let mut values = fields.need("values", wire.values.clone())?;
            values.iter_mut().for_each(|value| *value *= factor);
            fields.edit(hook, None, Change::Add(values))?
        }
        Kind::Patch => {
            let index = match (fields.take("head", wire.head), fields.take("neuron", wire.neuron)) {
                (Some(_), Some(_)) => {
                    return Err(EngineError::BadRequest(
                        "`patch` takes a `head` or a `neuron`, not both".to_owned(),
                    ));
                }
                (head, neuron) => head.or(neuron),
            };
            let hook = fields.hook(None)?;
            let site = Site { layer: fields.layer()?, hook, index, position: fields.position() };
            fields.all_used()?;
            let from = trace_of(fields.need("from", wire.from.as_ref())?)?;
            Intervention::Patch { site, from }
        }
    };
    fields.all_used()?;
    Ok(found)
}
