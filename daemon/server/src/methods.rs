//! Which call of the [`Analyst`](crate::analyst::Analyst) answers which view. A view of the protocol's list without a row here does not compile.

use crate::{
    analyst::{Ask, Job},
    job_desk::JobDesk,
    part_shares::{FLOW, flows},
    parts::{self, Outline, TokenScores},
    settings::Settings,
};
use limpid_analysis::views::route_steps::strongest;
use limpid_protocol::{
    inspection::{Inspection, Target},
    part_row::{PartBy, PartRow},
    request::{Subject, View},
    view_error::ViewError,
    views::{
        attribution::{AttributionParams, AttributionView, TokenAttribution},
        edge::EdgeView,
        head::HeadView,
        lens::LensGrid,
        mlp::MlpView,
        neuron::NeuronView,
        node::NodeView,
        parts::{Parts, PartsParams, PartsView},
        routes::{RouteGraph, RoutesView},
        tokens::{Tokens, TokensView},
    },
};
use std::sync::Arc;

/// The attribution method of heat and roll-ups, unless another is asked for.
pub(crate) const ATP: &str = "atp";

/// A view that this server answers.
pub(crate) trait Served: View {
    /// Fills in what the folder's or the editor's settings say where the request says nothing.
    fn settle(_: &mut Self::Params, _: &Settings) {}

    /// Computes the view on the worker.
    fn compute(
        desk: &JobDesk,
        ask: &Ask,
        params: &Self::Params,
        job: &Job,
    ) -> Result<Self::Body, ViewError>;
}

impl Served for Tokens {
    fn compute(
        desk: &JobDesk,
        ask: &Ask,
        _: &Self::Params,
        job: &Job,
    ) -> Result<TokensView, ViewError> {
        // Of a foil answer only an inspection knows the tokens.
        if ask.answer.is_none() || ask.foil.is_none() {
            return Ok(TokensView::clone(&*desk.glance(ask, job)?));
        }
        let step = desk.inspection(ask, job)?;
        Ok(TokensView {
            model: step.model.clone(),
            tokens: step.tokens.clone(),
            target: step.target.clone(),
            predictions: step.predictions.clone(),
        })
    }
}

impl Served for RouteGraph {
    fn settle(params: &mut Self::Params, settings: &Settings) {
        let mass = || settings.routes_mass.map(|share| format!("mass={share}"));
        params.prune = params.prune.take().or_else(mass);
    }

    fn compute(
        desk: &JobDesk,
        ask: &Ask,
        params: &Self::Params,
        job: &Job,
    ) -> Result<RoutesView, ViewError> {
        let mut view = if params.prune.is_some() || params.top.is_some() {
            desk.analyst()?.routes(ask, params, job)?
        } else {
            let step = desk.inspection(ask, job)?;
            RoutesView {
                target: step.target.clone(),
                routes: match params.max_edges {
                    Some(max_edges) => strongest(&step.routes, max_edges),
                    None => step.routes.clone(),
                },
                heads: step.heads.clone(),
                neurons: step.neurons.clone(),
            }
        };
        let known = desk.known_effects(ask);
        known.beside_heads(&mut view.heads);
        known.beside_neurons(&mut view.neurons);
        Ok(view)
    }
}

impl Served for TokenAttribution {
    fn compute(
        desk: &JobDesk,
        ask: &Ask,
        params: &Self::Params,
        job: &Job,
    ) -> Result<Self::Body, ViewError> {
        let mut view = if params.methods.is_none() && params.top.is_none() {
            let mut view = AttributionView::clone(&*desk.attributions(ask, job)?);
            view.attribution.others = None;
            view
        } else {
            desk.analyst()?.attributions(ask, params, job)?
        };
        let known = desk.known_effects(ask);
        known.beside_tokens(&mut view.attribution, first_explained(&view.target));
        known.beside_heads(&mut view.heads);
        known.beside_neurons(&mut view.neurons);
        Ok(view)
    }
}

impl Served for Parts {
    fn compute(
        desk: &JobDesk,
        ask: &Ask,
        params: &PartsParams,
        job: &Job,
    ) -> Result<PartsView, ViewError> {
        let step = desk.inspection(ask, job)?;
        let cut = (params.by, params.method.as_deref().unwrap_or(ATP));
        let (found, mut parts) = rolled_up(desk, ask, cut, &step, job)?;
        desk.known_effects(ask).beside_parts(&mut parts, first_explained(&found.target));
        Ok(PartsView {
            target: found.target.clone(),
            by: params.by,
            method: found.attribution.method.clone(),
            unit: found.attribution.unit.clone(),
            parts,
        })
    }
}

/// Attributions by a method, and rolled up to the parts of a cut.
///
/// # Errors
/// Of the engine and the request.
pub(crate) fn rolled_up(
    desk: &JobDesk,
    ask: &Ask,
    (by, method): (PartBy, &str),
    step: &Inspection,
    job: &Job,
) -> Result<(Arc<AttributionView>, Vec<PartRow>), ViewError> {
    let found = if method == ATP {
        desk.attributions(ask, job)?
    } else {
        let of_tokens = AttributionParams {
            subject: Subject::nothing(),
            methods: Some(vec![method.to_owned(), FLOW.to_owned()]),
            top: Some(0),
        };
        Arc::new(desk.analyst()?.attributions(ask, &of_tokens, job)?)
    };
    let flows = flows(step, &found);
    let scores = TokenScores { flows: &flows, attributions: &found.attribution.scores };
    let segments = parts::segments(&ask.text, &Outline::of_ask(ask), by);
    let rows = parts::roll_up(&ask.text, &segments, &step.tokens, scores);
    Ok((found, rows))
}

/// The first position whose prediction is explained: tokens before it can be hidden from it.
pub(crate) fn first_explained(target: &Target) -> usize {
    target.answer.as_ref().map_or(target.position, |answer| answer.start - 1)
}

macro_rules! served_by {
    ($($view:ty => $call:ident $(+ $beside:ident)?),* $(,)?) => {$(
        impl Served for $view {
            fn compute(
                desk: &JobDesk,
                ask: &Ask,
                params: &Self::Params,
                job: &Job,
            ) -> Result<Self::Body, ViewError> {
                let view = desk.analyst()?.$call(ask, params, job)?;
                $(
                    let mut view = view;
                    desk.known_effects(ask).$beside(std::slice::from_mut(&mut view.row));
                )?
                Ok(view)
            }
        }
    )*};
}

served_by! {
    LensGrid => lens,
    HeadView => head + beside_heads,
    NeuronView => neuron + beside_neurons,
    NodeView => node,
    EdgeView => edge,
    MlpView => mlp,
}
