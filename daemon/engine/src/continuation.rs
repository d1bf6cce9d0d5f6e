//! A prompt that is continued: tokens chosen one after another behind its trace, their text as it may be shown, and why it
//! ended. Nothing is run in the background: each step is one call, so that others can be served between two tokens.

mod held_text;

use crate::{
    cancel::CancelToken,
    changed_run::ChangedRun,
    decode::Decode,
    error::EngineError,
    forward::Watch,
    intervention::Intervention,
    model_pool::Loaded,
    pos_tensor::to_host,
    sampling::{Sampler, Sampling},
    trace::Trace,
};
use held_text::HeldText;

/// Stop strings that one continuation may have.
const MOST_STOPS: usize = 16;
/// Bytes of one stop string.
const MOST_STOP_BYTES: usize = 1024;

/// What is wanted of a continuation.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    /// Tokens at most.
    pub max_tokens: usize,
    /// How they are chosen.
    pub sampling: Sampling,
    /// Strings that end the text, wherever their tokens begin; they are not part of it.
    pub stop: Vec<String>,
}

impl Wanted {
    /// Whether a model with a window of `n_ctx` can do it.
    ///
    /// # Errors
    /// A field is out of its range.
    pub fn check(&self, n_ctx: usize) -> Result<(), EngineError> {
        self.sampling.check()?;
        let wrong = |problem: String| Err(EngineError::BadRequest(problem));
        if self.max_tokens == 0 || self.max_tokens > n_ctx {
            return wrong(format!(
                "`max_tokens` is {}; it is from 1 to {n_ctx}, the model's context window",
                self.max_tokens
            ));
        }
        if self.stop.len() > MOST_STOPS {
            let n = self.stop.len();
            return wrong(format!("`stop` has {n} strings; at most {MOST_STOPS} are looked for"));
        }
        match self.stop.iter().find(|stop| stop.is_empty() || stop.len() > MOST_STOP_BYTES) {
            Some(stop) => wrong(format!(
                "`stop` has a string of {} bytes; each is from 1 to {MOST_STOP_BYTES} bytes long",
                stop.len()
            )),
            None => Ok(()),
        }
    }
}

/// One token of a continuation.
#[derive(Clone, Debug, PartialEq)]
pub struct ContinuedToken {
    /// Its id.
    pub id: u32,
    /// `log P` under the model (temperature and cuts left aside), nats.
    pub logprob: f32,
    /// P under the model, 0..1.
    pub prob: f32,
    /// Its rank among all tokens, 1 is the top.
    pub rank: usize,
}

/// Why a continuation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoppedBy {
    /// The model chose a token that ends an answer; that token is not part of it.
    Eos,
    /// A stop string.
    Stop,
    /// As many tokens as were wanted.
    Length,
    /// The context window is full.
    Window,
}

impl StoppedBy {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Eos => "eos",
            Self::Stop => "stop",
            Self::Length => "length",
            Self::Window => "window",
        }
    }
}

/// What one step adds: nothing while a token's text is held back, several tokens when it is let go.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Piece {
    /// Tokens.
    pub tokens: Vec<ContinuedToken>,
    /// Text; empty for a model without a tokenizer.
    pub text: String,
}

/// A continuation under way.
#[derive(Debug)]
pub struct Continuation {
    decode: Decode,
    sampler: Sampler,
    /// Behind everything that was read.
    logits: Vec<f32>,
    /// Chosen, and not read yet.
    unread: Option<u32>,
    text: HeldText,
    /// Chosen tokens that are not given out yet, with where their bytes start and how many they are.
    held: Vec<(ContinuedToken, usize, usize)>,
    n_chosen: usize,
    n_left: usize,
    fills_window: bool,
    stopped_by: Option<StoppedBy>,
}

impl Continuation {
    /// Goes on from a trace of the prompt; nothing of the prompt is run again.
    ///
    /// *Cost*: a copy of the prompt's keys and values, and one row of the unembedding.
    ///
    /// # Errors
    /// As [`Wanted::check`]; stop strings without a tokenizer; the keys and values do not fit `available` bytes; the device
    /// refused.
    pub fn start(
        loaded: &Loaded,
        trace: &Trace,
        wanted: &Wanted,
        available: u64,
    ) -> Result<Self, EngineError> {
        let (model, n_tokens) = (&loaded.model, trace.n_tokens());
        let n_left = Self::n_left(loaded, n_tokens, wanted, available)?;
        let last = trace.resid_after(model.spec.n_layers).narrow(n_tokens - 1, 1)?.tensor()?;
        let logits = to_host(&model.logits(&last)?)?;
        Self::from_logits(Decode::behind(model, trace, n_left)?, logits, n_left, wanted)
    }

    /// Goes on from a changed run of the trace's prompt, and stays changed: a part that is switched off is off for the tokens
    /// that are written, too.
    ///
    /// *Cost*: the changed run.
    ///
    /// # Errors
    /// As [`Self::start`]; as [`ChangedRun::new`].
    pub fn start_changed(
        loaded: &Loaded,
        trace: &Trace,
        interventions: &[Intervention],
        wanted: &Wanted,
        (available, watch): (u64, Watch<'_>),
    ) -> Result<Self, EngineError> {
        let model = &loaded.model;
        let run = ChangedRun::new(model, trace, interventions, &[trace.n_tokens() - 1])?;
        let n_left = Self::n_left(loaded, run.n_pos(), wanted, available)?;
        let (decode, logits) = Decode::behind_changed(model, trace, run, n_left, watch)?;
        Self::from_logits(decode, logits, n_left, wanted)
    }

    /// Tokens that can be written.
    fn n_left(
        loaded: &Loaded,
        n_tokens: usize,
        wanted: &Wanted,
        available: u64,
    ) -> Result<usize, EngineError> {
        let model = &loaded.model;
        let n_ctx = model.spec.n_ctx;
        wanted.check(n_ctx)?;
        if !wanted.stop.is_empty() {
            loaded.tokenizer()?;
        }
        // The last token in the window is read, and one more is predicted behind it.
        let n_left = wanted.max_tokens.min(n_ctx + 1 - n_tokens);
        let needed = Decode::bytes(&model.spec, n_tokens + n_left);
        if needed > available {
            let what = format!("a continuation of {n_tokens} tokens by {n_left}");
            return Err(EngineError::MemoryBudget { what, needed, available });
        }
        Ok(n_left)
    }

    fn from_logits(
        decode: Decode,
        logits: Vec<f32>,
        n_left: usize,
        wanted: &Wanted,
    ) -> Result<Self, EngineError> {
        Ok(Self {
            decode,
            sampler: Sampler::new(wanted.sampling)?,
            logits,
            unread: None,
            text: HeldText::new(&wanted.stop),
            held: Vec::new(),
            n_chosen: 0,
            n_left,
            fills_window: n_left < wanted.max_tokens,
            stopped_by: None,
        })
    }

    /// Tokens chosen so far, the one that ended it included.
    pub fn n_chosen(&self) -> usize {
        self.n_chosen
    }

    /// Why it ended; none while it goes on.
    pub fn stopped_by(&self) -> Option<StoppedBy> {
        self.stopped_by
    }

    /// Chooses one more token, unless it has ended.
    ///
    /// *Cost*: the first, a look at the logits; each other one, as [`Decode::step`].
    ///
    /// # Errors
    /// As [`Decode::step`]; after a cancelled step the next one takes up again.
    pub fn step(&mut self, loaded: &Loaded, cancel: &CancelToken) -> Result<Piece, EngineError> {
        if self.stopped_by.is_some() {
            return Ok(Piece::default());
        }
        if let Some(token) = self.unread {
            self.logits = self.decode.step(&loaded.model, token, cancel)?;
            self.unread = None;
        }
        cancel.check()?;
        let id = self.sampler.choose(&self.logits);
        self.n_chosen += 1;
        self.n_left -= 1;
        let tokenizer = loaded.tokenizer.as_ref();
        if tokenizer.is_some_and(|tokenizer| tokenizer.eos().contains(&id)) {
            self.stopped_by = Some(StoppedBy::Eos);
            return Ok(self.last_piece(String::new()));
        }
        let bytes = tokenizer.map_or(&[][..], |tokenizer| tokenizer.token_bytes(id));
        self.held.push((described(&self.logits, id), self.text.n_bytes(), bytes.len()));
        let text = self.text.push(bytes);
        self.stopped_by = match self.n_left {
            _ if self.text.is_stopped() => Some(StoppedBy::Stop),
            0 if self.fills_window => Some(StoppedBy::Window),
            0 => Some(StoppedBy::Length),
            _ => None,
        };
        if self.stopped_by.is_some() {
            return Ok(self.last_piece(text));
        }
        self.unread = Some(id);
        let n_shown =
            self.held.iter().take_while(|(_, start, n)| self.text.shows(*start, *n)).count();
        let tokens = self.held.drain(..n_shown).map(|(token, ..)| token).collect();
        Ok(Piece { tokens, text })
    }

    /// What was held back, up to a stop string.
    fn last_piece(&mut self, mut text: String) -> Piece {
        text.push_str(&self.text.rest());
        let shows_all = !self.text.is_stopped();
        let shown = |start: usize, n: usize| shows_all || self.text.shows(start, n);
        let tokens = std::mem::take(&mut self.held).into_iter();
        let tokens = tokens.take_while(|(_, start, n)| shown(*start, *n));
        Piece { tokens: tokens.map(|(token, ..)| token).collect(), text }
    }
}

fn described(logits: &[f32], id: u32) -> ContinuedToken {
    let own = logits[id as usize];
    let max = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f64 = logits.iter().map(|&logit| f64::from(logit - max).exp()).sum();
    let logprob = f64::from(own - max) - sum.ln();
    ContinuedToken {
        id,
        logprob: logprob as f32,
        prob: logprob.exp() as f32,
        rank: 1 + logits.iter().filter(|&&logit| logit > own).count(),
    }
}
