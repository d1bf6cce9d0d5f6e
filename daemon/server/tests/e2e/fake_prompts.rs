//! What the stand-in for the models makes of a question: the target it explains, and the prompt in a template of `<role>` before each message.
//! Words of a chat steer its template: it says that it `ADDS` or `MERGES` a system message, `DROPS` the first message or `CUTS` the last.

use crate::fake_analyst::tokens;
use limpid_protocol::{
    inspection::{AnswerSpan, FoilAnswer, Target},
    request::TokenChoice,
    token_value::VocabularyToken,
};
use limpid_server::{Ask, Rendering, chat_template::ChatNote};

pub fn target(ask: &Ask, n_tokens: usize) -> Target {
    let id = match ask.token {
        Some(TokenChoice::Id(id)) => id,
        _ => 7,
    };
    let is_answer = ask.answer.is_some();
    let the = |_: &TokenChoice| VocabularyToken { id: 8, text: " the".into() };
    Target {
        position: ask.position.unwrap_or(n_tokens - 1),
        id,
        text: " Paris".into(),
        foil: ask.foil.as_ref().filter(|_| !is_answer).map(the),
        answer: ask.answer.map(|of| AnswerSpan { start: of.start, end: of.end, logprob: -1.0 }),
        foil_answer: ask.foil.as_ref().filter(|_| is_answer).map(foil_answer),
    }
}

fn foil_answer(foil: &TokenChoice) -> FoilAnswer {
    let named = |id, text| VocabularyToken { id, text };
    let tokens = match foil {
        TokenChoice::Id(id) => vec![named(*id, format!("<{id}>"))],
        TokenChoice::Text(text) => tokens(text).into_iter().map(|t| named(t.id, t.text)).collect(),
    };
    FoilAnswer { tokens, logprob: -2.0 }
}

pub fn rendering(ask: &Ask) -> Rendering {
    let mut rows = tokens(&ask.text);
    rows.iter_mut().for_each(|row| (row.logprob, row.rank) = (None, None));
    let (model, tokens) = ("Fake".into(), rows);
    let Some(turns) = &ask.turns else {
        return Rendering { model, text: ask.text.to_string(), tokens, notes: Vec::new() };
    };
    let message = |turn: &limpid_server::analyst::Turn| {
        format!("<{}>{}", turn.role, &ask.text[turn.content.clone()])
    };
    let notes = [
        ("ADDS", ChatNote::AddsSystem("Be good.".into())),
        ("MERGES", ChatNote::MergesSystem),
        ("DROPS", ChatNote::DropsMessage(0)),
        ("CUTS", ChatNote::CutsMessage(turns.len() - 1)),
    ];
    Rendering {
        model,
        text: turns.iter().map(message).collect(),
        tokens,
        notes: notes
            .into_iter()
            .filter(|(word, _)| ask.text.contains(word))
            .map(|(_, n)| n)
            .collect(),
    }
}
