//! `limpid doctor`: what works on this machine, one line a check, and what to do about what does not.

use crate::{
    args::DoctorArgs,
    page::print,
    prompt::{budget, compute, model_name},
};
use anyhow::{Result, bail};
use limpid_engine::{
    cancel::CancelToken,
    device::{self, Compute},
    forward::Watch,
    model_pool,
    model_store::{ModelStore, StoreSettings},
    tokenizer::Specials,
    trace::CapturePlan,
};
use limpid_protocol::display;
use std::time::Instant;

/// Text whose prediction is looked at.
const SAMPLE: &str = "The capital of France is";

/// Runs the checks.
///
/// # Errors
/// A check failed; its line says what to do.
pub(crate) fn run(args: &DoctorArgs) -> Result<()> {
    let mut failed = 0;
    let mut line = |what: &str, found: Result<String>| -> Result<()> {
        match found {
            Ok(text) => print(&format!("ok    {what:<10} {text}\n")),
            Err(e) => {
                failed += 1;
                print(&format!("fail  {what:<10} {e:#}\n"))
            }
        }
    };
    line("version", Ok(format!("limpid {}", env!("CARGO_PKG_VERSION"))))?;
    line("processor", Ok(format!("{} threads, {}", rayon::current_num_threads(), instructions())))?;
    line(
        "gpu",
        Ok(device::cuda().map_or_else(|e| format!("none: {e}"), |_| "cuda answers".to_owned())),
    )?;
    let computed = compute(&args.model);
    let has_device = computed.is_ok();
    let used = computed.as_ref().map_or_else(|_| Compute::cpu(), Clone::clone);
    line("device", computed.map(|c| format!("{} in {}", c.kind.name(), c.dtype_name())))?;
    line(
        "memory",
        Ok(format!(
            "{} free on {}; budget {}",
            display::bytes(used.free_bytes()),
            used.kind.name(),
            display::bytes(budget(&args.model, &used)?.0)
        )),
    )?;
    let store = ModelStore::new(StoreSettings::from_env());
    line(
        "store",
        store
            .list()
            .map(|m| format!("{} with {} models", store.folder().display(), m.len()))
            .map_err(Into::into),
    )?;
    let name = model_name(&args.model);
    match store.find(&name) {
        Ok(None) => line(
            "model",
            store
                .check_name(&name)
                .map(|()| format!("{name} is not here yet; `limpid models pull {name}` fetches it"))
                .map_err(Into::into),
        )?,
        Err(e) => line("model", Err(e.into()))?,
        Ok(Some(_)) if !has_device => {}
        Ok(Some(files)) => line("model", predict(args, &files))?,
    }
    if failed > 0 {
        bail!(
            "{failed} {} failed; what to do stands beside each",
            if failed == 1 { "check" } else { "checks" }
        );
    }
    Ok(())
}

fn predict(args: &DoctorArgs, files: &limpid_engine::model_store::ModelFiles) -> Result<String> {
    let started = Instant::now();
    let compute = compute(&args.model)?;
    let budget = budget(&args.model, &compute)?;
    let loaded = model_pool::load(model_pool::open(files)?, &compute, budget, &|_, _| {})?;
    let load_ms = started.elapsed().as_secs_f32() * 1e3;
    let ids: Vec<u32> = match &loaded.tokenizer {
        Some(tokenizer) => {
            tokenizer.encode(SAMPLE, Specials::Parse)?.iter().map(|t| t.id).collect()
        }
        None => vec![0],
    };
    let started = Instant::now();
    let cancel = CancelToken::default();
    let watch = Watch { cancel: &cancel, progress: &|_, _| {} };
    let trace = loaded.model.forward(&ids, None, CapturePlan::Whole, watch)?;
    let last = trace.resid_after(loaded.model.spec.n_layers).narrow(ids.len() - 1, 1)?.tensor()?;
    let logits = limpid_engine::pos_tensor::to_host(&loaded.model.logits(&last)?)?;
    let best = limpid_analysis::vocabulary::top(&logits, 1).first().map_or(0, |(id, _)| *id);
    Ok(format!(
        "{} loads in {}; `{SAMPLE}` goes on with {} ({})",
        loaded.name,
        display::duration(load_ms),
        display::token(&limpid_analysis::views::glance::token_text(&loaded, best)),
        display::duration(started.elapsed().as_secs_f32() * 1e3)
    ))
}

fn instructions() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    {
        if std::arch::is_x86_feature_detected!("avx512f") {
            return "AVX-512";
        }
        if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma")
        {
            return "AVX2";
        }
        "no AVX2: kernels run without wide instructions"
    }
    #[cfg(target_arch = "aarch64")]
    {
        "NEON"
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    {
        "kernels run without wide instructions"
    }
}
