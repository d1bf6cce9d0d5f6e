use limpid_engine::{backward::Seed, cancel::CancelToken, checkpoint::Checkpoint, device::Compute, forward::Watch, model::Model, norm::Gradients, tensor_file::gguf::GgufFile, trace::CapturePlan};
use std::{path::Path, sync::Arc, time::Instant};
#[test]
fn probe() {
    let p = Path::new("/work/dl/SmolLM2-135M-Instruct.Q4_1.gguf");
    let t = Instant::now();
    let f = Arc::new(GgufFile::open(p).unwrap());
    println!("open {:?}", t.elapsed());
    let dv = f.texts("tokenizer.ggml.tokens").unwrap().len();
    let ck = Checkpoint::from_gguf(p, &|k| f.text(k).map(str::to_owned), &|k| f.number(k), dv, f.clone()).unwrap();
    let t = Instant::now();
    let m = Model::load(&ck, &Compute::cpu(), u64::MAX, &|_,_|()).unwrap();
    println!("load {:?} bytes {}", t.elapsed(), m.bytes());
    let cancel = CancelToken::default(); let w = Watch{cancel:&cancel, progress:&|_,_|()};
    let ids = [504u32, 3575, 282, 4649, 314];
    let tr = m.forward(&ids, None, CapturePlan::Whole, w).unwrap();
    let l: Vec<f32> = m.logits(&tr.resid_after(30).tensor().unwrap()).unwrap().get(4).unwrap().to_vec1().unwrap();
    let top = l.iter().enumerate().max_by(|a,b| a.1.total_cmp(b.1)).unwrap();
    println!("top {top:?}");
    for n in std::env::var("TS").unwrap_or("1,8,64,128,256,512".into()).split(',').map(|x| x.parse::<usize>().unwrap()) {
        let ids: Vec<u32> = (0..n as u32).map(|i| 1000 + (i*7919)%40000).collect();
        let (mut f1, mut lo, mut b1, mut b2) = (vec![], vec![], vec![], vec![]);
        for _ in 0..5 {
            let t = Instant::now(); let tr = m.forward(&ids, None, CapturePlan::Whole, w).unwrap(); f1.push(t.elapsed().as_secs_f64()*1e3);
            let t = Instant::now(); let lg = m.logits(&tr.resid_after(30).tensor().unwrap()).unwrap(); lo.push(t.elapsed().as_secs_f64()*1e3); drop(lg);
            let mut s = vec![0f32; 49152]; s[5]=1.0; s[7]=-1.0;
            let seeds = [Seed{position:n-1, g_logits:s}];
            let t = Instant::now(); m.backward(&tr, &seeds, Gradients::Linear, w, None).unwrap(); b1.push(t.elapsed().as_secs_f64()*1e3);
            let t = Instant::now(); m.backward(&tr, &seeds, Gradients::True, w, None).unwrap(); b2.push(t.elapsed().as_secs_f64()*1e3);
        }
        for v in [&mut f1,&mut lo,&mut b1,&mut b2] { v.sort_by(f64::total_cmp); }
        println!("T={n} forward {:.1} logits {:.1} linear {:.1} true {:.1} | sum fwd {:.1} GF/s {:.0}", f1[2], lo[2], b1[2], b2[2], f1[2]+lo[2], 0.269*n as f64/(f1[2]+lo[2])*1e3);
    }
}
