//! What the server asks of the models: blocking calls in plain protocol types. The engine is adapted to this trait elsewhere;
//! tests bring a deterministic stand-in. What must not live here: LSP types, positions, async.

use crate::{
    chat_template::ChatNote,
    prompt_text::{Message, PromptText},
};
use limpid_engine::cancel::CancelToken;
use limpid_protocol::{
    effect::EffectRow,
    inspection::{Inspection, Objective, TokenRow},
    intervention::InterventionSet,
    model_status::{CacheStatus, ModelRow, ModelState},
    request::{AnswerRange, TargetChoice, TokenChoice},
    view_error::{ErrorKind, ViewError},
    views::{
        attribution::{AttributionParams, AttributionView},
        continuation::{ContinuationPiece, ContinueParams, StoppedBy},
        edge::{EdgeCard, EdgeParams},
        effect::{EffectParams, EffectView},
        head::{HeadCard, HeadParams},
        lens::{LensParams, LensView},
        mlp::{MlpCard, MlpParams},
        neuron::{NeuronCard, NeuronParams},
        node::{NodeCard, NodeParams},
        routes::{RoutesParams, RoutesView},
        tokens::TokensView,
    },
};
use std::{any::Any, ops::Range, sync::Arc};

/// What is analysed: everything an answer depends on, so that equal asks have equal answers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ask {
    /// Name of the model; none: the default model.
    pub model: Option<String>,
    /// The prompt, or the contents of a chat's messages one after another. Byte offsets in answers count from its start.
    pub text: Arc<str>,
    /// The messages, which the model's chat template puts together; none: the model reads the text as it is.
    pub turns: Option<Arc<[Turn]>>,
    /// Token index after which the target is predicted; none: the last.
    pub position: Option<usize>,
    /// The token that is explained; none: the top one.
    pub token: Option<TokenChoice>,
    /// The token it is compared with; of an answer, another answer: a text of one token or more.
    pub foil: Option<TokenChoice>,
    /// Tokens of the prompt that are explained together.
    pub answer: Option<AnswerRange>,
    /// Spelling of the objective; none: the default.
    pub objective: Option<&'static str>,
}

impl Ask {
    /// The prompt alone, everything else by default.
    pub fn of_text(text: impl Into<Arc<str>>) -> Self {
        Self {
            model: None,
            text: text.into(),
            turns: None,
            position: None,
            token: None,
            foil: None,
            answer: None,
            objective: None,
        }
    }

    /// A prompt of a document, everything else by default.
    pub fn of_prompt(prompt: &PromptText) -> Self {
        let turn = |message: &Message| Turn {
            role: message.role.clone(),
            content: message.content.clone(),
        };
        let turns = prompt.messages.as_ref().map(|messages| messages.iter().map(turn).collect());
        Self { turns, ..Self::of_text(prompt.text.as_str()) }
    }

    /// The same prompt with another target.
    pub fn toward(&self, target: &TargetChoice) -> Self {
        Self {
            position: target.position,
            token: target.token.clone(),
            // What a token is compared with is no other answer, nor the other way round.
            foil: self.foil.clone().filter(|_| self.answer.is_none() && target.answer.is_none()),
            answer: target.answer,
            ..self.clone()
        }
    }

    /// The objective asked for.
    pub fn objective(&self) -> Option<Objective> {
        Objective::ALL.iter().copied().find(|objective| Some(objective.as_str()) == self.objective)
    }
}

/// A message of a chat.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Turn {
    /// `system`, `user`, `assistant`.
    pub role: String,
    /// Its content, as bytes of [`Ask::text`].
    pub content: Range<usize>,
}

/// A prompt as its model reads it.
#[derive(Clone, Debug, PartialEq)]
pub struct Rendering {
    /// Name of the model.
    pub model: String,
    /// All it reads, but for a beginning-of-sequence token that a plain prompt gets.
    pub text: String,
    /// Its tokens, not predicted; those that were added stand nowhere in [`Ask::text`].
    pub tokens: Vec<TokenRow>,
    /// What the chat template does that the document does not say.
    pub notes: Vec<ChatNote>,
}

/// Takes the share done (0..1) and what is being done.
pub type ProgressCallback = Arc<dyn Fn(f32, &str) + Send + Sync>;

/// Keeps what it stands for in memory while it lives.
pub type Hold = Arc<dyn Any + Send + Sync>;

/// What a running call is given beside its arguments.
pub struct Job {
    /// Set when nobody waits any more; ask it once a layer and answer [`ErrorKind::Cancelled`].
    pub cancel: CancelToken,
    pub(crate) progress: ProgressCallback,
}

impl Job {
    /// A job with a progress callback of share done (0..1) and what is being done.
    pub fn new(cancel: CancelToken, progress: impl Fn(f32, &str) + Send + Sync + 'static) -> Self {
        Self { cancel, progress: Arc::new(progress) }
    }

    /// The same job, given up when somebody else says so.
    pub(crate) fn until(&self, cancel: CancelToken) -> Self {
        Self { cancel, progress: self.progress.clone() }
    }

    /// Says how far the call is. Cheap; may be called once a layer.
    pub fn progress(&self, share: f32, doing: &str) {
        (self.progress)(share, doing);
    }

    /// # Errors
    /// [`ErrorKind::Cancelled`] once nobody waits.
    pub fn check(&self) -> Result<(), ViewError> {
        if self.cancel.is_cancelled() {
            Err(ViewError::new(ErrorKind::Cancelled, "cancelled"))
        } else {
            Ok(())
        }
    }
}

/// What a model makes of a prompt before it predicts anything.
#[derive(Clone, Debug)]
pub struct Prompt {
    /// Name of the model.
    pub model: String,
    /// The tokens, without what predicted them.
    pub tokens: Vec<TokenRow>,
}

/// A continuation under way. Each call of `step` is a job of its own, so that others are served between two tokens.
pub trait Continuing: Send {
    /// Name of the model.
    fn model(&self) -> &str;

    /// The prompt's tokens.
    fn prompt(&self) -> &[TokenRow];

    /// Whether it is written twice, with switches and without: then each piece says which side it is of, and each side ends by itself.
    fn has_sides(&self) -> bool;

    /// Writes one more token; says why when it was the last of its side. A piece may be empty while its text is held back.
    ///
    /// # Errors
    /// Of the engine.
    fn step(&mut self, job: &Job) -> Result<(ContinuationPiece, Option<StoppedBy>), ViewError>;
}

/// Runs asked for, measured a batch at a time. Each call of `step` is a job of its own, so that others are served between two batches.
pub trait Measures: Send {
    /// Name of the model.
    fn model(&self) -> &str;

    /// The prompt's tokens.
    fn prompt(&self) -> &[TokenRow];

    /// Measures the next batch; empty when nothing is left, or the budget is spent.
    ///
    /// # Errors
    /// Of the engine.
    fn step(&mut self, job: &Job) -> Result<Vec<EffectRow>, ViewError>;

    /// Runs made, of how many asked for.
    fn progress(&self) -> (usize, usize);

    /// Everything measured so far.
    fn view(&self) -> EffectView;
}

/// The row of interventions, by their key, that was measured before.
pub type KnownRow<'a> = &'a dyn Fn(&str) -> Option<EffectRow>;

/// The models, as the server sees them. Calls with a [`Job`] block and run on worker threads: those that compute one at a
/// time, `load` and `unload` on another, and follow-ups of a finished analysis (`keeps`) on a third; the others answer at once, from any thread. `subject` in params is the server's: implementations read the [`Ask`].
/// Every call may fail with a [`ViewError`]; a panic is caught and answered as [`ErrorKind::Internal`].
pub trait Analyst: Send + Sync + 'static {
    /// Models known and what they do; the default one is marked. At once. A loaded model is listed under the very name it was asked
    /// for (a path too): the server takes a name that is not listed as `loaded` for one that still has to be loaded.
    fn models(&self) -> Vec<ModelRow>;

    /// The trace cache. At once.
    fn cache(&self) -> CacheStatus;

    /// Whether a model answers at once. At once, and cheap: asked before every request.
    fn is_loaded(&self, model: Option<&str>) -> bool {
        self.models().iter().any(|row| {
            let is_meant = model.map_or(row.is_default, |name| row.name == name);
            is_meant && row.state == ModelState::Loaded
        })
    }

    /// Keeps a loaded model from being let go while requests that need it wait or run. At once.
    fn hold(&self, _model: Option<&str>) -> Option<Hold> {
        None
    }

    /// Whether follow-ups of this question need no forward pass. At once.
    fn keeps(&self, _ask: &Ask) -> bool {
        false
    }

    /// Names of a loaded model's special tokens; none of one that is not loaded. At once.
    fn special_tokens(&self, model: Option<&str>) -> Arc<[String]>;

    /// Loads a model, fetching it where needed; returns when it can answer.
    ///
    /// # Errors
    /// Of the model store and the engine.
    fn load(&self, model: Option<&str>, job: &Job) -> Result<(), ViewError>;

    /// Frees a model.
    ///
    /// # Errors
    /// [`ErrorKind::ModelNotFound`].
    fn unload(&self, model: &str) -> Result<(), ViewError>;

    /// The prompt as the model reads it. No forward pass.
    ///
    /// # Errors
    /// Of the tokenizer, the chat template and the request.
    fn render(&self, ask: &Ask, job: &Job) -> Result<Rendering, ViewError>;

    /// The tokens of a prompt, and the model whose they are.
    ///
    /// # Errors
    /// Of the engine.
    fn prompt(&self, ask: &Ask, job: &Job) -> Result<Prompt, ViewError>;

    /// A glance: what comes next and how each token was predicted, at the cost of what an edit changed.
    ///
    /// # Errors
    /// Of the engine and the request.
    fn glance(&self, ask: &Ask, job: &Job) -> Result<TokensView, ViewError>;

    /// Step one: tokens, target, predictions, routes at mass 0.9, ten heads and neurons by flow. No lens, no attribution, no timings.
    ///
    /// # Errors
    /// Of the engine and the request.
    fn inspect(&self, ask: &Ask, job: &Job) -> Result<Inspection, ViewError>;

    /// Step two: token attributions, heads and neurons by |attribution|.
    ///
    /// # Errors
    /// Of the engine and the request.
    fn attributions(
        &self,
        ask: &Ask,
        params: &AttributionParams,
        job: &Job,
    ) -> Result<AttributionView, ViewError>;

    /// Reads the prompt and gets ready to write behind it, with `switches` and without where there are some; no token is written yet.
    ///
    /// # Errors
    /// Of the engine and the request.
    fn continuation(
        &self,
        ask: &Ask,
        params: &ContinueParams,
        switches: Option<&InterventionSet>,
        job: &Job,
    ) -> Result<Box<dyn Continuing>, ViewError>;

    /// Gets ready to measure effects; nothing is run yet but what cheap scores need. `within`: bytes of the text in which parts begin.
    ///
    /// # Errors
    /// Of the engine and the request.
    fn effects(
        &self,
        ask: &Ask,
        params: &EffectParams,
        within: Option<Range<usize>>,
        known: KnownRow<'_>,
        job: &Job,
    ) -> Result<Box<dyn Measures>, ViewError>;

    /// The route graph under another pruning.
    ///
    /// # Errors
    /// Of the engine and the request.
    fn routes(&self, ask: &Ask, params: &RoutesParams, job: &Job) -> Result<RoutesView, ViewError>;

    /// The lens grid.
    ///
    /// # Errors
    /// Of the engine and the request.
    fn lens(&self, ask: &Ask, params: &LensParams, job: &Job) -> Result<LensView, ViewError>;

    /// One residual node.
    ///
    /// # Errors
    /// Of the engine and the request.
    fn node(&self, ask: &Ask, params: &NodeParams, job: &Job) -> Result<NodeCard, ViewError>;

    /// One edge.
    ///
    /// # Errors
    /// Of the engine and the request.
    fn edge(&self, ask: &Ask, params: &EdgeParams, job: &Job) -> Result<EdgeCard, ViewError>;

    /// One head.
    ///
    /// # Errors
    /// Of the engine and the request.
    fn head(&self, ask: &Ask, params: &HeadParams, job: &Job) -> Result<HeadCard, ViewError>;

    /// One MLP.
    ///
    /// # Errors
    /// Of the engine and the request.
    fn mlp(&self, ask: &Ask, params: &MlpParams, job: &Job) -> Result<MlpCard, ViewError>;

    /// One neuron.
    ///
    /// # Errors
    /// Of the engine and the request.
    fn neuron(&self, ask: &Ask, params: &NeuronParams, job: &Job) -> Result<NeuronCard, ViewError>;
}
