//! What a chat template does that the document does not say, as problems on the messages concerned.

use crate::{
    analyst::Job,
    chat_template::ChatNote,
    job_desk::JobDesk,
    place::Place,
    prompt_document::{Problem, Severity},
    verbs::outline::trimmed,
};
use limpid_protocol::view_error::ViewError;

/// The notes on a chat; none on a prompt that is none.
///
/// # Errors
/// Of the template and the tokenizer.
pub(super) fn template_notes(
    desk: &JobDesk,
    place: &Place,
    job: &Job,
) -> Result<Vec<Problem>, ViewError> {
    if place.ask.turns.is_none() {
        return Ok(Vec::new());
    }
    let notes = desk.analyst()?.render(&place.ask, job)?.notes;
    Ok(notes.iter().map(|note| problem(note, place)).collect())
}

fn problem(note: &ChatNote, place: &Place) -> Problem {
    let (severity, code, message, advice) = match note {
        ChatNote::AddsSystem(_) => (
            Severity::Information,
            "template-adds-system",
            0,
            "write a system message to say something else",
        ),
        ChatNote::MergesSystem => {
            (Severity::Information, "template-merges-system", 0, "it has no turn of its own")
        }
        ChatNote::DropsMessage(index) => {
            (Severity::Warning, "template-drops-message", *index, "the model does not read it")
        }
        ChatNote::CutsMessage(index) => (
            Severity::Warning,
            "template-cuts-message",
            *index,
            "the model does not read that part",
        ),
    };
    let messages = place.prompt.text.messages.as_ref();
    let concerned = messages.and_then(|messages| messages.get(message));
    let source = concerned.map_or(&place.prompt.body, |message| &message.source);
    Problem {
        severity,
        code,
        message: format!("{note}; {advice}"),
        source: trimmed(&place.text, source),
    }
}
