use limpid_engine::{tensor_file::gguf::GgufFile, tokenizer::{Tokenizer, Specials}};
#[test] fn probe() {
  for (gguf, dir) in [("/work/dl/SmolLM2-135M-Instruct.Q4_1.gguf","smollm2"),("/work/dl/gemma3-270m.gguf","gemma3")] {
    let t0=std::time::Instant::now();
    let f = GgufFile::open(gguf.as_ref()).unwrap(); let t = Tokenizer::from_gguf(&f).unwrap();
    println!("{dir} built in {:?}", t0.elapsed());
    let v: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(format!("/work/shared/golden/{dir}/tokenizer_cases.json")).unwrap()).unwrap();
    let mut bad=0; for c in v["cases"].as_array().unwrap() { let text=c["text"].as_str().unwrap(); let want: Vec<u32>=serde_json::from_value(c["ids"].clone()).unwrap();
      let toks=t.encode(text, Specials::Parse).unwrap(); let got: Vec<u32>=toks.iter().map(|t| t.id).collect();
      let mut at=0; for k in toks.iter().filter_map(|t| t.span.clone()) { assert_eq!(k.start, at); at=k.end; } assert_eq!(at, text.len());
      if got!=want { bad+=1; println!("BAD {text:?}\n want {want:?}\n got  {got:?}"); } }
    println!("{dir} bad {bad}");
    let text = "lorem ipsum ".repeat(1<<16); let t0=std::time::Instant::now(); let n=t.encode(&text, Specials::Parse).unwrap().len(); println!("{n} tokens in {:?}", t0.elapsed());
    let text = "x".repeat(1<<20); let t0=std::time::Instant::now(); let n=t.encode(&text, Specials::Parse).unwrap().len(); println!("{n} tokens in {:?}", t0.elapsed());
  }
}
