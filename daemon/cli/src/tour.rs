//! `limpid tour`: five findings on a real model, each a sentence, the picture, and the command that shows it again.

use crate::{
    args::{Format, InspectArgs, PromptArgs, RankBy, TourArgs},
    inspect::inspect_prepared,
    page::Page,
    prompt::{self, Given, Prepared},
    render,
};
use anyhow::Result;
use limpid_protocol::inspection::Inspection;
use std::{
    io::{BufRead, IsTerminal},
    sync::Arc,
};

/// One stop of the tour.
struct Finding {
    says: &'static str,
    prompt: &'static str,
    flags: &'static [(&'static str, &'static str)],
    shows: fn(&Inspection, &mut Page),
}

const FINDINGS: [Finding; 5] = [
    Finding {
        says: "A fact: the model completes it, and the token lines say which words the answer rests on.",
        prompt: "The capital of France is",
        flags: &[],
        shows: |inspection, page| {
            render::predictions(inspection, page);
            render::tokens(inspection, page);
        },
    },
    Finding {
        says: "The flow: information moves between tokens through attention, and the answer takes shape in the upper layers.",
        prompt: "The capital of France is",
        flags: &[],
        shows: render::routes,
    },
    Finding {
        says: "Why A rather than B: with a foil every score is about the difference. Who gets the drink, Mary or John?",
        prompt: "When Mary and John went to the store, John gave a drink to",
        flags: &[("token", " Mary"), ("foil", " John")],
        shows: |inspection, page| {
            render::predictions(inspection, page);
            render::tokens(inspection, page);
            render::heads(inspection, page);
        },
    },
    Finding {
        says: "Counting on: the year that a war ends depends on the year that it began. These heads score highest.",
        prompt: "The war lasted from the year 1732 to the year 17",
        flags: &[],
        shows: |inspection, page| {
            render::predictions(inspection, page);
            render::tokens(inspection, page);
            render::heads(inspection, page);
        },
    },
    Finding {
        says: "Neurons: each writes one direction. With a negative activation it pushes the other way round.",
        prompt: "5 + 4 = 9, 2 + 3 =",
        flags: &[],
        shows: |inspection, page| {
            render::predictions(inspection, page);
            render::neurons(inspection, page);
        },
    },
];

/// Walks through the findings.
///
/// # Errors
/// The model cannot be had or loaded.
pub(crate) fn run(args: &TourArgs) -> Result<()> {
    let (loaded, budget) = prompt::load(&args.model)?;
    let loaded = Arc::new(loaded);
    let mut page = Page::stdout();
    page.line(&format!("Five findings on {}.", loaded.name));
    let waits = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    for (index, finding) in FINDINGS.iter().enumerate() {
        let given = Given::Text(finding.prompt.to_owned());
        let prepared = Prepared::of(Arc::clone(&loaded), budget, given, false)?;
        let inspection = inspect_prepared(&prepared, &flags(args, finding))?;
        page.line("");
        page.line(&"─".repeat(page.width()));
        page.line(&format!("{}. {}", index + 1, finding.says));
        page.line("");
        render::header(&inspection, &mut page);
        page.line(&format!("  {:?}", finding.prompt));
        (finding.shows)(&inspection, &mut page);
        page.line("");
        page.line(&format!("see it again:  {}", command(args, finding)));
        if waits && index + 1 < FINDINGS.len() {
            page.line("press Enter for the next");
            let _ = std::io::stdin().lock().read_line(&mut String::new());
        }
    }
    page.line("");
    page.line("Scores with a ~ are cheap estimates: they say where to look, not what causes what.");
    page.finish()
}

fn flags(args: &TourArgs, finding: &Finding) -> InspectArgs {
    let flag = |name: &str| {
        finding.flags.iter().find(|(flag, _)| *flag == name).map(|(_, value)| (*value).to_owned())
    };
    InspectArgs {
        prompt: PromptArgs {
            model: args.model.clone(),
            file: None,
            text: Some(finding.prompt.to_owned()),
            range: None,
            prompt: None,
            token_ids: None,
            target: None,
            token: flag("token"),
            foil: flag("foil"),
            chat: false,
        },
        answer: None,
        answer_range: None,
        foil_answer: None,
        prune: "mass=0.9".to_owned(),
        attribution: "atp".to_owned(),
        objective: None,
        top: None,
        lens: false,
        by: None,
        set: None,
        out: None,
        effects: None,
        rank_by: RankBy::Attribution,
        format: Format::Text,
        timings: false,
    }
}

fn command(args: &TourArgs, finding: &Finding) -> String {
    let mut command = format!("limpid inspect --text {}", quoted(finding.prompt));
    if let Some(model) = &args.model.model {
        command.push_str(&format!(" --model {}", quoted(model)));
    }
    for (flag, value) in finding.flags {
        command.push_str(&format!(" --{flag} {}", quoted(value)));
    }
    command
}

/// For a POSIX shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
