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
#[test]
fn attributions() {
    use limpid_analysis::{attribution::*, objective::*, vocabulary::*, components::*};
    for (dir, file, n) in [("smollm2","/work/dl/SmolLM2-135M-Instruct.Q4_1.gguf",6),("gemma3","/work/dl/gemma3-270m.gguf",3)] {
    let l = model_pool::load(model_pool::open(&ModelFiles{name:"s".into(), weights: Weights::Gguf(file.into())}).unwrap(), &Compute::cpu(), MemoryBudget(u64::MAX), &|_,_|()).unwrap();
    let cancel = CancelToken::default(); let w = Watch{cancel:&cancel, progress:&|_,_|()};
    for p in 1..=n {
        let v: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(format!("/work/shared/golden/{dir}/attribution_p{p}.json")).unwrap()).unwrap();
        let ids: Vec<u32> = serde_json::from_value(v["token_ids"].clone()).unwrap();
        let tr = l.model.forward(&ids, None, CapturePlan::Whole, w).unwrap();
        let pos = ids.len()-1;
        let logits: Vec<f32> = limpid_engine::pos_tensor::to_host(&l.model.logits(&tr.resid_after(l.model.spec.n_layers).narrow(pos,1).unwrap().tensor().unwrap()).unwrap()).unwrap();
        let rel = |got: &[f32], want: &serde_json::Value| { let want: Vec<f32> = serde_json::from_value(want.clone()).unwrap(); let m = want.iter().map(|x| x.abs()).fold(0.0, f32::max); got.iter().zip(&want).map(|(a,b)| (a-b).abs()).fold(0.0, f32::max)/m };
        for (kind, name) in [(ObjectiveKind::LogitDiff,"logit_diff"),(ObjectiveKind::LogOdds,"logprob")] {
            let o = Objective{position:pos, target: v["target"].as_u64().unwrap() as u32, foil: v["foil"].as_u64().map(|x| x as u32), kind};
            let a = Attributions::new(&l.model, &tr, o, &logits, w).unwrap();
            let f = if name=="logprob" { (1.0/(1.0+a.value.exp())) as f32 } else { 1.0 };
            let mut out = vec![];
            for m in [Method::Atp, Method::AtpLinear, Method::AtpTrue, Method::GradientXInputLinear] { let s: Vec<f32> = a.tokens(m,&[]).iter().map(|x| x*f).collect(); out.push(rel(&s, &v[name]["token"][m.name()])); }
            let mut hw = 0f32; for (i,h) in a.true_pass.heads.iter().enumerate() { let s: Vec<f32> = h.iter().map(|x| x*f).collect(); let want: Vec<f32> = serde_json::from_value(v[name]["head"][i].clone()).unwrap(); for (a,b) in s.iter().zip(&want) { hw = hw.max((a-b).abs()); } }
            let hm: f32 = v[name]["head"].as_array().unwrap().iter().flat_map(|x| x.as_array().unwrap()).map(|x| x.as_f64().unwrap().abs() as f32).fold(0.0,f32::max);
            let mut nw = 0f32; for nn in v[name]["neuron"].as_array().unwrap() { let li = nn["layer"].as_u64().unwrap() as usize; let idx: Vec<usize> = serde_json::from_value(nn["neurons"].clone()).unwrap(); let got: Vec<f32> = idx.iter().map(|&i| a.true_pass.neurons[li][i]*f).collect(); nw = nw.max(rel(&got, &nn["scores"])); let got: Vec<f32> = idx.iter().map(|&i| a.true_pass.neurons_at_target[li][i]*f).collect(); nw = nw.max(rel(&got, &nn["scores_last"])); }
            println!("{dir} p{p} {name} tokens {out:?} heads {:.1e} neurons {nw:.1e}", hw/hm);
        }
    }
    }
    let l = model_pool::load(model_pool::open(&ModelFiles{name:"s".into(), weights: Weights::Gguf("/work/dl/SmolLM2-135M-Instruct.Q4_1.gguf".into())}).unwrap(), &Compute::cpu(), MemoryBudget(u64::MAX), &|_,_|()).unwrap();
    let cancel = CancelToken::default(); let w = Watch{cancel:&cancel, progress:&|_,_|()};
    let v: serde_json::Value = serde_json::from_str(&std::fs::read_to_string("/work/shared/golden/smollm2/p1.json").unwrap()).unwrap();
    let ids: Vec<u32> = serde_json::from_value(v["token_ids"].clone()).unwrap();
    let tr = l.model.forward(&ids, None, CapturePlan::Whole, w).unwrap();
    for li in [0usize, 20] { let h = v["heads_last"][li]["top"][0].clone(); let hn = h["head"].as_u64().unwrap_or(v["heads_last"][li]["rank"][0].as_u64().unwrap()) as usize;
      let o = head_output(&l.model, &tr, li, hn, ids.len()-1).unwrap(); let wr = written(&l.model, &[o], 10, true).unwrap(); println!("head L{li}H{hn} got {:?}\n want {}", &wr[0].promotes[..4], h); }
}
