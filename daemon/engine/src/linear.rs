//! Products with constant weights, both directions. A [`Linear`] may fuse several matrices that read the same input as
//! sections; its weights are a tensor (plain way), packed panels, or stay as stored in a mapped file and are decoded panel by panel.

mod narrow_weights;

use crate::{
    device::{Compute, Way},
    error::EngineError,
    kernels::packed::{PANEL_WIDTH, PackedMatrix, PanelSource, Panels},
    norm::Vector,
    tensor_file::TensorFile,
};
use candle_core::{Device, Tensor};
use narrow_weights::NarrowWeights;
use std::{ops::Range, sync::Arc};

/// Panels of weights that come from a device at once: every fetch waits for all that the device has to do.
const FETCHED_PANELS: usize = 16;

/// Rows of one stored tensor that make up a section.
#[derive(Clone, Debug)]
pub struct StoredSection {
    /// The file.
    pub file: Arc<dyn TensorFile>,
    /// The tensor in it.
    pub tensor: String,
    /// Row of the logical matrix at which the section starts.
    pub first_row: usize,
    /// Rows.
    pub n: usize,
    /// The file holds `[in, out]`; decoded once and shared by the sections of one tensor.
    pub transposed: Option<Arc<Vec<f32>>>,
    /// The rows of each head of this width are stored with rotary pairs side by side.
    pub paired_heads: Option<usize>,
}

impl StoredSection {
    /// Decodes row `row` of the section.
    fn read_row(&self, row: usize, out: &mut [f32]) -> Result<(), EngineError> {
        if let Some(values) = &self.transposed {
            let n_stored = values.len() / out.len();
            for (out, column) in out.iter_mut().zip(values.chunks_exact(n_stored)) {
                *out = column[self.first_row + row];
            }
            return Ok(());
        }
        self.file.read_rows(&self.tensor, self.first_row + self.stored_row(row), out)
    }

    /// Where row `row` of the section is stored, counted from the section's first row.
    pub(crate) fn stored_row(&self, row: usize) -> usize {
        match self.paired_heads {
            Some(d_head) => {
                let (head, within) = (row / d_head, row % d_head);
                let half = d_head / 2;
                head * d_head + (within % half) * 2 + within / half
            }
            None => row,
        }
    }
}

/// A matrix whose weights stay as stored, decoded a panel at a time.
#[derive(Debug)]
pub struct StoredMatrix {
    sections: Vec<StoredSection>,
    panels: Panels,
}

impl StoredMatrix {
    fn new(sections: Vec<StoredSection>, k: usize) -> Self {
        let panels = Panels::new(k, &sections.iter().map(|section| section.n).collect::<Vec<_>>());
        Self { sections, panels }
    }

    fn read_row(&self, row: usize, out: &mut [f32]) -> Result<(), EngineError> {
        let mut row = row;
        for section in &self.sections {
            if row < section.n {
                return section.read_row(row, out);
            }
            row -= section.n;
        }
        Err(EngineError::BadRequest(format!("row {row} is past the end of the matrix")))
    }
}

impl PanelSource for StoredMatrix {
    type Error = EngineError;

    fn panels(&self) -> &Panels {
        &self.panels
    }

    fn panel<'a>(
        &'a self,
        panel: usize,
        scratch: &'a mut Vec<f32>,
    ) -> Result<&'a [f32], EngineError> {
        let (section, rows) = self.panels.rows_of(panel);
        let k = self.panels.k();
        scratch.clear();
        scratch.resize(k * PANEL_WIDTH, 0.0);
        let mut row = vec![0f32; k];
        for (column, section_row) in rows.enumerate() {
            self.sections[section].read_row(section_row, &mut row)?;
            for (slot, value) in scratch[column..].iter_mut().step_by(PANEL_WIDTH).zip(&row) {
                *slot = *value;
            }
        }
        Ok(scratch)
    }

    fn in_memory(&self) -> Option<&[f32]> {
        None
    }
}

/// Where the weights are.
#[derive(Debug)]
pub(crate) enum Weights {
    /// `[n, k]` in the compute dtype, plain way.
    Tensor(Tensor),
    /// Decoded to f32 panels.
    Packed(PackedMatrix),
    /// Decoded as needed.
    Stored(StoredMatrix),
}

/// Whether a matrix is decoded at load or as needed (kernels way).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Residence {
    /// f32 in memory.
    Decoded,
    /// As stored, in the mapped file.
    Stored,
}

/// `y = x W^T + b`, W `[n, k]` in sections along n.
#[derive(Debug)]
pub struct Linear {
    pub(crate) weights: Weights,
    pub(crate) bias: Option<Vector>,
    /// For products with one row.
    pub(crate) narrow: NarrowWeights,
    sections: Vec<usize>,
    k: usize,
    compute: Compute,
}

impl Linear {
    /// Loads a matrix from its stored sections.
    ///
    /// *Shapes*: sections `[n, k]`, bias `[sum of n]`. *Cost*: decoded, `4 k sum n` bytes and a read of the file; stored, none.
    ///
    /// # Errors
    /// A tensor cannot be read; the device refused.
    pub fn load(
        sections: Vec<StoredSection>,
        k: usize,
        bias: Option<Vec<f32>>,
        compute: &Compute,
        residence: Residence,
    ) -> Result<Self, EngineError> {
        let sizes: Vec<usize> = sections.iter().map(|section| section.n).collect();
        let bias = bias.map(|bias| Vector::new(bias, compute)).transpose()?;
        let stored = StoredMatrix::new(sections, k);
        let mut narrow = NarrowWeights::default();
        let weights = match (compute.way, residence) {
            (Way::Plain, _) => {
                let n: usize = sizes.iter().sum();
                let mut values = vec![0f32; n * k];
                for (row, values) in values.chunks_exact_mut(k).enumerate() {
                    stored.read_row(row, values)?;
                }
                let tensor = Tensor::from_vec(values, (n, k), &Device::Cpu)?;
                Weights::Tensor(tensor.to_dtype(compute.dtype)?.to_device(&compute.device)?)
            }
            (Way::Kernels, Residence::Stored) => Weights::Stored(stored),
            (Way::Kernels, Residence::Decoded) => {
                let packed = PackedMatrix::pack(k, &sizes, |row, out| stored.read_row(row, out))?;
                narrow = NarrowWeights::of(stored.sections, k);
                Weights::Packed(packed)
            }
        };
        Ok(Self { weights, bias, narrow, sections: sizes, k, compute: compute.clone() })
    }

    /// Makes the narrow copy for products with one row, where weights are decoded in memory and can be had narrower.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(crate) fn make_narrow(&self) -> Result<(), EngineError> {
        self.narrow.make()
    }

    /// Rows of W.
    pub fn n(&self) -> usize {
        self.sections.iter().sum()
    }

    /// Matrices fused along n.
    pub(crate) fn n_sections(&self) -> usize {
        self.sections.len()
    }

    /// Columns of W.
    pub fn k(&self) -> usize {
        self.k
    }

    /// The rows of W that make up `sections`.
    fn rows_of(&self, sections: &Range<usize>) -> Range<usize> {
        let before = |end: usize| self.sections[..end].iter().sum::<usize>();
        before(sections.start)..before(sections.end)
    }

    /// *Shapes*: x `[rows, k]` -> `[rows, n]`, bias added. *Cost*: `2 rows n k` flops.
    ///
    /// # Errors
    /// The device refused; stored weights cannot be read.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor, EngineError> {
        match &self.weights {
            Weights::Tensor(w) => {
                let y = x.contiguous()?.matmul(&self.wide(w)?.t()?)?;
                Ok(match &self.bias {
                    Some(bias) => y.broadcast_add(&bias.tensor)?,
                    None => y,
                })
            }
            _ => crate::kernel_ops::product(self, x, 0..self.k, true),
        }
    }

    /// The product with columns `inputs` of W only, without bias: what some inputs (a head's z) contribute.
    ///
    /// *Shapes*: x `[rows, inputs]` -> `[rows, n]`.
    ///
    /// # Errors
    /// As [`Self::forward`].
    pub fn forward_inputs(&self, x: &Tensor, inputs: Range<usize>) -> Result<Tensor, EngineError> {
        match &self.weights {
            Weights::Tensor(w) => {
                // A GPU's products take no columns out of the midst of a matrix.
                let w = w.narrow(1, inputs.start, inputs.len())?.contiguous()?;
                Ok(x.contiguous()?.matmul(&self.wide(&w)?.t()?)?)
            }
            _ => crate::kernel_ops::product(self, x, inputs, false),
        }
    }

    /// The transposed product with some sections: `g W`.
    ///
    /// *Shapes*: g `[rows, n of the sections]` -> `[rows, k]`. *Cost*: as the forward product of those sections.
    ///
    /// # Errors
    /// As [`Self::forward`].
    pub fn transposed(&self, g: &Tensor, sections: Range<usize>) -> Result<Tensor, EngineError> {
        match &self.weights {
            Weights::Tensor(w) => {
                let rows = self.rows_of(&sections);
                let w = w.narrow(0, rows.start, rows.len())?;
                Ok(g.contiguous()?.matmul(&self.wide(&w)?)?)
            }
            _ => crate::kernel_ops::product_transposed(self, g, sections),
        }
    }

    /// The bias of one section.
    ///
    /// *Shapes*: `[n]` of that section.
    ///
    /// # Errors
    /// The device refused.
    pub fn section_bias(&self, section: usize) -> Result<Option<Vector>, EngineError> {
        let rows = self.rows_of(&(section..section + 1));
        self.bias
            .as_ref()
            .map(|bias| Vector::new(bias.host[rows].to_vec(), &self.compute))
            .transpose()
    }

    /// Rows of W as a tensor: the embedding of tokens.
    ///
    /// *Shapes*: -> `[rows, k]`.
    ///
    /// # Errors
    /// The device refused; stored weights cannot be read.
    pub fn rows(&self, rows: &[u32]) -> Result<Tensor, EngineError> {
        if let Weights::Tensor(w) = &self.weights {
            let index = Tensor::new(rows, &self.compute.device)?;
            return Ok(w.index_select(&index, 0)?.to_dtype(self.compute.activation_dtype())?);
        }
        let mut values = vec![0f32; rows.len() * self.k];
        for (values, &row) in values.chunks_exact_mut(self.k).zip(rows) {
            match &self.weights {
                Weights::Packed(packed) => packed.row(row as usize, values),
                Weights::Stored(stored) => stored.read_row(row as usize, values)?,
                Weights::Tensor(_) => {}
            }
        }
        Ok(Tensor::from_vec(values, (rows.len(), self.k), &self.compute.device)?)
    }

    /// Columns of W on the host: what single inputs (neurons of an output matrix) write.
    ///
    /// *Shapes*: -> one `[n]` vector per column. *Cost*: stored weights are decoded once for all columns.
    ///
    /// # Errors
    /// The device refused; stored weights cannot be read.
    pub fn columns(&self, columns: &[usize]) -> Result<Vec<Vec<f32>>, EngineError> {
        if let Weights::Tensor(w) = &self.weights {
            if columns.is_empty() {
                return Ok(Vec::new());
            }
            let index: Vec<u32> = columns.iter().map(|&column| column as u32).collect();
            let index = Tensor::new(index, &self.compute.device)?;
            let chosen = w.index_select(&index, 1)?.to_dtype(candle_core::DType::F32)?;
            return Ok(chosen.t()?.to_vec2()?);
        }
        let mut out = vec![vec![0f32; self.n()]; columns.len()];
        let mut scratch = Vec::new();
        let panels = self.panels();
        for panel in 0..panels.n_panels() {
            let values = match &self.weights {
                Weights::Packed(packed) => packed.panel_values(panel),
                Weights::Stored(stored) => stored.panel(panel, &mut scratch)?,
                Weights::Tensor(_) => continue,
            };
            let first = panels.first_output(panel);
            let (_, rows) = panels.rows_of(panel);
            for (out, &column) in out.iter_mut().zip(columns) {
                out[first..first + rows.len()]
                    .copy_from_slice(&values[column * PANEL_WIDTH..][..rows.len()]);
            }
        }
        Ok(out)
    }

    /// Hands out W in panels `[k][48]` with the first output and how many of the 48 are used: for loops over every weight.
    ///
    /// # Errors
    /// The device refused; stored weights cannot be read.
    pub fn visit_panels(
        &self,
        mut visit: impl FnMut(usize, usize, &[f32]),
    ) -> Result<(), EngineError> {
        let mut scratch = Vec::new();
        if let Weights::Tensor(w) = &self.weights {
            for first in (0..self.n()).step_by(FETCHED_PANELS * PANEL_WIDTH) {
                let n_rows = (FETCHED_PANELS * PANEL_WIDTH).min(self.n() - first);
                let rows = crate::pos_tensor::to_host(&w.narrow(0, first, n_rows)?)?;
                for (panel, rows) in rows.chunks(PANEL_WIDTH * self.k).enumerate() {
                    scratch.clear();
                    scratch.resize(self.k * PANEL_WIDTH, 0.0);
                    for (column, row) in rows.chunks_exact(self.k).enumerate() {
                        let slots = scratch[column..].iter_mut().step_by(PANEL_WIDTH);
                        for (slot, value) in slots.zip(row) {
                            *slot = *value;
                        }
                    }
                    visit(first + panel * PANEL_WIDTH, rows.len() / self.k, &scratch);
                }
            }
            return Ok(());
        }
        let panels = self.panels();
        for panel in 0..panels.n_panels() {
            let values = match &self.weights {
                Weights::Packed(packed) => packed.panel_values(panel),
                Weights::Stored(stored) => stored.panel(panel, &mut scratch)?,
                Weights::Tensor(_) => continue,
            };
            visit(panels.first_output(panel), panels.rows_of(panel).1.len(), values);
        }
        Ok(())
    }

    fn panels(&self) -> &Panels {
        match &self.weights {
            Weights::Packed(packed) => packed.panels(),
            Weights::Stored(stored) => stored.panels(),
            Weights::Tensor(_) => Panels::NONE,
        }
    }

    /// Weights as a product takes them: bf16 ones are widened, see [`Compute`].
    fn wide(&self, w: &Tensor) -> Result<Tensor, EngineError> {
        Ok(w.to_dtype(self.compute.activation_dtype())?)
    }

    /// Bytes the weights take in memory (0 when they stay in the file).
    pub fn bytes(&self) -> u64 {
        match &self.weights {
            Weights::Tensor(w) => (w.elem_count() * w.dtype().size_in_bytes()) as u64,
            Weights::Packed(packed) => packed.bytes() + self.narrow.bytes(),
            Weights::Stored(_) => 0,
        }
    }
}
