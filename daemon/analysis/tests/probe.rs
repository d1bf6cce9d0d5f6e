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
#[test]
fn routes() {
    use limpid_analysis::{route_build::grow, route_prune::Prune, route_graph::*};
    use std::{collections::BTreeMap, time::Instant};
    let l = model_pool::load(model_pool::open(&ModelFiles{name:"s".into(), weights: Weights::Gguf("/work/dl/SmolLM2-135M-Instruct.Q4_1.gguf".into())}).unwrap(), &Compute::cpu(), MemoryBudget(u64::MAX), &|_,_|()).unwrap();
    let cancel = CancelToken::default(); let w = Watch{cancel:&cancel, progress:&|_,_|()};
    for p in 1..=6 {
        let v: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(format!("/work/shared/golden/smollm2/p{p}.json")).unwrap()).unwrap();
        let ids: Vec<u32> = serde_json::from_value(v["token_ids"].clone()).unwrap();
        let tr = l.model.forward(&ids, None, CapturePlan::Whole, w).unwrap();
        let pr = Prune::Lmtt(0.04);
        let g = grow(&l.model, &tr, ids.len()-1, pr.growth(), &cancel).unwrap();
        let drawn = pr.apply(&g);
        let name = |n: &NodeId| match n.kind { NodeKind::Embed => format!("X0_{}", n.position), NodeKind::ResidMid => format!("A{}_{}", n.layer, n.position), NodeKind::Mlp => format!("M{}_{}", n.layer, n.position), NodeKind::ResidPost => format!("I{}_{}", n.layer, n.position) };
        let mut got: BTreeMap<(String,String), f32> = BTreeMap::new();
        for e in &drawn.edges { *got.entry((name(&e.from), name(&e.to))).or_default() += e.contribution; }
        let want: BTreeMap<(String,String), f32> = v["graph"]["edges"].as_array().unwrap().iter().map(|e| ((e[0].as_str().unwrap().into(), e[1].as_str().unwrap().into()), e[2].as_f64().unwrap() as f32)).collect();
        let missing: Vec<_> = want.keys().filter(|k| !got.contains_key(*k)).take(3).collect(); let extra: Vec<_> = got.keys().filter(|k| !want.contains_key(*k)).take(3).collect();
        let worst = want.iter().filter_map(|(k,v)| got.get(k).map(|g| (g-v).abs())).fold(0.0, f32::max);
        let t = Instant::now();
        let gm = grow(&l.model, &tr, ids.len()-1, Prune::DEFAULT.growth(), &cancel).unwrap(); let t1 = t.elapsed();
        let pm = Prune::DEFAULT.apply(&gm);
        let sum: f32 = gm.flows.iter().filter(|(n,_)| n.kind==NodeKind::Embed).map(|x| x.1).sum();
        println!("p{p} edges {} want {} missing {missing:?} extra {extra:?} worst {worst:.1e} | mass edges {} of {} shown {:.4} lost {:.4} sum {:.5} {:?} prune {:?}", got.len(), want.len(), pm.edges.len(), gm.edges.len(), pm.shown, gm.lost, sum, t1, t.elapsed()-t1);
    }
    for n in [64usize,128,256,512] {
        let ids: Vec<u32> = (0..n as u32).map(|i| 1000 + (i*7919)%40000).collect();
        let t = Instant::now(); let tr = l.model.forward(&ids, None, CapturePlan::Whole, w).unwrap(); let f = t.elapsed();
        let t = Instant::now(); let gm = grow(&l.model, &tr, ids.len()-1, Prune::DEFAULT.growth(), &cancel).unwrap(); let t1 = t.elapsed(); let pm = Prune::DEFAULT.apply(&gm);
        println!("T={n} forward {f:?} grow {t1:?} prune {:?} edges {} drawn {} nodes {} lost {:.3} shown {}", t.elapsed()-t1, gm.edges.len(), pm.edges.len(), gm.flows.len(), gm.lost, pm.shown);
    }
}
