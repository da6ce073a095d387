//! Why a click did not do what was asked, as the card above the terms.

use super::answer::Answer;
use crate::domain::decision::{Decision, DecisionState};
use crate::domain::ids::DecisionId;
use crate::domain::risk::RiskReport;
use crate::services::decide::DecideError;
use crate::services::desk::Desk;
use crate::web::error::AppError;
use crate::web::pages::lens::Lens;
use crate::web::show;
use crate::web::view::{Notice, Tone};
use actix_web::http::StatusCode;

/// The answer to a refused click.
///
/// # Errors
/// 404 for an unknown decision; 422 for a value; 500 when the store fails.
pub async fn refused(desk: &Desk, id: DecisionId, error: DecideError) -> Result<Answer, AppError> {
    let (status, notice) = match error {
        DecideError::NotFound(_) => return Err(AppError::not_found("decision")),
        DecideError::Invalid { field, rule } => return Err(AppError::invalid([(field.to_owned(), rule)].into())),
        DecideError::Store(error) => return Err(error.into()),
        DecideError::AlreadyDecided(decision) => {
            (StatusCode::CONFLICT, Notice::conflict(who_was_first(desk, &decision)))
        }
        DecideError::Expired(decision) => {
            let since = decision.resolved_at.unwrap_or_else(|| desk.clock.now());
            (StatusCode::GONE, Notice::expired(&show::ago(since.0, desk.clock.now().0)))
        }
        DecideError::TermsChanged(_) => {
            let notice = Notice {
                text: "Nothing was sent. Look at the terms below and approve again if they still suit you.".to_owned(),
                ..Notice::conflict("The terms changed since you looked")
            };
            (StatusCode::CONFLICT, notice)
        }
        DecideError::TermsRequired(_) => {
            let why = "Real money needs the exact terms that were looked at. Approve from this sheet.";
            (StatusCode::PRECONDITION_REQUIRED, waiting("The terms are missing", why))
        }
        DecideError::PriceDrift { decision, old, new, bps } => {
            let lens = Lens::for_decisions(desk, std::slice::from_ref(&*decision)).await?;
            let shown = |price| lens.price(decision.venue, &decision.coin, price);
            let moved = show::signed_bps(bps, "").text;
            (StatusCode::CONFLICT, Notice::drift(shown(old), shown(new), &moved))
        }
        DecideError::RiskDenied { report, .. } => (StatusCode::UNPROCESSABLE_ENTITY, Notice::denied(reasons(&report))),
        DecideError::StalePrice(decision) => {
            let title = format!("There is no fresh price of {}", decision.coin);
            (StatusCode::CONFLICT, waiting(&title, "Nothing was changed. Try again when the market answers."))
        }
        DecideError::Live { refusal, .. } => {
            let text = format!("Nothing was sent: {refusal}.");
            (StatusCode::CONFLICT, waiting("The exchange's account cannot be used", &text))
        }
        DecideError::Paused(_) => {
            let text = "Nothing was sent. Resume it first; exits can be approved meanwhile.";
            (StatusCode::CONFLICT, waiting("The model is paused", text))
        }
        DecideError::Stopped(_) => {
            (StatusCode::CONFLICT, waiting("Everything is stopped", "Nothing was sent: no order leaves this desk."))
        }
        DecideError::Contended => {
            let text = "Others keep changing this account. Nothing was sent; try again.";
            (StatusCode::CONFLICT, waiting("Not this time", text))
        }
    };
    Ok(Answer { id, status, notice: Some(notice), toasts: Vec::new() })
}

/// Every rule that said no, with its words.
pub fn reasons(report: &RiskReport) -> Vec<String> {
    report.denials().map(|rule| format!("{}: {}", rule.rule.label(), rule.message)).collect()
}

fn waiting(title: &str, text: &str) -> Notice {
    Notice { text: text.to_owned(), tone: Tone::Wait, ..Notice::conflict(title) }
}

/// For example `Rejected by ann, 12 s ago`.
fn who_was_first(desk: &Desk, decision: &Decision) -> String {
    let what = match &decision.state {
        DecisionState::Ordered { approval: Some(approval), .. } => format!("Approved by {}", approval.by),
        DecisionState::Ordered { approval: None, .. } => "Ordered already".to_owned(),
        DecisionState::Rejected { by, .. } => format!("Rejected by {by}"),
        DecisionState::Cancelled { by, .. } => format!("Cancelled by {by}"),
        DecisionState::Superseded { by } => format!("Replaced by decision {by}"),
        DecisionState::Denied { .. } => "Denied by risk".to_owned(),
        DecisionState::PendingApproval { .. } => "It waits for an approval already".to_owned(),
        DecisionState::Displayed { .. } => "It is only shown, nobody was asked".to_owned(),
        _ => format!("It is {} already", decision.status()),
    };
    match decision.resolved_at {
        Some(at) => format!("{what}, {}", show::ago(at.0, desk.clock.now().0)),
        None => what,
    }
}
