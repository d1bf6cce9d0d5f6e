//! A list of interventions turned into a plan of one run: which tokens, from which position and layer on anything is computed
//! again, which keys are hidden, and which values change at which hook.

use crate::{
    attention::{AttentionShape, ForcedPattern, HiddenKeys},
    changed_prompt::ChangedPrompt,
    error::EngineError,
    hook_name::Hook,
    intervention::{Change, Intervention, Site, wrong},
    model::Model,
    row_edits::{RowChange, RowEdit},
    trace::Trace,
};
use candle_core::{DType, Tensor};
use std::{collections::BTreeSet, ops::Range, sync::Arc};

/// Where in a layer a run departs from the clean one: what comes before is taken from its trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    /// The residual entering the layer, or q, k or v.
    Resid,
    /// What the queries see.
    Attention,
    /// The heads' outputs, and the residual behind them.
    Z,
    /// What goes into the non-linearity, and the neurons.
    MlpIn,
    /// The MLP's output, and the residual behind it.
    MlpOut,
}

/// A run of a changed prompt or model, checked and ready.
#[derive(Clone, Debug)]
pub struct ChangedRun {
    /// Tokens of the changed prompt, up to the last target.
    pub(crate) token_ids: Vec<u32>,
    /// Layer and stage of the first change; none where nothing changes.
    pub(crate) entry: Option<(usize, Stage)>,
    /// The first position that is computed again.
    pub(crate) first: usize,
    /// Positions whose predictions are wanted.
    pub(crate) targets: Vec<usize>,
    /// Hidden keys, of a layer or of every layer.
    pub(crate) hidden: Vec<(Option<usize>, HiddenKeys)>,
    /// Given rows of patterns.
    pub(crate) forced: Vec<(usize, ForcedPattern)>,
    /// Changed values.
    pub(crate) edits: Vec<RowEdit>,
}

impl ChangedRun {
    /// Checks interventions that act together, and plans their run.
    ///
    /// `targets`: positions of the unchanged prompt whose predictions are wanted, ascending; what is behind the last is not run.
    ///
    /// *Cost*: none to speak of, but for patches: a view of the other run, or a layer of it computed again where it is kept lean.
    ///
    /// # Errors
    /// What an intervention names does not exist; values are not finite; two contradict each other; no target is left.
    pub fn new(
        model: &Model,
        clean: &Trace,
        interventions: &[Intervention],
        targets: &[usize],
    ) -> Result<Self, EngineError> {
        let (spec, n_tokens) = (&model.spec, clean.n_tokens());
        for intervention in interventions {
            intervention.check(spec, n_tokens)?;
        }
        if let Some(target) = targets.iter().find(|&&target| target >= n_tokens) {
            return wrong(format!(
                "target position {target} is out of range; the prompt has positions 0 to {}",
                n_tokens - 1
            ));
        }
        let prompt = ChangedPrompt::new(clean.token_ids(), interventions)?;
        let targets = targets
            .iter()
            .map(|&target| prompt.target(target))
            .collect::<Result<Vec<_>, EngineError>>()?;
        let n_pos = targets.iter().max().map_or(0, |last| last + 1);
        let mut plan = Planning {
            model,
            prompt: &prompt,
            run: Self {
                token_ids: prompt.token_ids[..n_pos].to_vec(),
                entry: None,
                first: n_pos,
                targets,
                hidden: Vec::new(),
                forced: Vec::new(),
                edits: Vec::new(),
            },
        };
        plan.depart((0, Stage::Resid), prompt.first);
        for intervention in interventions {
            plan.add(intervention)?;
        }
        plan.check_masked()?;
        model.check_tokens(&plan.run.token_ids)?;
        Ok(plan.run)
    }

    /// Positions up to the last target.
    pub(crate) fn n_pos(&self) -> usize {
        self.token_ids.len()
    }

    /// Rows that are computed again in a layer that the run passes through whole.
    pub fn n_rows(&self) -> usize {
        self.n_pos() - self.first
    }

    /// What a run costs, in rows of a layer.
    pub fn cost(&self, n_layers: usize) -> usize {
        self.entry.map_or(0, |(layer, _)| (n_layers - layer) * self.n_rows())
    }

    /// Keys that are hidden in a layer.
    pub(crate) fn hidden_at(&self, layer: usize) -> Vec<HiddenKeys> {
        let of_layer = |own: &Option<usize>| own.is_none_or(|own| own == layer);
        let hidden = self.hidden.iter().filter(|(own, _)| of_layer(own));
        hidden.map(|(_, hidden)| hidden.clone()).collect()
    }

    /// Rows of patterns that are given in a layer.
    pub(crate) fn forced_at(&self, layer: usize) -> Vec<ForcedPattern> {
        let forced = self.forced.iter().filter(|(own, _)| *own == layer);
        forced.map(|(_, forced)| forced.clone()).collect()
    }
}

struct Planning<'a> {
    model: &'a Model,
    prompt: &'a ChangedPrompt,
    run: ChangedRun,
}

impl Planning<'_> {
    /// The run differs from here on: in this stage at positions from `first`.
    fn depart(&mut self, entry: (usize, Stage), first: usize) {
        if first < self.run.n_pos() {
            self.run.first = self.run.first.min(first);
            self.run.entry = Some(self.run.entry.map_or(entry, |known| known.min(entry)));
        }
    }

    fn add(&mut self, intervention: &Intervention) -> Result<(), EngineError> {
        match intervention {
            Intervention::Delete { .. } | Intervention::Replace { .. } => Ok(()),
            Intervention::Knockout { tokens } => {
                let keys = self.prompt.span(tokens)?;
                self.depart((0, Stage::Attention), keys.end);
                let hidden = HiddenKeys { head: None, queries: keys.end..usize::MAX, keys };
                self.run.hidden.push((None, hidden));
                Ok(())
            }
            Intervention::EdgeKnockout { layer, head, query, key } => {
                let (query, key) = (self.prompt.position(*query)?, self.prompt.position(*key)?);
                self.depart((*layer, Stage::Attention), query);
                let (queries, keys) = (query..query + 1, key..key + 1);
                let hidden = HiddenKeys { head: Some(*head), queries, keys };
                self.run.hidden.push((Some(*layer), hidden));
                Ok(())
            }
            Intervention::Edit { site, change } => {
                let row = |values: &[f32]| -> Result<Tensor, EngineError> {
                    let compute = &self.model.compute;
                    let n = site.columns(&self.model.spec).len();
                    let values =
                        if values.len() == 1 { vec![values[0]; n] } else { values.to_vec() };
                    let row = Tensor::from_vec(values, (1, n), &candle_core::Device::Cpu)?;
                    Ok(row.to_dtype(compute.activation_dtype())?.to_device(&compute.device)?)
                };
                let change = match change {
                    Change::Scale(factor) => RowChange::Scale(*factor),
                    Change::Set(values) => RowChange::Set(row(values)?),
                    Change::Add(values) => RowChange::Add(row(values)?),
                };
                self.edit(site, change)
            }
            Intervention::Patch { site, from } => self.patch(site, from),
        }
    }

    fn positions(&self, site: &Site) -> Result<Range<usize>, EngineError> {
        Ok(match site.position {
            None => 0..usize::MAX,
            Some(position) => {
                let position = self.prompt.position(position)?;
                position..position + 1
            }
        })
    }

    fn edit(&mut self, site: &Site, change: RowChange) -> Result<(), EngineError> {
        let positions = self.positions(site)?;
        let stage = match site.hook {
            Hook::ResidPre | Hook::Q | Hook::K | Hook::V => Stage::Resid,
            Hook::Pattern => Stage::Attention,
            Hook::Z | Hook::AttnOut | Hook::ResidMid => Stage::Z,
            Hook::Pre | Hook::PreLinear | Hook::Post => Stage::MlpIn,
            Hook::MlpOut | Hook::ResidPost => Stage::MlpOut,
        };
        self.depart((site.layer, stage), positions.start);
        let columns = site.columns(&self.model.spec);
        self.run.edits.push(RowEdit {
            layer: site.layer,
            hook: site.hook,
            columns,
            positions,
            change,
        });
        Ok(())
    }

    fn patch(&mut self, site: &Site, from: &Arc<Trace>) -> Result<(), EngineError> {
        if !self.prompt.keeps_positions() {
            return wrong(
                "a patch needs the prompt's own positions; it cannot stand beside deletions, or replacements by more or fewer tokens"
                    .to_owned(),
            );
        }
        let (model, spec) = (self.model, &self.model.spec);
        let activations = from.layer(site.layer, model)?;
        let positions = match site.position {
            Some(position) => position..position + 1,
            None => 0..from.n_tokens(),
        };
        let of_layer = (site.layer, &*activations);
        let rows = site.hook.rows(model, from, of_layer, positions.clone())?;
        if site.hook == Hook::Pattern {
            let heads = site.index.map_or(0..spec.n_heads, |head| head..head + 1);
            for head in heads {
                let rows: Vec<Vec<f32>> = rows.get(head)?.to_dtype(DType::F32)?.to_vec2()?;
                for (query, mut weights) in positions.clone().zip(rows) {
                    weights.truncate(query + 1);
                    self.run.forced.push((site.layer, ForcedPattern { head, query, weights }));
                }
            }
            self.depart((site.layer, Stage::Attention), positions.start);
            return Ok(());
        }
        let mut columns = site.columns(spec);
        if site.hook == Hook::PreLinear {
            // Its own values start at 0; only the forward pass has them behind the gate's.
            columns = columns.start - spec.d_mlp..columns.end - spec.d_mlp;
        }
        let rows = rows.narrow(1, columns.start, columns.len())?;
        self.edit(site, RowChange::Rows { rows, first: positions.start })
    }

    /// Each query must be left a key to see; knock-outs leave it itself, edges may not.
    fn check_masked(&self) -> Result<(), EngineError> {
        let run = &self.run;
        let at_itself = |hidden: &HiddenKeys| {
            hidden.head.is_some() && hidden.queries.start == hidden.keys.start
        };
        let mut looked_at = BTreeSet::new();
        for (layer, of) in run.hidden.iter().filter(|(_, hidden)| at_itself(hidden)) {
            let (Some(layer), Some(head)) = (*layer, of.head) else { continue };
            let query = of.queries.start;
            if !looked_at.insert((layer, head, query)) {
                continue;
            }
            let shape: AttentionShape = self.model.block_shape(layer).attention;
            let hidden = run.hidden_at(layer);
            let hides = |key: usize| {
                hidden
                    .iter()
                    .any(|h| h.is_of(head) && h.queries.contains(&query) && h.keys.contains(&key))
            };
            if (0..=query).all(|key| !shape.sees(query, key) || hides(key)) {
                return wrong(format!(
                    "position {query} of L{layer}H{head} is left no key to see; leave it at least one"
                ));
            }
        }
        Ok(())
    }
}
