use limpid_engine::{backward::Seed, cancel::CancelToken, checkpoint::Checkpoint, device::Compute, error::EngineError, forward::Watch, model::Model, norm::Gradients, tensor_file::{TensorFile, TensorInfo}, trace::CapturePlan};
use candle_core::{DType, Tensor, Device};
use std::{collections::HashMap, path::Path, sync::Arc};
#[derive(Debug)]
struct F { t: HashMap<String, (TensorInfo, Vec<f32>)>, p: std::path::PathBuf }
impl TensorFile for F {
    fn path(&self, _: &str) -> &Path { &self.p }
    fn names(&self) -> Vec<&str> { vec![] }
    fn info(&self, n: &str) -> Option<&TensorInfo> { self.t.get(n).map(|x| &x.0) }
    fn read_rows(&self, n: &str, r: usize, out: &mut [f32]) -> Result<(), EngineError> {
        let (i, v) = &self.t[n]; let l = if i.shape.len()==1 { i.shape[0] } else { i.row_len() }; out.copy_from_slice(&v[r*l..r*l+out.len()]); Ok(()) }
}
fn diff(a: &Tensor, b: &Tensor) -> f64 { let a=a.to_dtype(DType::F64).unwrap(); let b=b.to_dtype(DType::F64).unwrap().reshape(a.dims()).unwrap(); (a-b).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f64>().unwrap() }
#[test]
fn probe() {
    for fam in ["llama","llama_rope_llama3","gpt2","gemma3_text"] { for cfg in ["config.json","config.v4.json"] { for compute in [Compute::cpu_plain(DType::F32), Compute::cpu_plain(DType::F64), Compute::cpu()] {
        let dir = Path::new("/work/shared/golden/tiny").join(fam);
        let load = |f: &str| candle_core::safetensors::load(dir.join(f), &Device::Cpu).unwrap();
        let t = load("model.safetensors").into_iter().map(|(k,v)| { let info = TensorInfo{shape: v.dims().to_vec(), dtype:"F32".into(), stored_bytes:0}; (k,(info, v.flatten_all().unwrap().to_vec1().unwrap())) }).collect();
        let file: Arc<dyn TensorFile> = Arc::new(F{t, p: dir.join("model.safetensors")});
        let c: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&std::fs::read_to_string(dir.join(cfg)).unwrap()).unwrap();
        let ck = Checkpoint::from_config(&dir.join(cfg), &c, file).unwrap();
        let m = Model::load(&ck, &compute, u64::MAX, &|_,_|()).unwrap();
        let g = load("golden.safetensors");
        let ids: Vec<u32> = g["input_ids"].to_dtype(DType::U32).unwrap().to_vec1().unwrap();
        let cancel = CancelToken::default(); let w = Watch{cancel:&cancel, progress:&|_,_|()};
        let tr = m.forward(&ids, None, CapturePlan::Whole, w).unwrap();
        let logits = m.logits(&tr.resid_after(m.spec.n_layers).tensor().unwrap()).unwrap();
        print!("{fam} {cfg} {:?} {:?} logits {:.1e}", compute.way, compute.dtype, diff(&logits, &g["logits"]));
        let gg = load("golden_grad.safetensors");
        let last = ids.len()-1;
        let row: Vec<f64> = logits.get(last).unwrap().to_dtype(DType::F64).unwrap().to_vec1().unwrap();
        let max = row.iter().cloned().fold(f64::MIN, f64::max); let z: f64 = row.iter().map(|x| (x-max).exp()).sum();
        let top = row.iter().position(|&x| x==max).unwrap();
        let mut seed: Vec<f32> = row.iter().map(|x| (-(x-max).exp()/z) as f32).collect(); seed[top]+=1.0;
        let mut worst = 0f64;
        let mut obs = |l: usize, lg: limpid_engine::backward::LayerGradient<'_>| -> Result<(), EngineError> {
            for (n, x) in [("resid_pre", lg.resid_pre), ("z", lg.z), ("post", lg.post)] {
                let want = &gg[&format!("layers.{l}.{n}_grad")]; let n_rows = x.dims()[0];
                let scale = want.abs()?.max_all()?.to_scalar::<f32>()? as f64;
                let tail = want.narrow(0, want.dims()[0]-n_rows, n_rows)?;
                worst = worst.max(diff(x, &tail)/scale);
            } Ok(()) };
        m.backward(&tr, &[Seed{position:last, g_logits: seed}], Gradients::True, w, Some(&mut obs)).unwrap();
        print!(" grad {worst:.1e}");
        // completeness
        let foil = (top+1)%row.len(); let mut s = vec![0f32; row.len()]; s[top]=1.0; s[foil]=-1.0;
        let b = m.backward(&tr, &[Seed{position:last, g_logits:s}], Gradients::Linear, w, None).unwrap();
        let e = tr.resid_after(0).tensor().unwrap();
        let sum = (e * &b.embedding).unwrap().to_dtype(DType::F64).unwrap().sum_all().unwrap().to_scalar::<f64>().unwrap() + b.biases;
        println!(" completeness {:.1e}", (sum - (row[top]-row[foil])).abs());
    }}}
}
