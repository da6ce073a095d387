//! What a model was asked and what it answered, to be searched.

use super::cycles::bill;
use super::html;
use super::models::rows;
use super::shell::shell;
use crate::domain::ai_cost::{AiCall, AiPurpose};
use crate::domain::cycle::{AnswerGrade, Cycle};
use crate::domain::ids::TraderId;
use crate::domain::trader::Trader;
use crate::ports::store::{CONVERSATIONS_SEARCHED, ConversationFilter, Page};
use crate::services::desk::Desk;
use crate::web::api::activity::SEARCH_MAX;
use crate::web::ctx::Ctx;
use crate::web::error::AppError;
use crate::web::form::QueryInput;
use crate::web::show;
use crate::web::view::{Badge, Choice, ConversationsPage, Empty, Nav, SaidRow, Tone};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use rust_decimal::Decimal;

/// Rows of one page of the list.
const ROWS: u32 = 20;
/// Characters of a text that are shown in the list; the cycle's page shows all of them.
const TEXT_SHOWN: usize = 12_000;

/// `GET /models/{id}/conversations`: `?q=` looks for a text, `?answer=` for how much of the answer could be used.
///
/// # Errors
/// 404, or when the database fails.
pub async fn list(
    desk: web::Data<Desk>,
    ctx: Ctx,
    path: web::Path<i64>,
    mut query: QueryInput,
) -> Result<HttpResponse, AppError> {
    let trader = desk.store.trader(TraderId(*path)).await?.ok_or_else(|| AppError::not_found("model"))?;
    let filter = ConversationFilter {
        text: query.text("q", SEARCH_MAX).map(|text| text.trim().to_owned()).unwrap_or_default(),
        answer: query.text("answer", SEARCH_MAX).and_then(|word| AnswerGrade::parse(&word)),
    };
    let before = query.integer("cursor", 1..=i64::MAX);
    // One more than is shown tells whether there is an older page.
    let mut found = desk.store.conversations(trader.id, &filter, Page { before, limit: ROWS + 1 }).await?;
    let has_older = found.cycles.len() > ROWS as usize;
    found.cycles.truncate(ROWS as usize);
    let ids: Vec<_> = found.cycles.iter().map(|cycle| cycle.id).collect();
    let calls = desk.store.calls_of_cycles(&ids).await?;
    let url = |before: Option<i64>| url(trader.id, &filter, before);
    let last = found.cycles.last().map(|cycle| cycle.id.0);
    let now = desk.clock.now().0;
    let page = ConversationsPage {
        shell: shell(&desk, &ctx, Nav::Models, format!("Conversations of {}", trader.name)).await?,
        id: trader.id.0,
        name: trader.name.clone(),
        state: rows::state(&trader),
        advisor: rows::advisor(&desk, &trader),
        q_max: SEARCH_MAX,
        answers: answers(filter.answer),
        note: if found.is_cut { note() } else { String::new() },
        empty: empty(&trader, &filter),
        newest_url: before.map(|_| url(None)),
        older_url: last.filter(|_| has_older).map(|last| url(Some(last))),
        rows: found.cycles.into_iter().map(|cycle| row(cycle, &calls, now)).collect(),
        q: filter.text,
    };
    html(StatusCode::OK, &page)
}

fn url(trader: TraderId, filter: &ConversationFilter, before: Option<i64>) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    if !filter.text.is_empty() {
        query.append_pair("q", &filter.text);
    }
    if let Some(answer) = filter.answer {
        query.append_pair("answer", answer.as_str());
    }
    if let Some(before) = before {
        query.append_pair("cursor", &before.to_string());
    }
    format!("/models/{trader}/conversations?{}", query.finish()).trim_end_matches('?').to_owned()
}

fn note() -> String {
    let newest = show::number(Decimal::from(CONVERSATIONS_SEARCHED), 0);
    format!("Only the newest {newest} conversations are looked through.")
}

fn empty(trader: &Trader, filter: &ConversationFilter) -> Empty {
    if filter.is_empty() {
        return Empty::new("No conversation yet.", format!("What {} is asked and answers is kept here.", trader.name));
    }
    Empty::new("Nothing found.", "Letters of either case are found, and every character stands for itself.")
        .with_action("All conversations", format!("/models/{}/conversations", trader.id))
}

fn answers(chosen: Option<AnswerGrade>) -> Vec<Choice> {
    let mut choices = vec![Choice::new("", "Any answer", chosen.is_none())];
    choices.extend(AnswerGrade::ALL.iter().map(|grade| {
        let word = answer_word(*grade);
        let label = word[..1].to_uppercase() + &word[1..];
        Choice::new(grade.as_str(), label, chosen == Some(*grade))
    }));
    choices
}

const fn answer_word(grade: AnswerGrade) -> &'static str {
    match grade {
        AnswerGrade::Used => "used",
        AnswerGrade::Partly => "partly used",
        AnswerGrade::Unusable => "unusable",
        AnswerGrade::None => "no answer",
    }
}

fn badge(cycle: &Cycle) -> Badge {
    let tone = match cycle.answer {
        Some(AnswerGrade::Used) => Tone::Good,
        Some(AnswerGrade::Partly) => Tone::Wait,
        Some(AnswerGrade::Unusable | AnswerGrade::None) => Tone::Bad,
        None => Tone::Plain,
    };
    let word = match cycle.answer {
        Some(grade) => answer_word(grade),
        None if cycle.asked.is_empty() => "sent in",
        None => "rules",
    };
    Badge { text: word.to_owned(), tone }
}

fn row(cycle: Cycle, calls: &[AiCall], now: i64) -> SaidRow {
    let its_own = |call: &&AiCall| call.cycle_id == cycle.id && call.purpose == AiPurpose::Cycle;
    let calls: Vec<&AiCall> = calls.iter().filter(its_own).collect();
    let (asked, is_asked_cut) = beginning(&cycle.asked);
    let (answered, is_answered_cut) = beginning(&cycle.answered);
    SaidRow {
        cycle_id: cycle.id.0,
        at: show::when(cycle.started_at.0, now),
        answer: badge(&cycle),
        bill: bill(&calls).map(|bill| bill.join(" · ")).unwrap_or_default(),
        asked: asked.to_owned(),
        answered: answered.to_owned(),
        is_cut: is_asked_cut || is_answered_cut,
    }
}

/// The beginning of a text, and whether more follows.
fn beginning(text: &str) -> (&str, bool) {
    match text.char_indices().nth(TEXT_SHOWN) {
        Some((end, _)) => (&text[..end], true),
        None => (text, false),
    }
}
