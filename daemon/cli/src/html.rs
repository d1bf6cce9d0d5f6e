//! `limpid inspect --format html`: the panel as one file, with everything in it that it may ask for.
//! What must not live here: what is recorded (`server::recording`), how it is put into the page (`report_page`).

use crate::{
    answer::parse_range,
    args::InspectArgs,
    folder,
    inspect::Checked,
    page::print,
    progress::Progress,
    prompt::{budget, compute, model_name, source},
    report_page,
};
use anyhow::{Result, anyhow, bail};
use limpid_engine::{
    cancel::CancelToken,
    model_store::{ModelStore, StoreSettings},
};
use limpid_protocol::{
    PROTOCOL_VERSION, display,
    effect::EffectBudget,
    inspection::Objective,
    request::{AnswerRange, Subject, TargetChoice, TokenChoice},
};
use limpid_server::{
    Analyst, EngineAnalyst, Job,
    recording::{Recording, ToRecord, record},
    settings::Settings,
};
use serde_json::json;
use std::{
    sync::Arc,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

/// Longest title, in columns.
const TITLE_COLUMNS: usize = 60;
/// Pruning as the flag has it when nobody wrote one.
const USUAL_PRUNE: &str = "mass=0.9";

/// Runs the command.
///
/// # Errors
/// What was wrong with the flags, the prompt or the model, in one sentence.
pub(crate) fn run(args: &InspectArgs, checked: &Checked) -> Result<()> {
    for (is_given, flag) in [
        (args.prompt.token_ids.is_some(), "--token-ids: a report shows text"),
        (
            args.answer.is_some(),
            "--answer: write the answer into the prompt and name its tokens with --answer-range",
        ),
    ] {
        if is_given {
            bail!("--format html does not go with {flag}");
        }
    }
    let started = Instant::now();
    let (prompt, document) = source(&args.prompt).read_with_document()?;
    let file = args.prompt.file.as_deref();
    let told = folder::settings_of(&prompt.settings, file);
    let model = args.prompt.model.or_of(&told);
    let compute = compute(&model)?;
    let budget = budget(&model, &compute)?;
    let store = ModelStore::new(StoreSettings::from_env());
    let name = model_name(&model);
    crate::models::resolve(&store, &name)?;
    let analyst = Arc::new(EngineAnalyst::new(store, compute, budget, name));
    let bar = Progress::steps("loading", 100);
    let shown = Arc::new(bar);
    let job = Job::new(CancelToken::default(), {
        let bar = Arc::clone(&shown);
        move |share, doing| {
            bar.say(doing);
            bar.set((share * 100.0) as u64);
        }
    });
    analyst.load(None, &job)?;
    let title = match file.and_then(|file| file.file_name()) {
        Some(name) => name.to_string_lossy().into_owned(),
        None => {
            let first = prompt.text.text.trim().lines().next().unwrap_or_default();
            display::cut(&display::escape(first), TITLE_COLUMNS)
        }
    };
    let chat = (args.prompt.chat || told.chat == Some(true)).then_some(true);
    let recording = record(
        analyst,
        ToRecord {
            document: &document,
            prompt,
            settings: Settings { model: None, chat, ..told },
            subject: subject(args)?,
            prune: (args.prune != USUAL_PRUNE).then(|| args.prune.clone()),
            effects: checked.effects.map(|budget| EffectBudget {
                runs: budget.runs,
                seconds: budget.time.map(|time| time.as_secs_f64()),
            }),
        },
        &job,
    )?;
    shown.finish();
    print(&page(&title, &recording, started.elapsed().as_millis())?)
}

/// What the flags say beside the prompt.
fn subject(args: &InspectArgs) -> Result<Subject> {
    let flags = &args.prompt;
    let position = flags.target.as_deref().map(|text| {
        let problem =
            || anyhow!("--target `{text}` is no position; write a whole number from 0 on");
        text.trim().parse().map_err(|_| problem())
    });
    let answer = args.answer_range.as_deref().map(parse_range).transpose()?;
    let answer = answer.map(|range| AnswerRange { start: range.start, end: range.end });
    let target = TargetChoice {
        position: position.transpose()?,
        token: flags.token.as_deref().map(token),
        answer,
    };
    let is_said = target.position.is_some() || target.token.is_some() || target.answer.is_some();
    let foil = match (&args.foil_answer, answer) {
        (Some(_), None) => bail!("--foil-answer needs an answer; give --answer-range"),
        (Some(text), Some(_)) => Some(TokenChoice::Text(text.clone())),
        (None, _) => flags.foil.as_deref().map(token),
    };
    let named = |name: &str| Objective::ALL.iter().copied().find(|known| known.as_str() == name);
    Ok(Subject {
        target: is_said.then_some(target),
        foil,
        objective: args.objective.as_deref().and_then(named),
        ..Subject::nothing()
    })
}

/// A token as a flag writes it: digits are an id.
fn token(text: &str) -> TokenChoice {
    text.parse().map_or_else(|_| TokenChoice::Text(text.to_owned()), TokenChoice::Id)
}

/// The page with what was recorded in it.
fn page(title: &str, recording: &Recording, took_ms: u128) -> Result<String> {
    let at = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
    let run = json!({
        "title": title, "model": recording.model, "took_ms": took_ms as u64, "at": at as u64,
    });
    let text = json!(recording.text);
    let answers = recording.answers.join(",");
    report_page::holding(&format!(
        r#"{{"version":{PROTOCOL_VERSION},"run":{run},"text":{text},"answers":[{answers}]}}"#
    ))
}
