//! A deterministic stand-in for the models: a token a word with its leading space, flows and scores that can be told by hand.
//! Texts steer it: behind `FOREVER` a continuation never ends, `BLOCK` waits until it is cancelled, `WAIT` until the gate opens, `PANIC` panics, `LONG` is over the context window.

use crate::{
    fake_prompts::{rendering, target},
    fake_work::{Runs, Words},
};
use limpid_analysis::views::route_steps::strongest;
use limpid_engine::error::EngineError;
use limpid_protocol::{
    component::{ComponentId, ComponentKind},
    head_row::HeadRow,
    inspection::{Attribution, Inspection, LensCell, ModelInfo, Objective, Prediction, TokenRow},
    intervention::InterventionSet,
    model_status::{CacheStatus, ModelRow, ModelState},
    neuron_row::NeuronRow,
    route_graph::{EdgeHead, EdgeKind, NodeKind, RouteEdge, RouteNode, Routes},
    token_value::TokenValue,
    view_error::{ErrorKind, ViewError},
    views::{
        attribution::{AttributionParams, AttributionView},
        continuation::ContinueParams,
        edge::{EdgeCard, EdgeParams},
        effect::EffectParams,
        head::{HeadCard, HeadParams},
        lens::{LensParams, LensView},
        mlp::{MlpCard, MlpParams},
        neuron::{NeuronCard, NeuronParams},
        node::{NodeCard, NodeParams},
        routes::{RoutesParams, RoutesView},
        tokens::TokensView,
    },
};
use limpid_server::{
    Analyst, Ask, Continuing, Job, KnownRow, Measures, Prompt, Rendering, error_codes::from_engine,
};
use std::ops::Range;
use std::sync::{
    Arc, Condvar, Mutex,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

#[derive(Default)]
pub struct FakeAnalyst {
    /// Whether the model is loaded.
    pub loaded: AtomicBool,
    /// First steps computed.
    pub inspections: AtomicUsize,
    /// Blocked calls that saw their cancellation.
    pub cancelled: AtomicUsize,
    gate: (Mutex<bool>, Condvar),
    order: Mutex<Vec<String>>,
}

impl FakeAnalyst {
    pub fn loaded() -> Arc<Self> {
        let fake = Self::default();
        fake.loaded.store(true, Ordering::SeqCst);
        Arc::new(fake)
    }

    /// Texts in the order in which they were inspected.
    pub fn order(&self) -> Vec<String> {
        self.order.lock().unwrap().clone()
    }

    /// Lets a load that waits go on.
    pub fn open_gate(&self) {
        *self.gate.0.lock().unwrap() = true;
        self.gate.1.notify_all();
    }
}

pub fn tokens(text: &str) -> Vec<TokenRow> {
    let mut starts: Vec<usize> =
        text.match_indices([' ', '\n']).map(|(at, _)| at).filter(|at| *at > 0).collect();
    starts.insert(0, 0);
    let ends = starts.iter().copied().skip(1).chain([text.len()]);
    let spans = starts.iter().copied().zip(ends).enumerate();
    let row = |(index, (start, end)): (usize, (usize, usize))| TokenRow {
        index,
        id: 100 + index as u32,
        text: text[start..end].into(),
        start: Some(start),
        end: Some(end),
        logprob: (index > 0).then_some(-1.0),
        rank: (index > 0).then_some(3),
    };
    spans.map(row).collect()
}

fn writes(text: &str) -> Vec<TokenValue> {
    vec![TokenValue { id: 7, text: text.into(), value: 1.5 }]
}

fn head() -> HeadRow {
    HeadRow {
        layer: 1,
        head: 2,
        flow: 0.25,
        attribution: None,
        attribution_at_target: None,
        logit_attribution: None,
        effect: None,
        disagreement: None,
        promotes: writes(" `Paris"),
        suppresses: writes(" Rome"),
    }
}

fn neuron(position: usize) -> NeuronRow {
    NeuronRow {
        layer: 1,
        neuron: 9,
        position,
        activation: 2.0,
        sign_case: "gate+ up+".into(),
        flow: 0.125,
        attribution: None,
        attribution_at_target: None,
        logit_attribution: None,
        effect: None,
        disagreement: None,
        promotes: writes(" Paris"),
        suppresses: writes(" Rome"),
    }
}

fn predictions() -> Vec<Prediction> {
    let rows =
        [(" Paris", 17.5, 0.77), (" the", 15.0, 0.06), ("\n", 14.0, 0.02), ("`<b>", 13.0, 0.01)];
    let row = |(at, (text, logit, prob)): (usize, (&str, f32, f32))| Prediction {
        id: 7 + at as u32,
        text: text.into(),
        logit,
        prob,
    };
    rows.into_iter().enumerate().map(row).collect()
}

/// Token `i` before the target's position carries flow proportional to `i + 1`.
fn routes(position: usize) -> Routes {
    let total: f32 = (0..=position).map(|i| i as f32 + 1.0).sum();
    let embed = |i: usize| RouteNode {
        node: i,
        kind: NodeKind::Embed,
        layer: 0,
        position: i,
        flow: (i as f32 + 1.0) / total,
    };
    let mut nodes: Vec<RouteNode> = (0..=position).map(embed).collect();
    let top = nodes.len();
    nodes.push(RouteNode { node: top, kind: NodeKind::ResidMid, layer: 1, position, flow: 1.0 });
    let edge = |i: usize| RouteEdge {
        from: i,
        to: top,
        kind: EdgeKind::Attention,
        contribution: 0.1,
        flow: 0.1,
        heads: vec![EdgeHead { head: 2, contribution: 0.1 }],
    };
    Routes {
        prune: "mass=0.9".into(),
        shown: 0.91,
        edges: (0..position).map(edge).collect(),
        nodes,
        steps: vec![],
    }
}

/// What a text brings about before anything is computed.
fn refused(ask: &Ask) -> Result<(), ViewError> {
    if ask.text.contains("PANIC") {
        panic!("asked to");
    }
    if ask.text.contains("LONG") {
        let error = EngineError::ContextWindow { n_tokens: 9214, n_ctx: 8192, is_whole: true };
        return Err(from_engine(&error));
    }
    Ok(())
}

impl Analyst for FakeAnalyst {
    fn models(&self) -> Vec<ModelRow> {
        let loaded = self.loaded.load(Ordering::SeqCst);
        vec![ModelRow {
            name: "Fake".into(),
            state: if loaded { ModelState::Loaded } else { ModelState::Available },
            progress: None,
            device: None,
            bytes: None,
            problem: None,
            is_default: true,
        }]
    }

    fn cache(&self) -> CacheStatus {
        CacheStatus { bytes: 0, hits: 0, misses: 0 }
    }

    fn keeps(&self, _: &Ask) -> bool {
        true
    }

    fn special_tokens(&self, _: Option<&str>) -> Arc<[String]> {
        ["<|end|>".to_owned()].into()
    }

    fn load(&self, model: Option<&str>, job: &Job) -> Result<(), ViewError> {
        if model.is_some_and(|name| name != "Fake") {
            return Err(ViewError::new(
                ErrorKind::ModelNotFound,
                format!("no model `{}`", model.unwrap_or("")),
            ));
        }
        job.progress(0.5, "layer 1 of 2");
        let mut open = self.gate.0.lock().unwrap();
        while !*open {
            open = self.gate.1.wait(open).unwrap();
        }
        self.loaded.store(true, Ordering::SeqCst);
        Ok(())
    }

    fn unload(&self, _: &str) -> Result<(), ViewError> {
        self.loaded.store(false, Ordering::SeqCst);
        Ok(())
    }

    fn render(&self, ask: &Ask, _: &Job) -> Result<Rendering, ViewError> {
        Ok(rendering(ask))
    }

    fn prompt(&self, ask: &Ask, _: &Job) -> Result<Prompt, ViewError> {
        refused(ask)?;
        Ok(Prompt { model: "Fake".to_owned(), tokens: tokens(&ask.text) })
    }

    fn glance(&self, ask: &Ask, job: &Job) -> Result<TokensView, ViewError> {
        let Inspection { model, tokens, target, predictions, .. } = self.inspect(ask, job)?;
        Ok(TokensView { model, tokens, target, predictions })
    }

    fn inspect(&self, ask: &Ask, job: &Job) -> Result<Inspection, ViewError> {
        self.order.lock().unwrap().push(ask.text.to_string());
        self.inspections.fetch_add(1, Ordering::SeqCst);
        refused(ask)?;
        let waits = || ask.text.contains("WAIT") && !*self.gate.0.lock().unwrap();
        while ask.text.contains("BLOCK") || waits() {
            if let Err(error) = job.check() {
                self.cancelled.fetch_add(1, Ordering::SeqCst);
                return Err(error);
            }
            std::thread::yield_now();
        }
        let tokens = tokens(&ask.text);
        let target = target(ask, tokens.len());
        let routes = routes(target.position);
        let model = ModelInfo {
            name: "Fake".into(),
            family: "llama".into(),
            n_layers: 2,
            n_heads: 4,
            n_key_value_heads: 2,
            d_model: 8,
            d_mlp: 16,
            d_vocab: 32,
            dtype: "f32".into(),
            device: "cpu".into(),
        };
        Ok(Inspection {
            model,
            neurons: vec![neuron(target.position)],
            tokens,
            target,
            predictions: predictions(),
            lens: None,
            attribution: None,
            parts: None,
            routes,
            heads: vec![head()],
            timings_ms: None,
        })
    }

    fn attributions(
        &self,
        ask: &Ask,
        _: &AttributionParams,
        _: &Job,
    ) -> Result<AttributionView, ViewError> {
        let n_tokens = tokens(&ask.text).len();
        let target = target(ask, n_tokens);
        let score = |i: usize| if i == target.position { 0.0 } else { i as f32 - 1.5 };
        let attribution = Attribution {
            method: "atp".into(),
            objective: Objective::LogOdds,
            unit: "nats".into(),
            value: 1.25,
            scores: (0..n_tokens).map(score).collect(),
            effects: Vec::new(),
            disagreements: Vec::new(),
            others: None,
        };
        Ok(AttributionView { target, attribution, heads: vec![head()], neurons: vec![] })
    }

    fn continuation(
        &self,
        ask: &Ask,
        params: &ContinueParams,
        switches: Option<&InterventionSet>,
        _: &Job,
    ) -> Result<Box<dyn Continuing>, ViewError> {
        let is_endless = ask.text.contains("FOREVER");
        let n_wanted = (!is_endless).then(|| params.max_tokens.unwrap_or(32));
        let has_sides = switches.is_some();
        Ok(Box::new(Words { prompt: tokens(&ask.text), n_written: [0, 0], n_wanted, has_sides }))
    }

    fn effects(
        &self,
        ask: &Ask,
        params: &EffectParams,
        within: Option<Range<usize>>,
        known: KnownRow<'_>,
        _: &Job,
    ) -> Result<Box<dyn Measures>, ViewError> {
        Ok(Box::new(Runs::of(ask, params, within, known)))
    }

    fn routes(&self, ask: &Ask, params: &RoutesParams, _: &Job) -> Result<RoutesView, ViewError> {
        let target = target(ask, tokens(&ask.text).len());
        let prune = params.prune.clone().unwrap_or_default();
        let mut routes = Routes { prune, ..routes(target.position) };
        if let Some(max_edges) = params.max_edges {
            routes = strongest(&routes, max_edges);
        }
        Ok(RoutesView { target, routes, heads: vec![], neurons: vec![] })
    }

    fn lens(&self, ask: &Ask, _: &LensParams, _: &Job) -> Result<LensView, ViewError> {
        let cell =
            LensCell { id: 7, text: " Paris".into(), prob: 0.5, target_prob: 0.5, target_rank: 1 };
        let target = target(ask, tokens(&ask.text).len());
        Ok(LensView { target, positions: vec![0], lens: vec![vec![cell]] })
    }

    fn node(&self, _: &Ask, params: &NodeParams, _: &Job) -> Result<NodeCard, ViewError> {
        if params.node.layer > 1 {
            return Err(ViewError::new(
                ErrorKind::BadRequest,
                "`node.layer` is 9; the model has 2 layers",
            ));
        }
        let node = params.node;
        Ok(NodeCard { node, flow: None, top: vec![], bottom: vec![], gained: vec![], lost: vec![] })
    }

    fn edge(&self, _: &Ask, params: &EdgeParams, _: &Job) -> Result<EdgeCard, ViewError> {
        let (from, to): (ComponentId, ComponentId) = (params.from, params.to);
        let kind =
            if from.kind == ComponentKind::Mlp { EdgeKind::MlpOut } else { EdgeKind::Attention };
        Ok(EdgeCard { from, to, kind, contribution: 0.1, flow: 0.1, heads: vec![] })
    }

    fn head(&self, _: &Ask, params: &HeadParams, _: &Job) -> Result<HeadCard, ViewError> {
        Ok(HeadCard {
            row: HeadRow { layer: params.layer, head: params.head, ..head() },
            position: 1,
            pattern: vec![0.5, 0.5],
            contribution: vec![0.1, 0.1],
            labels: vec![],
            pattern_map: None,
            contribution_map: None,
        })
    }

    fn mlp(&self, _: &Ask, params: &MlpParams, _: &Job) -> Result<MlpCard, ViewError> {
        let (layer, position) = (params.layer, params.position.unwrap_or(0));
        let (before, after) = (vec![], predictions());
        Ok(MlpCard {
            layer,
            position,
            contribution: 0.5,
            flow: None,
            neurons: vec![],
            before,
            after,
        })
    }

    fn neuron(&self, _: &Ask, params: &NeuronParams, _: &Job) -> Result<NeuronCard, ViewError> {
        let row = NeuronRow { layer: params.layer, neuron: params.neuron, ..neuron(0) };
        Ok(NeuronCard { row, pre: 1.0, pre_linear: None, activations: vec![2.0] })
    }
}
