//! One component, looked at closely: a residual node, an edge, a head, an MLP, a neuron. No forward pass.

use crate::{
    components::strongest,
    contributions::{
        attention_contributions, head_values, mlp_contributions, neuron_contributions, patterns_at,
    },
    head_types::{HeadType, head_types},
    route_graph::{NodeId, NodeKind},
    views::inspection::Inspector,
    vocabulary::{bottom, check_finite, rank_of, top, written},
};
use limpid_engine::{error::EngineError, mlp::post, pos_tensor::to_host};
use limpid_protocol::{
    component::{ComponentId, ComponentKind},
    route_graph::EdgeKind,
    views::{
        edge::{EdgeCard, EdgeHeadRow, EdgeParams},
        head::{HeadCard, HeadLabel, HeadParams},
        mlp::{MlpCard, MlpParams},
        neuron::{NeuronCard, NeuronParams},
        node::{NodeCard, NodeParams, RankChange},
    },
};

/// Tokens listed on a card unless another number is asked for.
const LISTED: usize = 10;
/// More rows than this are not sent.
const MOST: usize = 1000;
/// Cells of a map that are sent at most.
const MAP_CELLS: usize = 1 << 20;

impl Inspector {
    fn flow(&self, kind: NodeKind, layer: usize, position: usize) -> Option<f32> {
        self.findings.graph.flow(&NodeId { layer, kind, position })
    }

    /// Checks a layer, and a position or the target's.
    fn place(&self, layer: usize, position: Option<usize>) -> Result<usize, EngineError> {
        let (n_layers, n_tokens) = (self.loaded.model.spec.n_layers, self.trace().n_tokens());
        out_of_range("layer", layer, n_layers)?;
        let position = position.unwrap_or(self.objective.position);
        out_of_range("position", position, n_tokens)?;
        Ok(position)
    }

    fn node_kind(component: &ComponentId) -> Result<NodeKind, EngineError> {
        match component.kind {
            ComponentKind::Embed => Ok(NodeKind::Embed),
            ComponentKind::ResidMid => Ok(NodeKind::ResidMid),
            ComponentKind::ResidPost => Ok(NodeKind::ResidPost),
            ComponentKind::Mlp => Ok(NodeKind::Mlp),
            ComponentKind::Head | ComponentKind::Neuron => Err(EngineError::BadRequest(
                "a node is embed, resid_mid, resid_post or mlp; heads and neurons have cards of their own".to_owned(),
            )),
        }
    }

    /// The residual row of a node; of an MLP, its output.
    fn node_row(
        &self,
        kind: NodeKind,
        layer: usize,
        position: usize,
    ) -> Result<Vec<f32>, EngineError> {
        let of = |rows: &limpid_engine::pos_tensor::PosTensor| -> Result<Vec<f32>, EngineError> {
            to_host(&rows.narrow(position, 1)?.tensor()?)
        };
        match kind {
            NodeKind::Embed => of(self.trace().resid_after(0)),
            NodeKind::ResidPost => of(self.trace().resid_after(layer + 1)),
            NodeKind::ResidMid => of(&self.trace().layer(layer, &self.loaded.model)?.resid_mid),
            NodeKind::Mlp => of(&self.trace().layer(layer, &self.loaded.model)?.mlp_out),
        }
    }

    fn lens_logits(&self, rows: &[Vec<f32>]) -> Result<Vec<Vec<f32>>, EngineError> {
        let model = &self.loaded.model;
        let logits = to_host(&model.logits(&crate::vocabulary::rows_tensor(model, rows)?)?)?;
        check_finite(&logits)?;
        Ok(logits.chunks(model.spec.d_vocab).map(<[f32]>::to_vec).collect())
    }

    /// The logit lens of a node, and what the block below it changed.
    ///
    /// # Errors
    /// No such node; the device refused.
    pub fn node_card(&self, params: &NodeParams) -> Result<NodeCard, EngineError> {
        let kind = Self::node_kind(&params.node)?;
        let layer = params.node.layer;
        let position = self.place(layer, Some(params.node.position))?;
        let k = params.top.unwrap_or(LISTED).min(MOST);
        let below = match kind {
            NodeKind::ResidPost | NodeKind::Mlp => Some(NodeKind::ResidMid),
            NodeKind::ResidMid if layer > 0 => Some(NodeKind::ResidPost),
            NodeKind::ResidMid => Some(NodeKind::Embed),
            NodeKind::Embed => None,
        };
        let mut rows = vec![self.node_row(kind, layer, position)?];
        if let Some(below) = below {
            let layer_below =
                if kind == NodeKind::ResidMid { layer.saturating_sub(1) } else { layer };
            rows.push(self.node_row(below, layer_below, position)?);
        }
        let logits = self.lens_logits(&rows)?;
        let (mut gained, mut lost) = (Vec::new(), Vec::new());
        if let (Some(after), Some(before)) = (logits.first(), logits.get(1))
            && kind != NodeKind::Mlp
        {
            let change = |id: u32| RankChange {
                id,
                text: self.text(id),
                before: rank_of(before, id),
                after: rank_of(after, id),
            };
            gained = top(after, k)
                .into_iter()
                .map(|(id, _)| change(id))
                .filter(|c| c.after < c.before)
                .collect();
            lost = top(before, k)
                .into_iter()
                .map(|(id, _)| change(id))
                .filter(|c| c.after > c.before)
                .collect();
        }
        let own = logits.first().map(Vec::as_slice).unwrap_or_default();
        Ok(NodeCard {
            node: params.node,
            flow: self.flow(kind, layer, position),
            top: self.predictions_of(own, k),
            bottom: self.token_values(&bottom(own, k)),
            gained,
            lost,
        })
    }

    /// One edge, with its heads.
    ///
    /// # Errors
    /// No such edge; the device refused.
    pub fn edge_card(&self, params: &EdgeParams) -> Result<EdgeCard, EngineError> {
        let (from, to) = (&params.from, &params.to);
        let (from_kind, to_kind) = (Self::node_kind(from)?, Self::node_kind(to)?);
        let (source, position) = (
            self.place(from.layer, Some(from.position))?,
            self.place(to.layer, Some(to.position))?,
        );
        let layer = to.layer;
        let comes_from_below = match from_kind {
            NodeKind::Embed => layer == 0,
            NodeKind::ResidPost => from.layer + 1 == layer,
            NodeKind::ResidMid | NodeKind::Mlp => false,
        };
        let model = &self.loaded.model;
        let kind = match (from_kind, to_kind) {
            (NodeKind::ResidMid, NodeKind::Mlp) if from.layer == layer && source == position => {
                EdgeKind::MlpIn
            }
            (NodeKind::Mlp, NodeKind::ResidPost) if from.layer == layer && source == position => {
                EdgeKind::MlpOut
            }
            (NodeKind::ResidMid, NodeKind::ResidPost)
                if from.layer == layer && source == position =>
            {
                EdgeKind::Residual
            }
            (_, NodeKind::ResidMid)
                if comes_from_below
                    && source == position
                    && params.kind == Some(EdgeKind::Residual) =>
            {
                EdgeKind::Residual
            }
            (_, NodeKind::ResidMid) if comes_from_below && source <= position => {
                EdgeKind::Attention
            }
            _ => {
                return Err(EngineError::BadRequest(
                    "there is no such edge; edges lead from the residual below into resid_mid, from resid_mid into mlp, and from both into resid_post, and never from a later token".to_owned(),
                ));
            }
        };
        let flow_to = self.flow(to_kind, layer, position).unwrap_or(0.0);
        let mut heads = Vec::new();
        let contribution = match kind {
            EdgeKind::MlpIn | EdgeKind::MlpOut | EdgeKind::Residual
                if to_kind != NodeKind::ResidMid =>
            {
                let shares = mlp_contributions(model, self.trace(), layer, &[position])?;
                let pick = if kind == EdgeKind::Residual { shares.resid() } else { shares.mlp() };
                pick.first().copied().unwrap_or(0.0)
            }
            _ => {
                let shares = attention_contributions(model, self.trace(), layer, &[position])?;
                if kind == EdgeKind::Residual {
                    shares.resid().first().copied().unwrap_or(0.0)
                } else {
                    heads = self.edge_heads(layer, source, position, shares.attn())?;
                    heads.iter().map(|head| head.contribution).sum()
                }
            }
        };
        // What goes into an MLP goes in whole.
        let flow = if kind == EdgeKind::MlpIn { flow_to } else { flow_to * contribution };
        Ok(EdgeCard { from: *from, to: *to, kind, contribution, flow, heads })
    }

    fn edge_heads(
        &self,
        layer: usize,
        source: usize,
        position: usize,
        shares: &[f32],
    ) -> Result<Vec<EdgeHeadRow>, EngineError> {
        let model = &self.loaded.model;
        let of = self.trace().layer(layer, model)?;
        let patterns = patterns_at(model, layer, &of, &[position])?;
        let (n_heads, d_model) = (model.spec.n_heads, model.spec.d_model);
        let mut parts = Vec::with_capacity(n_heads);
        for head in 0..n_heads {
            let values = head_values(model, layer, &of.v, head, source + 1)?;
            parts.push(values[source * d_model..].to_vec());
        }
        let written = written(model, &parts, LISTED, true)?;
        let mut rows: Vec<EdgeHeadRow> = written
            .into_iter()
            .enumerate()
            .map(|(head, written)| EdgeHeadRow {
                head,
                contribution: shares[source * n_heads + head],
                pattern: patterns.row(head, 0)[source],
                promotes: self.token_values(&written.promotes),
                suppresses: self.token_values(&written.suppresses),
            })
            .collect();
        rows.sort_by(|a, b| b.contribution.total_cmp(&a.contribution));
        Ok(rows)
    }

    /// One head: where it looks, what comes through it, what it writes.
    ///
    /// # Errors
    /// No such head; maps too large to send; the device refused.
    pub fn head_card(&self, params: &HeadParams) -> Result<HeadCard, EngineError> {
        let model = &self.loaded.model;
        let (layer, head, n_heads) = (params.layer, params.head, model.spec.n_heads);
        let position = self.place(layer, params.position)?;
        out_of_range("head", head, n_heads)?;
        let n_tokens = self.trace().n_tokens();
        let of = self.trace().layer(layer, model)?;
        let rows = self.head_rows(vec![(layer, head)], self.known_attributions(), position)?;
        let row = rows
            .into_iter()
            .next()
            .ok_or_else(|| EngineError::BadRequest("no such head".to_owned()))?;
        let mut pattern = patterns_at(model, layer, &of, &[position])?.row(head, 0).to_vec();
        pattern.resize(n_tokens, 0.0);
        let of_head = |shares: &[f32]| -> Vec<f32> {
            shares.iter().skip(head).step_by(n_heads).copied().collect()
        };
        let contribution =
            of_head(attention_contributions(model, self.trace(), layer, &[position])?.attn());
        let (mut labels, mut pattern_map, mut contribution_map) = (Vec::new(), None, None);
        let fits = n_tokens * n_tokens <= MAP_CELLS;
        if params.maps && !fits {
            let needed = (8 * n_tokens * n_tokens) as u64;
            return Err(EngineError::MemoryBudget {
                what: format!("two maps of {n_tokens} by {n_tokens}"),
                needed,
                available: 8 * MAP_CELLS as u64,
            });
        }
        if fits {
            let all: Vec<usize> = (0..n_tokens).collect();
            let patterns = patterns_at(model, layer, &of, &all)?;
            let map: Vec<f32> =
                all.iter().flat_map(|&pos| patterns.row(head, pos).to_vec()).collect();
            labels = head_types(&map, self.trace().token_ids())
                .into_iter()
                .map(|label| match label {
                    HeadType::PreviousToken => HeadLabel::PreviousToken,
                    HeadType::Induction => HeadLabel::Induction,
                    HeadType::DuplicateToken => HeadLabel::DuplicateToken,
                    HeadType::FirstTokenSink => HeadLabel::FirstTokenSink,
                })
                .collect();
            if params.maps {
                pattern_map = Some(map.chunks(n_tokens).map(<[f32]>::to_vec).collect());
                let shares = attention_contributions(model, self.trace(), layer, &all)?;
                let by_row = shares.attn().chunks(n_tokens * n_heads);
                contribution_map = Some(by_row.map(of_head).collect());
            }
        }
        Ok(HeadCard { row, position, pattern, contribution, labels, pattern_map, contribution_map })
    }

    /// One MLP: its share, its strongest neurons, the predictions before and after it.
    ///
    /// # Errors
    /// No such layer or position; the device refused.
    pub fn mlp_card(&self, params: &MlpParams) -> Result<MlpCard, EngineError> {
        let model = &self.loaded.model;
        let position = self.place(params.layer, params.position)?;
        let layer = params.layer;
        let k = params.top.unwrap_or(LISTED).min(MOST);
        let shares = neuron_contributions(model, self.trace(), layer, position)?;
        let chosen = strongest(std::slice::from_ref(&shares.neurons), k);
        let at_target = chosen.into_iter().map(|(_, neuron)| (layer, neuron)).collect();
        let neurons = self.neuron_rows_at(at_target, position, &shares)?;
        let before = self.node_row(NodeKind::ResidMid, layer, position)?;
        let after = self.node_row(NodeKind::ResidPost, layer, position)?;
        let logits = self.lens_logits(&[before, after])?;
        let predictions =
            |at: usize| logits.get(at).map_or_else(Vec::new, |l| self.predictions_of(l, LISTED));
        let mlp = mlp_contributions(model, self.trace(), layer, &[position])?;
        Ok(MlpCard {
            layer,
            position,
            contribution: mlp.mlp().first().copied().unwrap_or(0.0),
            flow: self.flow(NodeKind::Mlp, layer, position),
            neurons,
            before: predictions(0),
            after: predictions(1),
        })
    }

    /// One neuron.
    ///
    /// # Errors
    /// No such neuron; the device refused.
    pub fn neuron_card(&self, params: &NeuronParams) -> Result<NeuronCard, EngineError> {
        let model = &self.loaded.model;
        let (layer, neuron) = (params.layer, params.neuron);
        let position = self.place(layer, params.position)?;
        let d_mlp = model.spec.d_mlp;
        out_of_range("neuron", neuron, d_mlp)?;
        let shares = neuron_contributions(model, self.trace(), layer, position)?;
        let rows = self.neuron_rows_at(vec![(layer, neuron)], position, &shares)?;
        let row = rows
            .into_iter()
            .next()
            .ok_or_else(|| EngineError::BadRequest("no such neuron".to_owned()))?;
        let of = self.trace().layer(layer, model)?;
        let inputs = of.mlp_in.host()?;
        let at = inputs.row(position);
        let all =
            to_host(&post(&of.mlp_in.tensor()?, model.block_shape(layer).mlp, model.compute.way)?)?;
        Ok(NeuronCard {
            row,
            pre: at[neuron],
            pre_linear: model.spec.gated_mlp.then(|| at[d_mlp + neuron]),
            activations: all.iter().skip(neuron).step_by(d_mlp).copied().collect(),
        })
    }
}

fn out_of_range(what: &str, index: usize, n: usize) -> Result<(), EngineError> {
    if index < n {
        return Ok(());
    }
    Err(EngineError::BadRequest(format!(
        "{what} {index} is out of range; there are {what}s 0 to {}",
        n - 1
    )))
}
