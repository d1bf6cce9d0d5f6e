//! A question put to a trace: the scalar that is explained, and its attributions. No routes: this is all that heat and measured
//! effects need, and the smaller part of the work.

use crate::{
    attribution::{Attributions, LinearScores, Method},
    findings::logits_at,
    objective::Objective,
    views::{answers::FoilAnswer, effects, glance::token_text, question::Question},
};
use limpid_engine::{error::EngineError, forward::Watch, model_pool::Loaded, trace::Trace};
use limpid_protocol::inspection as wire;
use std::{
    collections::BTreeMap,
    ops::Range,
    sync::{Arc, OnceLock},
};

/// What is asked about a trace, resolved.
pub struct Explained {
    pub(super) loaded: Arc<Loaded>,
    pub(super) trace: Arc<Trace>,
    /// The positions whose predictions are explained, ascending: one, or an answer's.
    pub(super) positions: Vec<usize>,
    /// `[d_vocab]` at each position.
    pub(super) logits: Arc<[Vec<f32>]>,
    /// The scalar that is explained; of an answer its last token's.
    pub(super) objective: Objective,
    /// The scalars whose sum is explained: one, or one for each token of an answer.
    pub(super) objectives: Vec<Objective>,
    pub(super) answer: Option<Range<usize>>,
    pub(super) foil_answer: Option<FoilAnswer>,
    attributions: OnceLock<Attributions>,
    /// The linear pass, where it was asked for by itself.
    linear: OnceLock<LinearScores>,
}

impl Explained {
    /// Reads the logits of the positions asked about.
    ///
    /// # Errors
    /// A position or id out of range, an objective without its foil; the device refused.
    pub fn new(
        loaded: Arc<Loaded>,
        trace: Arc<Trace>,
        question: &Question,
    ) -> Result<Self, EngineError> {
        let (positions, kind) = (question.positions(&loaded.model, &trace)?, question.kind()?);
        let logits: Arc<[Vec<f32>]> = logits_at(&loaded.model, &trace, &positions)?.into();
        let (Some(&last), Some(last_logits)) = (positions.last(), logits.last()) else {
            return Err(EngineError::BadRequest("there is nothing to explain".to_owned()));
        };
        let objectives = question.objectives(kind, last, trace.token_ids(), last_logits)?;
        let Some(&objective) = objectives.last() else {
            return Err(EngineError::BadRequest("there is nothing to explain".to_owned()));
        };
        Ok(Self {
            objective,
            objectives,
            answer: question.answer.clone(),
            foil_answer: None,
            attributions: OnceLock::new(),
            linear: OnceLock::new(),
            loaded,
            trace,
            positions,
            logits,
        })
    }

    /// The same answer measured against another one.
    pub(super) fn with_foil(&self, foil: FoilAnswer) -> Self {
        Self {
            loaded: Arc::clone(&self.loaded),
            trace: Arc::clone(&self.trace),
            positions: self.positions.clone(),
            logits: Arc::clone(&self.logits),
            objective: self.objective,
            objectives: self.objectives.clone(),
            answer: self.answer.clone(),
            foil_answer: Some(foil),
            attributions: OnceLock::new(),
            linear: OnceLock::new(),
        }
    }

    /// The model.
    pub fn loaded(&self) -> &Arc<Loaded> {
        &self.loaded
    }

    /// The scalar that is explained; of an answer its last token's.
    pub fn objective(&self) -> Objective {
        self.objective
    }

    /// The activations.
    pub fn trace(&self) -> &Arc<Trace> {
        &self.trace
    }

    /// A token's text; without a tokenizer, its id in angle brackets.
    pub(super) fn text(&self, id: u32) -> String {
        token_text(&self.loaded, id)
    }

    /// Both backward passes, walked once.
    ///
    /// # Errors
    /// Cancelled; the device refused.
    pub fn attributions(&self, watch: Watch<'_>) -> Result<&Attributions, EngineError> {
        if let Some(done) = self.attributions.get() {
            return Ok(done);
        }
        let (model, trace) = (&self.loaded.model, &self.trace);
        let (objectives, logits) = (&self.objectives, &self.logits);
        let mut done = match self.linear.get() {
            Some(linear) => {
                Attributions::behind(linear.clone(), model, trace, objectives, logits, watch)?
            }
            None => Attributions::of_sum(model, trace, objectives, logits, watch)?,
        };
        if let Some(foil) = &self.foil_answer {
            done.subtract(&foil.attributions(self, watch)?, foil.n_prompt());
        }
        Ok(self.attributions.get_or_init(|| done))
    }

    /// Token scores of [`Method::AtpLinear`] for half of the work of [`Self::attributions`], which need not do it again. None where
    /// nothing would be saved: both passes were walked already, or another answer is taken away.
    ///
    /// # Errors
    /// Cancelled; the device refused.
    pub fn linear_attribution(
        &self,
        watch: Watch<'_>,
    ) -> Result<Option<wire::Attribution>, EngineError> {
        if self.attributions.get().is_some() || self.foil_answer.is_some() {
            return Ok(None);
        }
        let linear = match self.linear.get() {
            Some(walked) => walked,
            None => {
                let (model, trace) = (&self.loaded.model, &self.trace);
                let (objectives, logits) = (&self.objectives, &self.logits);
                let walked = LinearScores::of_sum(model, trace, objectives, logits, watch)?;
                self.linear.get_or_init(|| walked)
            }
        };
        let scores = linear.tokens().to_vec();
        Ok(Some(self.wire_attribution(Method::AtpLinear, linear.value, scores, None)))
    }

    fn wire_attribution(
        &self,
        shown: Method,
        value: f64,
        scores: Vec<f32>,
        others: Option<BTreeMap<String, Vec<f32>>>,
    ) -> wire::Attribution {
        wire::Attribution {
            method: shown.name().to_owned(),
            objective: effects::objective(self.objective.kind),
            unit: if shown == Method::Flow { "share" } else { "nats" }.to_owned(),
            value: value as f32,
            scores,
            effects: Vec::new(),
            disagreements: Vec::new(),
            others,
        }
    }

    /// The passes, if they were walked already.
    pub fn known_attributions(&self) -> Option<&Attributions> {
        self.attributions.get()
    }

    /// Token scores of the methods; the first is shown. `flows` are those of the input tokens, which [`Method::Flow`] shows.
    pub fn attribution(
        &self,
        attributions: &Attributions,
        methods: &[Method],
        flows: &[f32],
    ) -> wire::Attribution {
        let scores = |method: Method| attributions.tokens(method, flows);
        let shown = methods.first().copied().unwrap_or(Method::Atp);
        let others = (methods.len() > 1).then(|| {
            methods.iter().map(|&m| (m.name().to_owned(), scores(m))).collect::<BTreeMap<_, _>>()
        });
        self.wire_attribution(shown, attributions.value, scores(shown), others)
    }
}
