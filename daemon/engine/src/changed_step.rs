//! One more token behind a changed prompt: the changes that hold for every position hold for it too.

use crate::{
    attention::AttentionShape, changed_run::ChangedRun, error::EngineError, hook_name::Hook,
    key_values::KeyValues, mlp::post, model::Model, norm::add, row_edits::RowSpan,
    row_edits::apply,
};
use candle_core::Tensor;
use parking_lot::Mutex;

impl Model {
    /// Runs one layer of a changed run on the position behind those in `before`.
    ///
    /// *Shapes*: resid_pre `[1, d_model]` -> resid_post likewise.
    pub(crate) fn step_changed(
        &self,
        run: &ChangedRun,
        layer: usize,
        resid_pre: &Tensor,
        before: &Mutex<KeyValues>,
        position: usize,
    ) -> Result<Tensor, EngineError> {
        let (block, way) = (&self.blocks[layer], self.compute.way);
        let shape = self.block_shape(layer);
        let spans = [RowSpan { run: 0, positions: position..position + 1 }];
        let apply = |hook, x| apply(&[run], &spans, (layer, hook), x);
        let resid_pre = apply(Hook::ResidPre, resid_pre.clone())?;
        let rotary = self.rotary_table(layer, position, 1)?;
        let projected = block.project(&shape, &resid_pre, rotary.as_ref(), way)?;
        let (q, k) = (apply(Hook::Q, projected.q)?, apply(Hook::K, projected.k)?);
        let v = apply(Hook::V, projected.v)?;
        let attention = AttentionShape { first_query: position, ..shape.attention };
        let z = before.lock().attend(&q, &k, &v, &attention, &run.hidden_at(layer))?;
        let attn_out = block.attn_out(&apply(Hook::Z, z)?, way)?.1;
        let resid_mid = add(&resid_pre, &apply(Hook::AttnOut, attn_out)?, way)?;
        let resid_mid = apply(Hook::ResidMid, resid_mid)?;
        let mlp_in = apply(Hook::Pre, block.mlp_in(&resid_mid, way)?)?;
        let neurons = post(&apply(Hook::PreLinear, mlp_in)?, shape.mlp, way)?;
        let mlp_out = block.mlp_out(&apply(Hook::Post, neurons)?, way)?.1;
        let resid_post = add(&resid_mid, &apply(Hook::MlpOut, mlp_out)?, way)?;
        apply(Hook::ResidPost, resid_post)
    }
}
