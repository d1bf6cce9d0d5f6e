//! What an offline report shows: the answers that its panel asks for, made by the very code that answers an editor, on one inspection.
//! What must not live here: HTML, files.

use crate::{
    analyst::{Analyst, Job},
    documents::Documents,
    job_desk::JobDesk,
    methods::Served,
    place::Place,
    positions::{Encoding, to_position},
    prompt_document::{PromptDocument, PromptSettings},
    settings::Settings,
    token_table::token_table,
};
use limpid_protocol::{
    component::{ComponentId, ComponentKind},
    effect::EffectBudget,
    inspection::Inspection,
    part_row::{PartBy, PartKind, PartRow},
    position::Position,
    request::{Answer, Request, Subject},
    route_graph::{EdgeKind, NodeKind, RouteNode, Routes},
    token_table::TableToken,
    view_error::{ErrorKind, ViewError},
    views::{
        attribution::{AttributionParams, AttributionView, TokenAttribution},
        edge::{EdgeParams, EdgeView},
        effect::{Effect, EffectParams, EffectSet},
        head::{HeadParams, HeadView},
        lens::{LensGrid, LensParams},
        mlp::{MlpParams, MlpView},
        neuron::{NeuronParams, NeuronView},
        node::{NodeParams, NodeView},
        parts::{Parts, PartsParams},
        routes::{RouteGraph, RoutesParams},
        tokens::{Tokens, TokensParams},
    },
};
use serde::Serialize;
use serde_json::Value;
use std::{collections::BTreeSet, ops::Range, sync::Arc};

/// Rows of heads and of neurons in rankings.
const ROWS: usize = 30;
/// Rows in lists of tokens, and of an MLP's neurons.
const LISTED: usize = 10;
/// Edges of the graph.
const EDGES: usize = 6000;
/// How the graph is pruned, unless said otherwise.
const PRUNE: &str = "mass=0.98";
/// Strongest edges whose nodes are opened.
const EDGES_OF_NODES: usize = 300;
const MLPS: usize = 60;
/// Attention edges that are opened.
const OPENED_EDGES: usize = 100;
const HEADS: usize = 12;
const NEURONS: usize = 30;
/// Tokens of a longer prompt have no lens grid.
const MOST_WITH_LENS: usize = 512;
/// Heads of a longer prompt have no maps.
const MOST_WITH_MAPS: usize = 256;

/// What is to be recorded.
pub struct ToRecord<'a> {
    /// The document's text.
    pub document: &'a str,
    /// The prompt in it.
    pub prompt: PromptDocument,
    /// What holds for it, all told.
    pub settings: Settings,
    /// Target, foil, objective, model.
    pub subject: Subject,
    /// How the route graph is pruned; none: as the panel asks for it.
    pub prune: Option<String>,
    /// What may be spent on measuring; none: nothing is measured.
    pub effects: Option<EffectBudget>,
}

/// What was recorded.
pub struct Recording {
    /// Name of the model.
    pub model: String,
    /// The prompt's part of the document; ranges of tokens are in it.
    pub text: String,
    /// `{"method", "params", "result"}` of each answer, as JSON; token tables are empty but the first.
    pub answers: Vec<String>,
}

/// Asks everything that a report's panel may.
///
/// # Errors
/// Of the engine and the request.
pub fn record(
    analyst: Arc<dyn Analyst>,
    of: ToRecord<'_>,
    job: &Job,
) -> Result<Recording, ViewError> {
    let documents = Documents::default();
    documents.open("", String::new(), 0, of.document);
    let document = documents.snapshot("")?;
    // All told already, whatever the prompt itself says.
    let prompt = PromptDocument { settings: PromptSettings::default(), ..of.prompt };
    let source = prompt.source.clone();
    let place = Place::new("", &document, Arc::new(prompt), &of.settings)?.with(&of.subject);
    let desk = JobDesk::new(analyst, Arc::default(), Default::default(), false);
    let inspection = desk.inspection(&place.ask, job)?;
    let mut recorder = Recorder { desk, place, inspection, job, answers: Vec::new(), n_steps: 0 };
    let effects = of.effects.map(|budget| recorder.measured(budget)).transpose()?;
    recorder.all(of.prune, &source)?;
    recorder.answers.extend(effects);
    Ok(Recording {
        model: recorder.inspection.model.name.clone(),
        text: of.document.get(source).unwrap_or_default().to_owned(),
        answers: recorder.answers,
    })
}

struct Recorder<'a> {
    desk: JobDesk,
    place: Place,
    inspection: Arc<Inspection>,
    job: &'a Job,
    answers: Vec<String>,
    n_steps: usize,
}

impl Recorder<'_> {
    fn all(&mut self, prune: Option<String>, source: &Range<usize>) -> Result<(), ViewError> {
        let subject = Subject::nothing;
        let n_tokens = self.inspection.tokens.len();
        let table = self.table(source);
        let tokens = TokensParams { subject: subject() };
        let view = self.asked::<Tokens>(&tokens)?;
        self.keep::<Tokens>(&tokens, table, &view)?;
        let methods = Some(vec!["atp".to_owned(), "flow".to_owned()]);
        let found = self.add::<TokenAttribution>(AttributionParams {
            subject: subject(),
            methods,
            top: Some(ROWS),
        })?;
        let routes = RoutesParams {
            subject: subject(),
            prune: Some(PRUNE.to_owned()),
            max_edges: Some(EDGES),
            top: Some(ROWS),
        };
        // Another pruning is recorded as the answer to what the panel asks; the answer says its own.
        let pruned = RoutesParams { prune: prune.or(routes.prune.clone()), ..routes.clone() };
        let view = self.asked::<RouteGraph>(&pruned)?;
        self.keep::<RouteGraph>(&routes, Vec::new(), &view)?;
        if n_tokens <= MOST_WITH_LENS {
            self.add::<LensGrid>(LensParams { subject: subject(), positions: None })?;
        }
        for &by in PartBy::ALL {
            let params = PartsParams { subject: subject(), by, method: None };
            let view = self.asked::<Parts>(&params)?;
            if view.parts.iter().any(|part| is_one(part, by)) {
                self.keep::<Parts>(&params, Vec::new(), &view)?;
            }
        }
        self.nodes(&view.routes)?;
        self.edges(&view.routes)?;
        self.rows(&found, n_tokens <= MOST_WITH_MAPS)
    }

    /// The nodes that the strongest edges touch.
    fn nodes(&mut self, routes: &Routes) -> Result<(), ViewError> {
        let strongest = routes.edges.iter().take(EDGES_OF_NODES);
        let mut seen = BTreeSet::new();
        let touched = strongest.flat_map(|edge| [edge.to, edge.from]);
        let touched = touched.filter(|at| seen.insert(*at)).filter_map(|at| routes.nodes.get(at));
        let mut n_mlps = 0;
        for node in touched {
            let node = component(node);
            if node.kind == ComponentKind::Mlp {
                n_mlps += 1;
                if n_mlps > MLPS {
                    continue;
                }
                self.add::<MlpView>(MlpParams {
                    subject: Subject::nothing(),
                    layer: node.layer,
                    position: Some(node.position),
                    top: Some(LISTED),
                })?;
            } else {
                let subject = Subject::nothing();
                self.add::<NodeView>(NodeParams { subject, node, top: Some(LISTED) })?;
            }
        }
        Ok(())
    }

    fn edges(&mut self, routes: &Routes) -> Result<(), ViewError> {
        let attention = routes.edges.iter().filter(|edge| edge.kind == EdgeKind::Attention);
        for edge in attention.take(OPENED_EDGES) {
            let ends = [edge.from, edge.to].map(|at| routes.nodes.get(at).map(component));
            let [Some(from), Some(to)] = ends else { continue };
            let (subject, kind) = (Subject::nothing(), Some(EdgeKind::Attention));
            self.add::<EdgeView>(EdgeParams { subject, from, to, kind })?;
        }
        Ok(())
    }

    /// The strongest heads and neurons by attribution.
    fn rows(&mut self, found: &AttributionView, maps: bool) -> Result<(), ViewError> {
        for row in found.heads.iter().take(HEADS) {
            self.add::<HeadView>(HeadParams {
                subject: Subject::nothing(),
                layer: row.layer,
                head: row.head,
                position: Some(found.target.position),
                maps,
            })?;
        }
        for row in found.neurons.iter().take(NEURONS) {
            self.add::<NeuronView>(NeuronParams {
                subject: Subject::nothing(),
                layer: row.layer,
                neuron: row.neuron,
                position: Some(row.position),
            })?;
        }
        Ok(())
    }

    /// Measures the prompt's parts; from then on every view has the effects beside its scores.
    fn measured(&mut self, budget: EffectBudget) -> Result<String, ViewError> {
        let asked = EffectParams::of(EffectSet::Parts);
        let params = EffectParams { budget: Some(budget), ..asked.clone() };
        let (ask, job) = (&self.place.ask, self.job);
        let mut under_way = self.desk.analyst()?.effects(ask, &params, None, &|_| None, job)?;
        loop {
            let rows = under_way.step(job)?;
            if rows.is_empty() {
                return self.answer::<Effect>(&asked, Vec::new(), &under_way.view());
            }
            self.desk.keep_effects(ask, &rows);
            let (done, of) = under_way.progress();
            job.progress(done as f32 / of.max(1) as f32, "measuring");
        }
    }

    fn add<V: Served>(&mut self, params: V::Params) -> Result<V::Body, ViewError> {
        let view = self.asked::<V>(&params)?;
        self.keep::<V>(&params, Vec::new(), &view)?;
        Ok(view)
    }

    fn asked<V: Served>(&mut self, params: &V::Params) -> Result<V::Body, ViewError> {
        self.n_steps += 1;
        let all = EDGES_OF_NODES + OPENED_EDGES + HEADS + NEURONS;
        self.job.progress((self.n_steps as f32 / all as f32).min(1.0), "recording");
        self.job.check()?;
        V::compute(&self.desk, &self.place.ask, params, self.job)
    }

    fn keep<V: Served>(
        &mut self,
        params: &V::Params,
        table: Vec<TableToken>,
        view: &V::Body,
    ) -> Result<(), ViewError> {
        let answer = self.answer::<V>(params, table, view)?;
        self.answers.push(answer);
        Ok(())
    }

    fn answer<V: Request>(
        &self,
        params: &V::Params,
        token_table: Vec<TableToken>,
        view: &impl Serialize,
    ) -> Result<String, ViewError> {
        let result = Answer {
            analysis: self.place.id.clone(),
            version: self.place.version,
            model: self.inspection.model.name.clone(),
            token_table,
            view,
        };
        let mut params = serde_json::to_value(params).map_err(unwritten)?;
        if let Some(params) = params.as_object_mut() {
            params.remove("subject");
        }
        let result = serde_json::to_string(&result).map_err(unwritten)?;
        let method = Value::from(V::METHOD);
        Ok(format!(r#"{{"method":{method},"params":{params},"result":{result}}}"#))
    }

    /// The tokens with their places in the prompt's part of the document.
    fn table(&self, source: &Range<usize>) -> Vec<TableToken> {
        let first = to_position(&self.place.text, source.start, Encoding::Utf16);
        let moved = |at: &mut Position| {
            if at.line == first.line {
                at.character = at.character.saturating_sub(first.character);
            }
            at.line = at.line.saturating_sub(first.line);
        };
        let mut table = token_table(&self.inspection.tokens, &self.place, Encoding::Utf16);
        for range in table.iter_mut().filter_map(|token| token.range.as_mut()) {
            moved(&mut range.start);
            moved(&mut range.end);
        }
        table
    }
}

fn unwritten(error: serde_json::Error) -> ViewError {
    ViewError::new(ErrorKind::Internal, error.to_string())
}

/// Whether a part is one of those that a prompt was cut into, and not text between them.
fn is_one(part: &PartRow, by: PartBy) -> bool {
    part.kind != PartKind::Template && part.kind.as_str() == by.as_str()
}

fn component(node: &RouteNode) -> ComponentId {
    let kind = match node.kind {
        NodeKind::Embed => ComponentKind::Embed,
        NodeKind::ResidMid => ComponentKind::ResidMid,
        NodeKind::Mlp => ComponentKind::Mlp,
        NodeKind::ResidPost => ComponentKind::ResidPost,
    };
    ComponentId::node(kind, node.layer, node.position)
}
