use limpid_analysis::contributions::*;
use limpid_engine::{cancel::CancelToken, device::Compute, forward::Watch, memory::MemoryBudget, model_pool, model_store::{ModelFiles, Weights}, trace::CapturePlan};
use std::path::Path;
use safetensors::SafeTensors;
#[test]
fn probe() {
    for fam in ["llama","gpt2","gemma3_text"] { for compute in [Compute::cpu(), Compute::cpu_plain(candle_core::DType::F32)] {
        let dir = Path::new("/work/shared/golden/tiny").join(fam);
        let l = model_pool::load(model_pool::open(&ModelFiles{name:fam.into(), weights: Weights::Folder(dir.clone())}).unwrap(), &compute, MemoryBudget(u64::MAX), &|_,_|()).unwrap();
        let bytes = std::fs::read(dir.join("golden.safetensors")).unwrap(); let g = SafeTensors::deserialize(&bytes).unwrap();
        let f = |n: &str| -> Vec<f32> { g.tensor(n).unwrap().data().chunks(4).map(|c| f32::from_le_bytes(c.try_into().unwrap())).collect() };
        let ids: Vec<u32> = g.tensor("input_ids").unwrap().data().chunks(8).map(|c| i64::from_le_bytes(c.try_into().unwrap()) as u32).collect();
        let cancel = CancelToken::default(); let w = Watch{cancel:&cancel, progress:&|_,_|()};
        let tr = l.model.forward(&ids, None, CapturePlan::Whole, w).unwrap();
        let pos: Vec<usize> = (0..ids.len()).collect();
        let mut worst = [0f32;5];
        let d = |a:&[f32], b:&[f32]| { assert_eq!(a.len(), b.len()); a.iter().zip(b).map(|(a,b)| (a-b).abs()).fold(0.0, f32::max) };
        for i in 0..3 { let a = attention_contributions(&l.model, &tr, i, &pos).unwrap(); let m = mlp_contributions(&l.model,&tr,i,&pos).unwrap(); let n = neuron_contributions(&l.model,&tr,i,ids.len()-1).unwrap();
            worst[0]=worst[0].max(d(a.attn(), &f(&format!("layers.{i}.attn_contribution")))); worst[1]=worst[1].max(d(a.resid(), &f(&format!("layers.{i}.attn_resid_contribution"))));
            worst[2]=worst[2].max(d(m.mlp(), &f(&format!("layers.{i}.mlp_contribution")))); worst[3]=worst[3].max(d(&n.neurons, &f(&format!("layers.{i}.neuron_contribution"))));
            worst[4]=worst[4].max(d(&n.activations, &f(&format!("layers.{i}.neuron_activation")))); }
        println!("{fam} {:?} {worst:?}", compute.way);
    }}
}
