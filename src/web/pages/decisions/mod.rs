//! One decision: its page, and what a person does with it. Every answer shows the decision as it now *is*, also when
//! somebody else was quicker; all of it works as plain forms without JavaScript.

mod answer;
mod forms;
mod refusal;
mod row;
mod sheet;

pub use forms::{approve_form, edit, edit_form, reject, reject_form};
pub use row::{badge, drift, line_row, noun, row, side_of, title};
pub use sheet::{Dossier, SheetOptions, rule_row, sheet};

use crate::domain::decision::Decision;
use crate::domain::ids::DecisionId;
use crate::services::decide::{self, ApproveRequest};
use crate::services::desk::Desk;
use crate::services::read::wait_for_order;
use crate::web::ctx::Ctx;
use crate::web::error::AppError;
use crate::web::form::{FormInput, Input};
use crate::web::pages::html;
use crate::web::pages::inbox::{self, Place};
use crate::web::pages::lens::Lens;
use crate::web::pages::orders::{order_badge, order_sentence};
use crate::web::view::{Toast, Tone};
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use answer::{Answer, answer};
use refusal::refused;
use std::time::Duration;

/// How long a click waits for its order; then the page shows how it stands and follows it.
const CLICK_WAIT: Duration = Duration::from_millis(1_500);
/// The longest digest that is read, in characters.
const DIGEST_MAX: usize = 64;

/// `GET /decisions/{id}`: the inbox with this decision beside it; to htmx, the sheet alone.
///
/// # Errors
/// 404, or when the database fails.
pub async fn show(
    request: HttpRequest,
    desk: web::Data<Desk>,
    ctx: Ctx,
    path: web::Path<i64>,
) -> Result<HttpResponse, AppError> {
    let decision = find(&desk, path.into_inner()).await?;
    let place = Place::of_referrer(&request);
    if !ctx.is_htmx {
        return inbox::page(&desk, &ctx, StatusCode::OK, place, Some(decision), None, true).await;
    }
    // A sheet that refreshes itself beside the list stays beside it; one that was clicked on takes a narrow screen over.
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or("");
    let refreshes = header("hx-trigger") == "detail" && place.is_list;
    let options = SheetOptions { explicit: !refreshes, back_url: place.url(), notice: None };
    let dossier = Dossier::read(&desk, decision).await?;
    let lens = Lens::for_decisions(&desk, std::slice::from_ref(&dossier.decision)).await?;
    html(StatusCode::OK, &sheet(&desk, &ctx, &dossier, &lens, options).await?)
}

/// `GET /fragments/decisions/{id}/row`: the row as it now is.
///
/// # Errors
/// 404, or when the database fails.
pub async fn row_fragment(
    request: HttpRequest,
    desk: web::Data<Desk>,
    path: web::Path<i64>,
) -> Result<HttpResponse, AppError> {
    let decision = find(&desk, path.into_inner()).await?;
    let lens = Lens::for_decisions(&desk, std::slice::from_ref(&decision)).await?;
    let order = inbox::order_of(&desk, &decision).await?;
    let mut shown = row(&decision, order.as_ref(), &lens);
    shown.selected = inbox::current_path(&request) == Some(format!("/decisions/{}", decision.id));
    html(StatusCode::OK, &shown)
}

/// `POST /decisions/{id}/approve`: re-checks everything, journals the order, and shows how it stands.
///
/// # Errors
/// When the database fails.
pub async fn approve(
    request: HttpRequest,
    desk: web::Data<Desk>,
    ctx: Ctx,
    path: web::Path<i64>,
    form: FormInput,
) -> Result<HttpResponse, AppError> {
    let id = DecisionId(path.into_inner());
    let mut form = form.0;
    let version = version_of(&mut form);
    let digest = form.text("digest", DIGEST_MAX);
    form.finish()?;
    let wish = ApproveRequest { id, version, digest, modifications: None, by: ctx.actor.name() };
    let place = Place::of_referrer(&request);
    match decide::approve(&desk, &wish).await {
        Ok((decision, order)) => {
            let order = wait_for_order(&desk, order, CLICK_WAIT).await?;
            let lens = Lens::for_decisions(&desk, std::slice::from_ref(&decision)).await?;
            let toast = order.map_or_else(
                || Toast { text: "Approved; the order is on its way.".to_owned(), tone: Tone::Plain },
                |order| Toast { text: order_sentence(&order, &lens), tone: order_badge(&order).tone },
            );
            answer(&desk, &ctx, place, Answer::done(id, toast)).await
        }
        Err(error) => answer(&desk, &ctx, place, refused(&desk, id, error).await?).await,
    }
}

/// `POST /decisions/{id}/request-approval`: a shown decision starts to wait for a person.
///
/// # Errors
/// When the database fails.
pub async fn request_approval(
    request: HttpRequest,
    desk: web::Data<Desk>,
    ctx: Ctx,
    path: web::Path<i64>,
) -> Result<HttpResponse, AppError> {
    let id = DecisionId(path.into_inner());
    let place = Place::of_referrer(&request);
    match decide::request_approval(&desk, id, &ctx.actor.name()).await {
        Ok(_) => {
            let text = "Checked again on current data. It waits for an approval now.".to_owned();
            answer(&desk, &ctx, place, Answer::done(id, Toast { text, tone: Tone::Plain })).await
        }
        Err(error) => answer(&desk, &ctx, place, refused(&desk, id, error).await?).await,
    }
}

/// The version that was looked at, as the form says.
fn version_of(form: &mut Input) -> Option<i64> {
    form.integer("version", 1..=i64::MAX)
}

async fn find(desk: &Desk, id: i64) -> Result<Decision, AppError> {
    desk.store.decision(DecisionId(id)).await?.ok_or_else(|| AppError::not_found("decision"))
}
