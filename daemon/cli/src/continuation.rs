//! `limpid continue`: text behind a prompt, printed as it grows.

use crate::{
    args::{ContinueArgs, ListFormat},
    continuation_page::side_by_side,
    page::{Page, print},
    prompt::Prepared,
    switches,
};
use anyhow::{Result, bail};
use limpid_analysis::views::{
    continuation::{piece, stopped_by},
    glance::model_info,
    interventions::{at_place, resolve},
};
use limpid_engine::{
    cancel::CancelToken,
    continuation::{Continuation, StoppedBy, Wanted},
    forward::Watch,
    model_pool::Loaded,
    sampling::Sampling,
};
use limpid_protocol::{intervention::PatchSource, views::continuation as wire};
use std::{
    io::{IsTerminal, Write},
    time::{Duration, Instant},
};

/// Runs the command.
///
/// # Errors
/// What was wrong with the flags, the prompt, a switch or the model, in one sentence.
pub(crate) fn run(args: &ContinueArgs) -> Result<()> {
    let started = Instant::now();
    let wanted = wanted(args)?;
    let prepared = Prepared::new(&args.prompt)?;
    wanted.check(prepared.model().spec.n_ctx)?;
    let switches = switches::named(args, &prepared)?;
    if let Some(name) = &args.save_switches {
        let Some(switches) = &switches else {
            bail!("--save-switches: there is nothing to save; name switches with --switch");
        };
        let path = switches::save(args, &prepared, name, switches)?;
        anstream::eprintln!("limpid: saved as `{name}` in {}", path.display());
    }
    let cancel = CancelToken::default();
    let forward = Instant::now();
    let trace = prepared.forward(&cancel)?;
    let forward = forward.elapsed();

    let begun = Instant::now();
    let loaded = &prepared.loaded;
    let available = prepared.budget.0.min(loaded.model.compute.free_bytes());
    let plain = Continuation::start(loaded, &trace, &wanted, available)?;
    let (own, unchanged) = match &switches {
        None => (plain, None),
        Some(switches) => {
            let trace_of = |from: &PatchSource| prepared.trace_of(from, &cancel);
            let changes = resolve(switches, loaded, &trace_of)
                .map_err(|e| at_place(&format!("--switch ({switches})"), e))?;
            let watch = Watch { cancel: &cancel, progress: &|_, _| {} };
            let room = (available, watch);
            let changed = Continuation::start_changed(loaded, &trace, &changes, &wanted, room)?;
            (changed, Some(plain))
        }
    };
    // Its keys and values are copied by now.
    drop(trace);
    let is_shown = args.format == ListFormat::Text && switches.is_none();
    let unchanged = unchanged.map(|side| Written::of(side, loaded, false)).transpose()?;
    let begun = if unchanged.is_some() { Instant::now() } else { begun };
    let written = Written::of(own, loaded, is_shown)?;
    let (first_token, decode) = (written.first_token, begun.elapsed() - written.first_token);
    if is_shown {
        print("\n")?;
        if written.stopped_by == StoppedBy::Window {
            anstream::eprintln!("limpid: the model's context window is full");
        }
        return Ok(());
    }
    let n_behind = written.n_chosen - 1;
    let ms = |duration: Duration| duration.as_secs_f32() * 1e3;
    let unchanged = unchanged.map(|side| {
        let side = (side.tokens, side.text, stopped_by(side.stopped_by));
        wire::UnchangedContinuation::beside(&written.tokens, side)
    });
    let answer = wire::Continuation {
        model: model_info(loaded),
        tokens: written.tokens,
        text: written.text,
        stopped_by: stopped_by(written.stopped_by),
        switches,
        unchanged,
        timings_ms: wire::ContinuationTimingsMs {
            load: ms(prepared.load_time),
            tokenize: ms(prepared.tokenize_time),
            forward: ms(forward),
            first_token: ms(first_token),
            decode: ms(decode),
            total: ms(started.elapsed()),
        },
        tokens_per_second: (n_behind > 0).then(|| n_behind as f32 / decode.as_secs_f32()),
    };
    if args.format == ListFormat::Text {
        let mut page = Page::stdout();
        side_by_side(&answer, &mut page);
        return page.finish();
    }
    print(&format!("{}\n", serde_json::to_string(&answer)?))
}

/// One continuation, to its end.
struct Written {
    tokens: Vec<wire::ContinuedToken>,
    text: String,
    stopped_by: StoppedBy,
    first_token: Duration,
    n_chosen: usize,
}

impl Written {
    fn of(mut continuation: Continuation, loaded: &Loaded, is_shown: bool) -> Result<Self> {
        let (begun, cancel) = (Instant::now(), CancelToken::default());
        let (mut tokens, mut text, mut first_token) = (Vec::new(), String::new(), None);
        loop {
            let step = piece(loaded, continuation.step(loaded, &cancel)?);
            first_token.get_or_insert_with(|| begun.elapsed());
            let shown = match loaded.tokenizer {
                Some(_) => step.text,
                None => step.tokens.iter().map(|token| token.text.as_str()).collect(),
            };
            if is_shown {
                show(&shown)?;
            }
            text.push_str(&shown);
            tokens.extend(step.tokens);
            if let Some(stopped_by) = continuation.stopped_by() {
                let first_token = first_token.unwrap_or_default();
                let n_chosen = continuation.n_chosen();
                return Ok(Self { tokens, text, stopped_by, first_token, n_chosen });
            }
        }
    }
}

fn wanted(args: &ContinueArgs) -> Result<Wanted> {
    for (flag, given) in [
        ("--target", &args.prompt.target),
        ("--token", &args.prompt.token),
        ("--foil", &args.prompt.foil),
    ] {
        if given.is_some() {
            bail!("{flag} has no part in a continuation; leave it out, or use `limpid inspect`");
        }
    }
    Ok(Wanted {
        max_tokens: args.max_tokens,
        sampling: Sampling {
            temperature: args.temperature,
            top_k: args.top_k,
            top_p: args.top_p,
            seed: args.seed,
        },
        stop: args.stop.clone(),
    })
}

/// Prints a piece at once. What a model wrote cannot steer the terminal.
fn show(text: &str) -> Result<()> {
    let mut out = std::io::stdout();
    if !out.is_terminal() {
        print(text)?;
    } else {
        let shown = |c: char| match c {
            '\n' | '\t' => c.to_string(),
            c if c.is_control() => c.escape_default().to_string(),
            c => c.to_string(),
        };
        print(&text.chars().map(shown).collect::<String>())?;
    }
    // A reader that went away is noticed by the next print.
    let _ = out.flush();
    Ok(())
}
