//! Constant matrices in panels: 48 outputs side by side for every input, so that one layout serves products in both directions.

use rayon::prelude::{IndexedParallelIterator, ParallelIterator, ParallelSliceMut};
use std::ops::Range;

/// Outputs in a panel: three AVX-512 registers, six of AVX2, twelve of NEON.
pub const PANEL_WIDTH: usize = 48;

/// Where the rows of a matrix `[n, k]`, made of sections along n, lie in panels `[k][48]`. Each section starts at a panel;
/// its last panel is filled up with zeros.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Panels {
    k: usize,
    sections: Vec<usize>,
    n_panels: usize,
}

impl Panels {
    /// The panels of no matrix.
    pub const NONE: &'static Self = &Self { k: 0, sections: Vec::new(), n_panels: 0 };

    /// Panels for sections of these many rows.
    pub fn new(k: usize, sections: &[usize]) -> Self {
        let n_panels = sections.iter().map(|n| n.div_ceil(PANEL_WIDTH)).sum();
        Self { k, sections: sections.to_vec(), n_panels }
    }

    /// Inputs.
    pub fn k(&self) -> usize {
        self.k
    }

    /// How many panels there are.
    pub fn n_panels(&self) -> usize {
        self.n_panels
    }

    /// The panels of some sections.
    pub fn panels_of(&self, sections: &Range<usize>) -> Range<usize> {
        let before = |end: usize| {
            self.sections[..end].iter().map(|n| n.div_ceil(PANEL_WIDTH)).sum::<usize>()
        };
        before(sections.start)..before(sections.end)
    }

    /// The section that a panel belongs to, and which of that section's rows it holds.
    pub fn rows_of(&self, panel: usize) -> (usize, Range<usize>) {
        let mut first = 0;
        for (section, &n) in self.sections.iter().enumerate() {
            let panels = n.div_ceil(PANEL_WIDTH);
            if panel < first + panels {
                let start = (panel - first) * PANEL_WIDTH;
                return (section, start..n.min(start + PANEL_WIDTH));
            }
            first += panels;
        }
        (self.sections.len(), 0..0)
    }

    /// The row of the whole matrix that is a panel's first.
    pub fn first_output(&self, panel: usize) -> usize {
        let (section, rows) = self.rows_of(panel);
        self.sections[..section].iter().sum::<usize>() + rows.start
    }

    /// How many rows each of some panels holds.
    pub fn widths(&self, panels: Range<usize>) -> Vec<usize> {
        panels.map(|panel| self.rows_of(panel).1.len()).collect()
    }
}

/// Anything that can hand out panels: packed in memory, or decoded from a file one at a time.
pub trait PanelSource: Sync {
    /// What can go wrong while decoding.
    type Error: Send;

    /// Where the rows are.
    fn panels(&self) -> &Panels;

    /// Panel `panel`, `[k][48]`; decoded into `scratch` where it is not in memory.
    ///
    /// # Errors
    /// The panel cannot be decoded.
    fn panel<'a>(
        &'a self,
        panel: usize,
        scratch: &'a mut Vec<f32>,
    ) -> Result<&'a [f32], Self::Error>;

    /// All panels, when they are in memory.
    fn in_memory(&self) -> Option<&[f32]>;
}

/// A matrix decoded to f32 panels.
#[derive(Debug)]
pub struct PackedMatrix {
    panels: Panels,
    data: Vec<f32>,
}

impl PackedMatrix {
    /// Packs a matrix `[n, k]` from a reader of its rows, panels in parallel, with no second copy of the matrix.
    ///
    /// # Errors
    /// What the reader says.
    pub fn pack<E: Send>(
        k: usize,
        sections: &[usize],
        read_row: impl Fn(usize, &mut [f32]) -> Result<(), E> + Sync,
    ) -> Result<Self, E> {
        let panels = Panels::new(k, sections);
        let mut data = vec![0f32; panels.n_panels * k * PANEL_WIDTH];
        data.par_chunks_mut(k * PANEL_WIDTH).enumerate().try_for_each_init(
            || vec![0f32; k * PANEL_WIDTH],
            |rows, (panel, out)| {
                let first = panels.first_output(panel);
                let n = panels.rows_of(panel).1.len();
                for (row, values) in rows.chunks_exact_mut(k).take(n).enumerate() {
                    read_row(first + row, values)?;
                }
                for (input, out) in out.chunks_exact_mut(PANEL_WIDTH).enumerate() {
                    for (row, out) in out.iter_mut().take(n).enumerate() {
                        *out = rows[row * k + input];
                    }
                }
                Ok(())
            },
        )?;
        Ok(Self { panels, data })
    }

    /// Where the rows are.
    pub fn panels(&self) -> &Panels {
        &self.panels
    }

    /// One panel, `[k][48]`.
    pub fn panel_values(&self, panel: usize) -> &[f32] {
        let size = self.panels.k * PANEL_WIDTH;
        &self.data[panel * size..][..size]
    }

    /// Reads one row of the matrix back.
    ///
    /// # Panics
    /// When the row is out of range.
    pub fn row(&self, row: usize, out: &mut [f32]) {
        let mut within = row;
        let mut first_panel = 0;
        for &n in &self.panels.sections {
            if within < n {
                break;
            }
            within -= n;
            first_panel += n.div_ceil(PANEL_WIDTH);
        }
        let panel = self.panel_values(first_panel + within / PANEL_WIDTH);
        let values = panel[within % PANEL_WIDTH..].iter().step_by(PANEL_WIDTH);
        for (out, value) in out.iter_mut().zip(values) {
            *out = *value;
        }
    }

    /// Bytes held.
    pub fn bytes(&self) -> u64 {
        4 * self.data.len() as u64
    }
}

impl PanelSource for PackedMatrix {
    type Error = std::convert::Infallible;

    fn panels(&self) -> &Panels {
        &self.panels
    }

    fn panel<'a>(&'a self, panel: usize, _: &'a mut Vec<f32>) -> Result<&'a [f32], Self::Error> {
        Ok(self.panel_values(panel))
    }

    fn in_memory(&self) -> Option<&[f32]> {
        Some(&self.data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_from_panels_of_any_sections() {
        let (k, sections) = (5, [50usize, 3, 96]);
        let n: usize = sections.iter().sum();
        let packed = PackedMatrix::pack(k, &sections, |row, out| {
            for (input, out) in out.iter_mut().enumerate() {
                *out = (row * 10 + input) as f32;
            }
            Ok::<(), ()>(())
        })
        .unwrap();
        assert_eq!(packed.panels().n_panels(), 2 + 1 + 2);
        assert_eq!(packed.panels().panels_of(&(1..3)), 2..5);
        let mut row = vec![0f32; k];
        for index in 0..n {
            packed.row(index, &mut row);
            assert_eq!(row[0], (index * 10) as f32);
            assert_eq!(row[4], (index * 10 + 4) as f32);
        }
        let outputs: Vec<usize> = (0..5).map(|panel| packed.panels().first_output(panel)).collect();
        assert_eq!(outputs, [0, 48, 50, 53, 101]);
    }

    #[test]
    fn a_reader_that_fails_is_heard() {
        let packed =
            PackedMatrix::pack(2, &[60], |row, _| if row == 55 { Err(row) } else { Ok(()) });
        assert_eq!(packed.unwrap_err(), 55);
    }
}
