//! One run of a comparison: what it asks of its model, and its answer. What it leaves out is as in the first run, said in the words
//! of its own model and text. What must not live here: jobs, documents.

use crate::{
    analyst::{Ask, Job},
    job_desk::JobDesk,
    methods::rolled_up,
};
use limpid_protocol::{
    inspection::{Inspection, Target, TokenRow},
    part_row::{PartBy, PartRow},
    request::{AnswerRange, TokenChoice},
    view_error::{ErrorKind, ViewError},
};
use std::sync::Arc;

/// What a run found.
pub(crate) struct Found {
    pub(crate) inspection: Arc<Inspection>,
    pub(crate) target: Target,
    pub(crate) value: f32,
    pub(crate) method: String,
    pub(crate) unit: String,
    pub(crate) parts: Vec<PartRow>,
}

/// What a run takes over from another one, whose tokens and target these are.
pub(crate) struct Heritage {
    pub(crate) from: Arc<Inspection>,
    pub(crate) ask: Ask,
    /// Whether the target is taken over.
    pub(crate) target: bool,
    /// Whether the foil is.
    pub(crate) foil: bool,
    /// Whether it is the same model's: its tokens are the same.
    pub(crate) is_same_model: bool,
}

/// Runs a question.
///
/// # Errors
/// Of the engine and the request.
pub(crate) fn found(
    desk: &JobDesk,
    ask: &Ask,
    by: PartBy,
    method: &str,
    job: &Job,
) -> Result<Found, ViewError> {
    let inspection = desk.inspection(ask, job)?;
    let (second, parts) = rolled_up(desk, ask, (by, method), &inspection, job)?;
    let attribution = &second.attribution;
    Ok(Found {
        target: second.target.clone(),
        value: attribution.value,
        method: attribution.method.clone(),
        unit: attribution.unit.clone(),
        parts,
        inspection,
    })
}

/// Runs a question that takes over what `heritage` says; answers it as it was asked in the end.
///
/// # Errors
/// As [`found`].
pub(crate) fn found_with(
    desk: &JobDesk,
    mut ask: Ask,
    heritage: Option<&Heritage>,
    (by, method): (PartBy, &str),
    job: &Job,
) -> Result<(Ask, Found), ViewError> {
    if let Some(heritage) = heritage {
        heritage.apply(desk, &mut ask, job)?;
    }
    match found(desk, &ask, by, method, job) {
        // No token of the model is this text: then it explains its own.
        Err(error)
            if error.kind() == ErrorKind::BadRequest
                && heritage.is_some_and(|heritage| heritage.target)
                && ask.token.is_some() =>
        {
            ask.token = None;
            let found = found(desk, &ask, by, method, job)?;
            Ok((ask, found))
        }
        result => Ok((ask, result?)),
    }
}

impl Heritage {
    fn apply(&self, desk: &JobDesk, ask: &mut Ask, job: &Job) -> Result<(), ViewError> {
        let target = &self.from.target;
        if self.target {
            let token = || self.token(target.id, &target.text);
            ask.token = self.ask.answer.is_none().then(token);
            (ask.position, ask.answer) = (None, None);
            let is_placed = self.ask.position.is_some() || self.ask.answer.is_some();
            if is_placed && ask.text == self.ask.text {
                let tokens = desk.analyst()?.render(ask, job)?.tokens;
                let places = Places { from: &self.from.tokens, to: &tokens };
                ask.position = self.ask.position.and_then(|at| places.behind(at));
                ask.answer = self.ask.answer.and_then(|answer| places.of_answer(answer));
            }
        }
        if self.foil {
            ask.foil = match (&target.foil, &target.foil_answer) {
                (Some(foil), _) => Some(self.token(foil.id, &foil.text)),
                (None, Some(answer)) if ask.answer.is_some() => {
                    let text = answer.tokens.iter().map(|token| token.text.as_str()).collect();
                    Some(TokenChoice::Text(text))
                }
                (None, _) => None,
            };
        }
        Ok(())
    }

    fn token(&self, id: u32, text: &str) -> TokenChoice {
        if self.is_same_model { TokenChoice::Id(id) } else { TokenChoice::Text(text.to_owned()) }
    }
}

/// Tokens of one text, cut by two models.
struct Places<'a> {
    from: &'a [TokenRow],
    to: &'a [TokenRow],
}

impl Places<'_> {
    /// The token that ends where this one ends, or the last one that ends before.
    fn behind(&self, at: usize) -> Option<usize> {
        let end =
            self.from[..=at.min(self.from.len() - 1)].iter().rev().find_map(|token| token.end)?;
        self.to.iter().rposition(|token| token.end.is_some_and(|own| own <= end))
    }

    /// The tokens of an answer.
    fn of_answer(&self, answer: AnswerRange) -> Option<AnswerRange> {
        let start = self.behind(answer.start.checked_sub(1)?)? + 1;
        let end = self.behind(answer.end.checked_sub(1)?)? + 1;
        (start < end).then_some(AnswerRange { start, end })
    }
}
