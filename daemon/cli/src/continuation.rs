//! `limpid continue`: text behind a prompt, printed as it grows.

use crate::{
    args::{ContinueArgs, ListFormat},
    page::print,
    prompt::Prepared,
};
use anyhow::{Result, bail};
use limpid_analysis::views::{
    continuation::{piece, stopped_by},
    glance::model_info,
};
use limpid_engine::{
    cancel::CancelToken,
    continuation::{Continuation, StoppedBy, Wanted},
    sampling::Sampling,
};
use limpid_protocol::views::continuation as wire;
use std::{
    io::{IsTerminal, Write},
    time::{Duration, Instant},
};

/// Runs the command.
///
/// # Errors
/// What was wrong with the flags, the prompt or the model, in one sentence.
pub(crate) fn run(args: &ContinueArgs) -> Result<()> {
    let started = Instant::now();
    let wanted = wanted(args)?;
    let prepared = Prepared::new(&args.prompt)?;
    wanted.check(prepared.model().spec.n_ctx)?;
    let cancel = CancelToken::default();
    let forward = Instant::now();
    let trace = prepared.forward(&cancel)?;
    let forward = forward.elapsed();

    let begun = Instant::now();
    let loaded = &prepared.loaded;
    let available = prepared.budget.0.min(loaded.model.compute.free_bytes());
    let mut continuation = Continuation::start(loaded, &trace, &wanted, available)?;
    // Its keys and values are copied by now.
    drop(trace);
    let (mut tokens, mut text, mut first_token) = (Vec::new(), String::new(), None);
    let reason = loop {
        let step = piece(loaded, continuation.step(loaded, &cancel)?);
        first_token.get_or_insert_with(|| begun.elapsed());
        let shown = match loaded.tokenizer {
            Some(_) => step.text,
            None => step.tokens.iter().map(|token| token.text.as_str()).collect(),
        };
        if args.format == ListFormat::Text {
            show(&shown)?;
        }
        text.push_str(&shown);
        tokens.extend(step.tokens);
        if let Some(reason) = continuation.stopped_by() {
            break reason;
        }
    };
    let first_token = first_token.unwrap_or_default();
    let decode = begun.elapsed() - first_token;
    if args.format == ListFormat::Text {
        print("\n")?;
        if reason == StoppedBy::Window {
            anstream::eprintln!("limpid: the model's context window is full");
        }
        return Ok(());
    }
    let n_behind = continuation.n_chosen() - 1;
    let ms = |duration: Duration| duration.as_secs_f32() * 1e3;
    let answer = wire::Continuation {
        model: model_info(loaded),
        tokens,
        text,
        stopped_by: stopped_by(reason),
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
    print(&format!("{}\n", serde_json::to_string(&answer)?))
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
