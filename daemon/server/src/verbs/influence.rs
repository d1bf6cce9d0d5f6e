//! Influence as navigation: documentHighlight (what the token under the cursor rests on), definition (its strongest span),
//! references (the later tokens that a token fed).

use crate::{
    analyst::{Ask, Job},
    answering::Desk,
    highlights::rests_on,
    job_desk::JobDesk,
    place::Place,
    positions::Encoding,
    token_table::{token_at, token_range, token_source},
    verbs::{Spot, explained, lsp_range, of_token, to_lsp},
};
use limpid_protocol::{inspection::TokenRow, view_error::ViewError};
use std::{ops::Range, sync::Arc};
use tower_lsp::ls_types as lsp;

/// Later tokens that references look at, the last ones before the end of the prompt or of the answer.
const LOOKED_AT: usize = 24;
/// A neighbour belongs to the strongest span if its score is at least this share of the strongest token's.
const NEIGHBOUR: f32 = 0.5;

impl Desk {
    /// `textDocument/documentHighlight`.
    pub(crate) async fn highlights(
        &self,
        at: &lsp::TextDocumentPositionParams,
    ) -> Option<Vec<lsp::DocumentHighlight>> {
        let spot = Arc::new(self.spot(at)?);
        let encoding = self.encoding();
        let of = Arc::clone(&spot);
        let marks = self.run("textDocument/documentHighlight", &spot.place, move |desk, job| {
            highlighted(desk, &of, encoding, job)
        });
        marks.await.ok().filter(|marks| !marks.is_empty())
    }

    /// `textDocument/definition`: the span of the prompt that the token under the cursor rests on most.
    pub(crate) async fn definition(
        &self,
        at: &lsp::TextDocumentPositionParams,
    ) -> Option<lsp::GotoDefinitionResponse> {
        let spot = Arc::new(self.spot(at)?);
        let of = Arc::clone(&spot);
        let found = self
            .run("textDocument/definition", &spot.place, move |desk, job| strongest(desk, &of, job))
            .await;
        let (own, source) = found.ok()??;
        let range = |span| lsp_range(&spot.place.text, span, self.encoding());
        let uri = at.text_document.uri.clone();
        Some(if self.negotiated().follows_links {
            lsp::GotoDefinitionResponse::Link(vec![lsp::LocationLink {
                origin_selection_range: own.map(&range),
                target_uri: uri,
                target_range: range(source.clone()),
                target_selection_range: range(source),
            }])
        } else {
            lsp::GotoDefinitionResponse::Scalar(lsp::Location { uri, range: range(source) })
        })
    }

    /// `textDocument/references`: later tokens whose prediction rests on the token under the cursor, and the end of the prompt
    /// if what comes next does.
    pub(crate) async fn references(
        &self,
        at: &lsp::TextDocumentPositionParams,
        with_itself: bool,
    ) -> Option<Vec<lsp::Location>> {
        let spot = Arc::new(self.spot(at)?);
        let spans = self.fed_by(&spot, with_itself).await.ok()?;
        let location = |span| lsp::Location {
            uri: at.text_document.uri.clone(),
            range: lsp_range(&spot.place.text, span, self.encoding()),
        };
        Some(spans.into_iter().map(location).collect())
    }

    /// Spans of later tokens that rest on the token at the spot, in order; last an empty one at the prompt's end where what comes
    /// next does. A job a token, so that others are served in between.
    async fn fed_by(&self, spot: &Spot, with_itself: bool) -> Result<Vec<Range<usize>>, ViewError> {
        let place = &spot.place;
        let inspect = async |ask: Ask| {
            let work = move |desk: &JobDesk, job: &Job| desk.inspection(&ask, job);
            self.run("textDocument/references", place, work).await
        };
        let next = inspect(place.ask.clone()).await?;
        let Some(token) = token_at(&next.tokens, place, spot.byte) else { return Ok(Vec::new()) };
        let itself = with_itself.then(|| token_source(token, place)).flatten();
        let mut spans: Vec<Range<usize>> = itself.into_iter().collect();
        let later = next.tokens.iter().skip(token.index + 1);
        let later: Vec<&TokenRow> = later.filter(|token| token.start.is_some()).collect();
        for fed in &later[later.len().saturating_sub(LOOKED_AT)..] {
            let inspection = inspect(of_token(place, fed.index - 1, fed)).await?;
            if rests_on(&inspection).contains(&token.index) {
                spans.extend(token_source(fed, place));
            }
        }
        if rests_on(&next).contains(&token.index) {
            spans.push(place.end()..place.end());
        }
        Ok(spans)
    }
}

fn highlighted(
    desk: &JobDesk,
    spot: &Spot,
    encoding: Encoding,
    job: &Job,
) -> Result<Vec<lsp::DocumentHighlight>, ViewError> {
    let place = &spot.place;
    let tokens = &desk.inspection(&place.ask, job)?.tokens;
    let mark = |index: usize, kind| {
        let range = tokens.get(index).and_then(|token| token_range(token, place, encoding));
        range.map(|range| lsp::DocumentHighlight { range: to_lsp(range), kind: Some(kind) })
    };
    let Some(token) = token_at(tokens, place, spot.byte) else { return Ok(Vec::new()) };
    let own = mark(token.index, lsp::DocumentHighlightKind::WRITE);
    let sources = match explained(desk, spot, job)? {
        Some((inspection, _)) => rests_on(&inspection),
        None => Vec::new(),
    };
    let sources = sources.into_iter().filter_map(|at| mark(at, lsp::DocumentHighlightKind::READ));
    Ok(own.into_iter().chain(sources).collect())
}

/// The explained token's own span, none for what comes next, and the span it rests on most.
fn strongest(
    desk: &JobDesk,
    spot: &Spot,
    job: &Job,
) -> Result<Option<(Option<Range<usize>>, Range<usize>)>, ViewError> {
    let place = &spot.place;
    let Some((inspection, ask)) = explained(desk, spot, job)? else { return Ok(None) };
    let attribution = &desk.attributions(&ask, job)?.attribution;
    let own = token_at(&inspection.tokens, place, spot.byte)
        .filter(|_| !spot.is_at_end())
        .and_then(|token| token_source(token, place));
    // Nothing flows from a later token.
    let n_before = (inspection.target.position + 1).min(attribution.scores.len());
    let source = strongest_span(&inspection.tokens, &attribution.scores[..n_before], place);
    Ok(source.map(|source| (own, source)))
}

/// The strongest token that supports the target, with its neighbours that are nearly as strong; where none supports it, the
/// one that opposes it most. The first token is left out: everything reads it.
fn strongest_span(tokens: &[TokenRow], scores: &[f32], place: &Place) -> Option<Range<usize>> {
    let span = |index: usize| token_source(tokens.get(index)?, place);
    let candidates = || (1..scores.len()).filter(|index| span(*index).is_some());
    let strongest = |value: fn(f32) -> f32| {
        let best = candidates().max_by(|a, b| value(scores[*a]).total_cmp(&value(scores[*b])))?;
        (value(scores[best]) > 0.0).then_some(best)
    };
    let best = strongest(|score| score).or_else(|| strongest(f32::abs))?;
    let belongs = |index: &usize| {
        span(*index).is_some()
            && scores.get(*index).is_some_and(|score| score / scores[best] >= NEIGHBOUR)
    };
    let first = (1..best).rev().take_while(belongs).last().unwrap_or(best);
    let last = (best + 1..scores.len()).take_while(belongs).last().unwrap_or(best);
    Some(span(first)?.start..span(last)?.end)
}
