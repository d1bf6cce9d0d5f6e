//! CPU kernels on slices: packed products in both directions, norms, rotary, attention and its backward pass.
//! No tensors, no model: whoever calls (`norm`, `attention`, `mlp`, `linear`) knows what the numbers mean.

/// Rows of a row-major matrix that may lie inside a wider one.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a> {
    /// Backing values, from the first row's first value on.
    pub data: &'a [f32],
    /// How many rows.
    pub n_rows: usize,
    /// Values in a row.
    pub n_cols: usize,
    /// Distance between the starts of two rows, >= `n_cols`.
    pub stride: usize,
}

/// Rows that can be written.
#[derive(Debug)]
pub struct RowsMut<'a> {
    /// Backing values, from the first row's first value on.
    pub data: &'a mut [f32],
    /// How many rows.
    pub n_rows: usize,
    /// Values in a row.
    pub n_cols: usize,
    /// Distance between the starts of two rows, >= `n_cols`.
    pub stride: usize,
}
pub mod packed {
    use std::ops::Range;
    pub const PANEL_WIDTH: usize = 48;
    #[derive(Debug)] pub struct Panels { k: usize, sections: Vec<usize> }
    impl Panels { pub const NONE: &'static Panels = &Panels{k:0, sections: Vec::new()};
      pub fn new(k: usize, s: &[usize]) -> Self { Self{k, sections: s.to_vec()} }
      pub fn k(&self)->usize{self.k} pub fn n_panels(&self)->usize{self.sections.iter().map(|s| s.div_ceil(48)).sum()}
      pub fn rows_of(&self, _p: usize)->(usize, Range<usize>){(0,0..0)} pub fn first_output(&self,_p:usize)->usize{0} }
    pub trait PanelSource: Sync { type Error; fn panels(&self)->&Panels; fn panel<'a>(&'a self, p: usize, s: &'a mut Vec<f32>)->Result<&'a [f32], Self::Error>; }
    #[derive(Debug)] pub struct PackedMatrix { p: Panels }
    impl PackedMatrix { pub fn pack<E>(k: usize, s:&[usize], _f: impl Fn(usize,&mut [f32])->Result<(),E>+Sync)->Result<Self,E>{Ok(Self{p:Panels::new(k,s)})}
      pub fn row(&self,_r:usize,_o:&mut [f32]){} pub fn panel_values(&self,_p:usize)->&[f32]{&[]} pub fn panels(&self)->&Panels{&self.p} pub fn bytes(&self)->u64{0} }
}
