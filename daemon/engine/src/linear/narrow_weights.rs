//! A second copy of a decoded matrix, as narrow as its file has it, for products with one row: made when somebody first goes
//! on token by token.

use crate::{
    error::EngineError,
    kernels::narrow::{NarrowMatrix, NarrowRow},
    linear::StoredSection,
};
use std::sync::OnceLock;

/// The narrow copy of one matrix, if it was made.
#[derive(Debug, Default)]
pub(crate) struct NarrowWeights {
    /// What it is made from; nothing where none is to be made.
    source: Vec<StoredSection>,
    k: usize,
    sections: OnceLock<Option<Vec<NarrowMatrix>>>,
}

impl NarrowWeights {
    /// None yet of these sections.
    pub(super) fn of(source: Vec<StoredSection>, k: usize) -> Self {
        Self { source, k, sections: OnceLock::new() }
    }

    /// The sections, if they were made.
    pub(crate) fn made(&self) -> Option<&[NarrowMatrix]> {
        self.sections.get()?.as_deref()
    }

    /// Makes them, unless that was done or tried. Every section is narrow, or none.
    pub(super) fn make(&self) -> Result<(), EngineError> {
        if self.source.is_empty() || self.sections.get().is_some() {
            return Ok(());
        }
        let mut made = Some(Vec::new());
        for section in &self.source {
            let matrix =
                NarrowMatrix::pack(section.n, self.k, |row, out| read_row(section, row, out))?;
            made = made.zip(matrix).map(|(mut made, matrix)| {
                made.push(matrix);
                made
            });
            if made.is_none() {
                break;
            }
        }
        self.sections.get_or_init(|| made);
        // The pages that were read go back to the system.
        self.source.iter().for_each(|section| section.file.forget());
        Ok(())
    }

    /// Bytes held.
    pub(super) fn bytes(&self) -> u64 {
        self.made().unwrap_or_default().iter().map(NarrowMatrix::bytes).sum()
    }
}

fn read_row(section: &StoredSection, row: usize, out: &mut NarrowRow) -> Result<(), EngineError> {
    section.read_row(row, &mut out.values)?;
    if section.transposed.is_some() {
        return Ok(());
    }
    let stored = section.first_row + section.stored_row(row);
    section.file.block_scales(&section.tensor, stored, &mut out.blocks)
}
