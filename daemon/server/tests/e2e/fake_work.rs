//! Work of the stand-in that comes in steps: words that are written, runs that are measured.

use crate::{fake_analyst::tokens, fake_prompts::target};
use limpid_protocol::{
    display,
    effect::{EffectPart, EffectRow, Outcome},
    inspection::{Objective, Target, TokenRow},
    intervention::{Intervention, InterventionSet},
    part_row::TokenSpan,
    view_error::ViewError,
    views::{
        continuation::{ContinuationPiece, ContinuationSide, ContinuedToken, StoppedBy},
        effect::{EffectParams, EffectView},
    },
};
use limpid_server::{Ask, Continuing, Job, KnownRow, Measures};
use std::ops::Range;

/// Writes ` w0`, ` w1` and so on; with switches ` v1` in the place of ` w1`.
pub struct Words {
    pub prompt: Vec<TokenRow>,
    /// Switched or alone, and unchanged.
    pub n_written: [usize; 2],
    pub n_wanted: Option<usize>,
    pub has_sides: bool,
}

impl Continuing for Words {
    fn model(&self) -> &str {
        "Fake"
    }

    fn prompt(&self) -> &[TokenRow] {
        &self.prompt
    }

    fn has_sides(&self) -> bool {
        self.has_sides
    }

    fn step(&mut self, job: &Job) -> Result<(ContinuationPiece, Option<StoppedBy>), ViewError> {
        job.check()?;
        let is_other = self.has_sides && self.n_written[0] > self.n_written[1];
        let at = self.n_written[usize::from(is_other)];
        let letter = if self.has_sides && !is_other && at == 1 { 'v' } else { 'w' };
        let (id, text) =
            (200 + at as u32 + 1000 * u32::from(letter == 'v'), format!(" {letter}{at}"));
        let token =
            ContinuedToken { id, text: text.clone(), logprob: -0.5, prob: 0.606_530_7, rank: 1 };
        self.n_written[usize::from(is_other)] += 1;
        let ended = (Some(at + 1) == self.n_wanted).then_some(StoppedBy::Length);
        let side = match (self.has_sides, is_other) {
            (false, _) => None,
            (true, false) => Some(ContinuationSide::Switched),
            (true, true) => Some(ContinuationSide::Unchanged),
        };
        Ok((ContinuationPiece { side, tokens: vec![token], text }, ended))
    }
}

/// Measures a run a step: hiding token `i` takes `i + 1` nats. Texts steer it: `ENDLESS` is never done with its first run.
pub struct Runs {
    prompt: Vec<TokenRow>,
    target: Target,
    asked: Vec<(InterventionSet, Option<EffectRow>)>,
    known: Vec<EffectRow>,
    most: usize,
    is_endless: bool,
}

fn row(set: &InterventionSet, prompt: &[TokenRow]) -> EffectRow {
    let token = set.interventions[0].token.unwrap_or(0);
    let tokens = TokenSpan { start: token, end: token + 1 };
    let text = prompt.get(token).map_or_else(String::new, |token| display::token(&token.text));
    EffectRow {
        intervention: set.clone(),
        part: Some(EffectPart { kind: None, name: None, text, tokens, depth: 0 }),
        logit: Some(1.0),
        logprob: Some(-1.0),
        log_odds: Some(-0.5),
        logit_diff: None,
        kl: Some(0.25),
        effect: Some(token as f32 + 1.0),
        score: Some(-1.0),
        disagreement: None,
        error: None,
    }
}

impl Runs {
    pub fn of(
        ask: &Ask,
        params: &EffectParams,
        within: Option<Range<usize>>,
        known: KnownRow<'_>,
    ) -> Self {
        let prompt = tokens(&ask.text);
        let target = target(ask, prompt.len());
        let is_in = |token: &&TokenRow| {
            within.as_ref().is_none_or(|within| {
                token.end.unwrap() > within.start && token.end.unwrap() <= within.end
            })
        };
        let hidden = prompt.iter().take(target.position).filter(is_in);
        let sets = params.interventions.clone().unwrap_or_else(|| {
            hidden.map(|token| Intervention::knockout(token.index).into()).collect()
        });
        let asked: Vec<_> = sets
            .into_iter()
            .map(|set| (set.clone(), set.key().and_then(|key| known(&key))))
            .collect();
        Self {
            known: asked.iter().filter_map(|(_, row)| row.clone()).collect(),
            most: params.budget.as_ref().and_then(|budget| budget.runs).unwrap_or(usize::MAX),
            is_endless: ask.text.contains("ENDLESS"),
            prompt,
            target,
            asked,
        }
    }
}

impl Measures for Runs {
    fn model(&self) -> &str {
        "Fake"
    }

    fn prompt(&self) -> &[TokenRow] {
        &self.prompt
    }

    fn step(&mut self, job: &Job) -> Result<Vec<EffectRow>, ViewError> {
        job.check()?;
        if !self.known.is_empty() {
            return Ok(std::mem::take(&mut self.known));
        }
        if self.is_endless {
            return Ok(vec![row(&self.asked[0].0, &self.prompt)]);
        }
        if self.most == 0 {
            return Ok(Vec::new());
        }
        self.most -= 1;
        let Some((set, slot)) = self.asked.iter_mut().find(|(_, row)| row.is_none()) else {
            return Ok(Vec::new());
        };
        *slot = Some(row(set, &self.prompt));
        Ok(slot.iter().cloned().collect())
    }

    fn progress(&self) -> (usize, usize) {
        (self.asked.iter().filter(|(_, row)| row.is_some()).count(), self.asked.len())
    }

    fn view(&self) -> EffectView {
        let left = self.asked.iter().filter(|(_, row)| row.is_none());
        let unmeasured: Vec<_> = left.map(|(set, _)| set.clone()).collect();
        EffectView {
            target: self.target.clone(),
            objective: Objective::LogOdds,
            floor: 0.05,
            clean: Outcome { logit: 2.0, logprob: -0.25, log_odds: 1.25, logit_diff: None },
            effects: self.asked.iter().filter_map(|(_, row)| row.clone()).collect(),
            is_cut_short: !unmeasured.is_empty(),
            unmeasured,
            fit: None,
            sweep: None,
        }
    }
}
