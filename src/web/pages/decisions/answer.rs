//! The answer to every action on a decision: to htmx the sheet, row, tabs, counts and toasts; to a plain form a redirect
//! when it worked, and the page with the reason when it did not.

use super::find;
use super::row::row;
use super::sheet::{Dossier, SheetOptions, sheet};
use crate::domain::ids::DecisionId;
use crate::services::desk::Desk;
use crate::web::ctx::Ctx;
use crate::web::error::AppError;
use crate::web::flash;
use crate::web::pages::html;
use crate::web::pages::inbox::{self, Place};
use crate::web::pages::lens::Lens;
use crate::web::view::{DecisionUpdate, Notice, Toast, Tone};
use actix_web::HttpResponse;
use actix_web::http::StatusCode;

/// What is to be told.
pub struct Answer {
    /// About which decision.
    pub id: DecisionId,
    /// 200 when it was done.
    pub status: StatusCode,
    /// Why it was not.
    pub notice: Option<Notice>,
    /// What was.
    pub toasts: Vec<Toast>,
}

impl Answer {
    /// It was done.
    pub fn done(id: DecisionId, toast: Toast) -> Self {
        Self { id, status: StatusCode::OK, notice: None, toasts: vec![toast] }
    }
}

/// Tells it, with the decision as it now is.
///
/// # Errors
/// When the database fails.
pub async fn answer(desk: &Desk, ctx: &Ctx, place: Place, what: Answer) -> Result<HttpResponse, AppError> {
    if !ctx.is_htmx && what.notice.is_none() {
        let url = format!("/decisions/{}", what.id);
        let (tone, text) = what.toasts.first().map_or((Tone::Plain, ""), |toast| (toast.tone, toast.text.as_str()));
        return Ok(flash::redirect(ctx, &url, tone, text));
    }
    let decision = find(desk, what.id.0).await?;
    if !ctx.is_htmx {
        return inbox::page(desk, ctx, what.status, place, Some(decision), what.notice, true).await;
    }
    let dossier = Dossier::read(desk, decision).await?;
    let lens = Lens::for_decisions(desk, std::slice::from_ref(&dossier.decision)).await?;
    let options = SheetOptions { explicit: true, back_url: place.url(), notice: what.notice };
    let mut row = row(&dossier.decision, dossier.order.as_ref(), &lens);
    (row.oob, row.selected) = (true, true);
    let counts = desk.store.tab_counts(place.model).await?;
    let pending = match place.model {
        None => counts.pending,
        Some(_) => desk.store.tab_counts(None).await?.pending,
    };
    let update = DecisionUpdate {
        detail: sheet(desk, ctx, &dossier, &lens, options).await?,
        row,
        tabs: inbox::tabs(&place, counts, true),
        pending: u64::try_from(pending).unwrap_or(0),
        toasts: what.toasts,
    };
    html(what.status, &update)
}
