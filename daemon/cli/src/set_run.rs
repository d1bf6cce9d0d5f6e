//! `limpid inspect --set`: every prompt of a file, in order, on a model that is loaded once. One prompt that fails never ends the
//! run; with `--out` a run that was stopped goes on where it was. What must not live here: how sets and outputs are written.

use crate::{
    answer::Answer,
    args::{Format, InspectArgs},
    inspect::{Checked, Done, inspect},
    page::{Page, print},
    progress::Progress,
    prompt::{self, Prepared},
    prompt_set::{self, Entry, Item},
    set_out::{LINE_START, OutFile, RunMark},
};
use anyhow::{Result, bail};
use limpid_engine::{error::EngineError, memory::MemoryBudget, model_pool::Loaded};
use limpid_protocol::{display, view_error::ErrorKind};
use limpid_server::error_codes::from_engine;
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::Arc,
    time::Instant,
};

/// Runs over a set.
///
/// # Errors
/// The flags, the set, the model or the output; or, once all prompts were tried, that some failed.
pub(crate) fn run(args: &InspectArgs, checked: &Checked, set: &Path) -> Result<()> {
    match args.format {
        Format::Text if args.out.is_some() => {
            bail!("--out holds JSON lines; add --format jsonl")
        }
        Format::Text | Format::Jsonl => {}
        Format::Json | Format::Dot | Format::Html => {
            bail!("--set prints many answers; choose --format jsonl or text")
        }
    }
    let (bytes, entries) = prompt_set::read(set)?;
    let (loaded, budget) = prompt::load(&args.prompt.model)?;
    let mark = RunMark::new(&model_of(&loaded), &flags(args), &bytes);
    drop(bytes);
    let mut out = args.out.as_deref().map(|path| OutFile::open(path, &mark)).transpose()?;
    let runner = Runner { args, checked, loaded: Arc::new(loaded), budget };
    let bar = Progress::steps("inspecting", entries.len() as u64);
    let n_entries = entries.len();
    let mut n_failed = 0;
    for (index, entry) in entries.into_iter().enumerate() {
        bar.set(index as u64);
        if let Some(has_failed) = out.as_ref().and_then(|out| out.done(index)) {
            n_failed += usize::from(has_failed);
            continue;
        }
        let Entry { id, item } = entry;
        let result = runner.one(item);
        n_failed += usize::from(result.is_err());
        let head = format!("{LINE_START}{index},\"id\":{id}");
        match (&mut out, args.format) {
            (Some(out), _) => {
                out.write(&line(&format!("{head},\"run\":\"{mark}\""), &result)?)?;
            }
            (None, Format::Jsonl) => print(&line(&head, &result)?)?,
            (None, _) => page(index, &id, &result)?,
        }
    }
    bar.finish();
    if n_failed > 0 {
        bail!("{n_failed} of {n_entries} prompts failed; their entries say why");
    }
    Ok(())
}

/// What went wrong with one prompt.
struct Failure {
    kind: ErrorKind,
    message: String,
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        let of_engine = error.downcast_ref::<EngineError>().map(|e| from_engine(e).kind());
        let kind = of_engine.unwrap_or(ErrorKind::BadRequest);
        Self { kind, message: crate::sentence(&error) }
    }
}

struct Runner<'a> {
    args: &'a InspectArgs,
    checked: &'a Checked,
    loaded: Arc<Loaded>,
    budget: MemoryBudget,
}

impl Runner<'_> {
    fn one(&self, item: Result<Item, String>) -> Result<Done, Failure> {
        let bad = |message| Failure { kind: ErrorKind::BadRequest, message };
        let Item { prompt, target, foil } = item.map_err(bad)?;
        let mut args = self.args.clone();
        args.prompt.token = target.or(args.prompt.token);
        args.prompt.foil = foil.or(args.prompt.foil);
        let work = || -> Result<Done> {
            let started = Instant::now();
            let loaded = Arc::clone(&self.loaded);
            let prepared = Prepared::of(loaded, self.budget, prompt, args.prompt.chat)?;
            let mut prepared = prepared;
            prepared.shows_progress = false;
            let answer = Answer::of(&mut prepared, &args)?;
            let mut done = inspect(&prepared, &args, self.checked, &answer)?;
            if let Some(timings) = &mut done.inspection.timings_ms {
                timings.total = started.elapsed().as_secs_f32() * 1e3;
            }
            Ok(done)
        };
        match catch_unwind(AssertUnwindSafe(work)) {
            Ok(result) => result.map_err(Failure::from),
            Err(_) => Err(Failure {
                kind: ErrorKind::Internal,
                message: "internal error; please report it, with what LIMPID_LOG=debug prints"
                    .to_owned(),
            }),
        }
    }
}

/// A line of JSON: `head` and the inspection's own fields, or the error.
fn line(head: &str, result: &Result<Done, Failure>) -> Result<String> {
    match result {
        Ok(done) => {
            let inspection = serde_json::to_string(&done.inspection)?;
            Ok(format!("{head},{}\n", inspection.strip_prefix('{').unwrap_or(&inspection)))
        }
        Err(Failure { kind, message }) => {
            let message = serde_json::to_string(message)?;
            let kind = kind.as_str();
            Ok(format!("{head},\"error\":{{\"kind\":\"{kind}\",\"message\":{message}}}}}\n"))
        }
    }
}

fn page(index: usize, id: &serde_json::Value, result: &Result<Done, Failure>) -> Result<()> {
    let mut page = Page::stdout();
    let name = match id {
        serde_json::Value::Null => String::new(),
        serde_json::Value::String(id) => format!(" · {}", display::escape(id)),
        other => format!(" · {}", display::escape(&other.to_string())),
    };
    page.line(&"─".repeat(page.width()));
    page.line(&format!("{index}{name}"));
    match result {
        Ok(done) => done.page(&mut page),
        Err(failure) => page.line(&format!("  ⚠ {}", failure.message)),
    }
    page.line("");
    page.finish()
}

/// A model by what it computes, wherever it lies.
fn model_of(loaded: &Loaded) -> String {
    format!("{:016x}", loaded.fingerprint)
}

/// Every flag that an answer depends on.
fn flags(args: &InspectArgs) -> String {
    let prompt = &args.prompt;
    let asked = (&prompt.target, &prompt.token, &prompt.foil, prompt.chat);
    let shown = (&args.prune, &args.attribution, &args.objective, &args.top, args.lens);
    let rest = (args.rank_by, args.by, args.timings, &prompt.model.device, &prompt.model.dtype);
    let rest = (rest, &args.effects);
    format!("{asked:?} {shown:?} {rest:?}")
}
