//! Reconciliation: both sides of every account, what differs, and a person's word on it.

mod cards;

use super::html;
use super::shell::{env_of, shell};
use crate::domain::credential::AccountFingerprint;
use crate::domain::reconciliation::{Difference, REASON_MAX, RunOutcome};
use crate::services::desk::Desk;
use crate::services::reconcile::{
    ReconcileError, SettleError, adopt, begin_anew, explain, may_begin_anew, reconcile_now,
};
use crate::web::ctx::Ctx;
use crate::web::error::AppError;
use crate::web::flash;
use crate::web::form::FormInput;
use crate::web::view::{ConfirmForm, Empty, Field, FieldKind, FormPage, Nav, ReconciliationPage, Toast, Tone};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use cards::{Refused, cards};

const URL: &str = "/reconciliation";

/// `GET /reconciliation`
///
/// # Errors
/// When the database fails.
pub async fn show(desk: web::Data<Desk>, ctx: Ctx) -> Result<HttpResponse, AppError> {
    page(&desk, &ctx, StatusCode::OK, None, None).await
}

async fn page(
    desk: &Desk,
    ctx: &Ctx,
    status: StatusCode,
    notice: Option<(&AccountFingerprint, Toast)>,
    refused: Option<Refused>,
) -> Result<HttpResponse, AppError> {
    let page = ReconciliationPage {
        shell: shell(desk, ctx, Nav::Orders, "Reconciliation").await?,
        accounts: cards(desk, ctx, notice, refused.as_ref()).await?,
        empty: Empty::new(
            "No exchange account is connected.",
            "Once a model has keys of an exchange, its account is read here at once and every five minutes from then on.",
        )
        .with_action("Models", "/models"),
    };
    html(status, &page)
}

/// The account's part of the page for htmx, a redirect with a message for others.
async fn answer(
    desk: &Desk,
    ctx: &Ctx,
    account: &AccountFingerprint,
    tone: Tone,
    text: &str,
) -> Result<HttpResponse, AppError> {
    if ctx.is_htmx {
        let notice = Toast { text: text.to_owned(), tone };
        return page(desk, ctx, StatusCode::OK, Some((account, notice)), None).await;
    }
    Ok(flash::redirect(ctx, URL, tone, text))
}

/// `POST /reconciliation/{account}/run`
///
/// # Errors
/// 404, or when the database fails.
pub async fn run(desk: web::Data<Desk>, ctx: Ctx, path: web::Path<String>) -> Result<HttpResponse, AppError> {
    let account = account(&path)?;
    let (tone, text) = match reconcile_now(&desk, &account, &ctx.actor.name()).await {
        Ok(run) => {
            let tone = match run.outcome {
                RunOutcome::Agreed => Tone::Good,
                RunOutcome::Differs | RunOutcome::Wiped => Tone::Wait,
                RunOutcome::Failed => Tone::Bad,
            };
            let words = if run.outcome == RunOutcome::Failed { "Could not be reconciled" } else { "Reconciled" };
            (tone, format!("{words}: {}.", run.summary))
        }
        Err(ReconcileError::NotConnected(_)) => (Tone::Wait, "No model has keys for this account now.".to_owned()),
        Err(error @ (ReconcileError::Running | ReconcileError::Contended | ReconcileError::Overtaken)) => {
            (Tone::Wait, format!("Nothing was read: {error}. Look again in a moment."))
        }
        Err(ReconcileError::Exchange(error)) => (Tone::Bad, format!("The exchange could not be read: {error}.")),
        Err(error @ (ReconcileError::Commit(_) | ReconcileError::Store(_))) => return Err(AppError::internal(&error)),
    };
    answer(&desk, &ctx, &account, tone, &text).await
}

/// `POST /reconciliation/differences/{id}`: explain or adopt, with a reason.
///
/// # Errors
/// 404, 422, or when the database fails.
pub async fn settle(
    desk: web::Data<Desk>,
    ctx: Ctx,
    path: web::Path<i64>,
    mut form: FormInput,
) -> Result<HttpResponse, AppError> {
    let id = path.into_inner();
    let known = desk.store.difference(id).await?.ok_or_else(|| AppError::not_found("difference"))?;
    let adopts = form.word("action", &["explain", "adopt"], |word| match word {
        "explain" => Some(false),
        "adopt" => Some(true),
        _ => None,
    });
    // The use case judges the reason, so that a refused one comes back in its form.
    let reason = form.typed("reason");
    let _ = form.text("reason", usize::MAX);
    form.refuse_unknown();
    let adopts = form.0.done(adopts)?;
    let by = ctx.actor.name();
    let settled = if adopts { adopt(&desk, id, &reason, &by).await } else { explain(&desk, id, &reason, &by).await };
    let account = known.fingerprint;
    match settled {
        Ok(difference) => answer(&desk, &ctx, &account, Tone::Good, &done(&difference)).await,
        Err(SettleError::NotFound(_)) => Err(AppError::not_found("difference")),
        Err(SettleError::AlreadySettled(difference)) => {
            let by = difference.settled.as_ref().map_or_else(String::new, |(by, _)| format!(" by {by}"));
            let text = format!("Nothing was changed: it is {} already{by}.", difference.status);
            answer(&desk, &ctx, &account, Tone::Wait, &text).await
        }
        Err(error @ (SettleError::ReasonMissing | SettleError::NothingToAdopt)) => {
            let typed: String = reason.chars().take(REASON_MAX).collect();
            let refused = Refused { id, typed, why: sentence(&error.to_string()) };
            page(&desk, &ctx, StatusCode::UNPROCESSABLE_ENTITY, None, Some(refused)).await
        }
        Err(error @ (SettleError::Contended | SettleError::NotConnected)) => {
            answer(&desk, &ctx, &account, Tone::Wait, &sentence(&error.to_string())).await
        }
        Err(error) => Err(AppError::internal(&error)),
    }
}

fn done(difference: &Difference) -> String {
    let subject = format!("{} {}", difference.finding.kind.as_str().replace('_', " "), difference.finding.subject);
    format!("{}: {}.", sentence(&subject).trim_end_matches('.'), difference.status)
}

/// `GET /reconciliation/{account}/begin-anew`
///
/// # Errors
/// 404, or when the database fails.
pub async fn begin_anew_form(
    desk: web::Data<Desk>,
    ctx: Ctx,
    path: web::Path<String>,
) -> Result<HttpResponse, AppError> {
    confirmation(&desk, &ctx, StatusCode::OK, &account(&path)?, "", "").await
}

/// `POST /reconciliation/{account}/begin-anew`
///
/// # Errors
/// 404, 422, or when the database fails.
pub async fn begin(
    desk: web::Data<Desk>,
    ctx: Ctx,
    path: web::Path<String>,
    mut form: FormInput,
) -> Result<HttpResponse, AppError> {
    let account = account(&path)?;
    let reason = form.typed("reason");
    let _ = form.text("reason", usize::MAX);
    form.refuse_unknown();
    form.0.finish()?;
    match begin_anew(&desk, &account, &reason, &ctx.actor.name()).await {
        Ok(()) => {
            Ok(flash::redirect(&ctx, URL, Tone::Good, "The account begins anew: what it holds now is its baseline."))
        }
        Err(SettleError::Store(error)) => Err(error.into()),
        Err(SettleError::NotWiped) => {
            Ok(flash::redirect(&ctx, URL, Tone::Wait, "It has not forgotten us: nothing was changed."))
        }
        Err(error) => {
            let typed: String = reason.chars().take(REASON_MAX).collect();
            let why = format!("Nothing was changed: {error}.");
            confirmation(&desk, &ctx, StatusCode::UNPROCESSABLE_ENTITY, &account, &typed, &why).await
        }
    }
}

async fn confirmation(
    desk: &Desk,
    ctx: &Ctx,
    status: StatusCode,
    account: &AccountFingerprint,
    typed: &str,
    error: &str,
) -> Result<HttpResponse, AppError> {
    let known = desk.store.known_accounts().await?.into_iter().find(|known| &known.fingerprint == account);
    let known = known.ok_or_else(|| AppError::not_found("account"))?;
    if !may_begin_anew(desk, &known).await? {
        return Ok(flash::redirect(ctx, URL, Tone::Wait, "It has not forgotten us: there is nothing to begin anew."));
    }
    let action = format!("{URL}/{account}/begin-anew");
    let reason = Field::new("reason", "Reason", FieldKind::Text, typed)
        .help("Kept with the audit trail.")
        .required()
        .autofocus();
    let form = ConfirmForm {
        lead: "What the account holds now becomes its baseline. Positions of the models on it are written off at what \
               they cost, by lines of their ledgers, and their open orders end. Nothing is erased."
            .into(),
        env: Some(env_of(known.venue)),
        error: error.to_owned(),
        fields: vec![reason],
        danger: true,
        cancel_url: URL.to_owned(),
        cancel: "Leave as it is".into(),
        ..ConfirmForm::new(&ctx.csrf, action, format!("Begin anew with {account}?"), "Write off and begin anew")
    };
    if ctx.is_htmx {
        return html(status, &form);
    }
    let shell = shell(desk, ctx, Nav::Orders, "Begin anew").await?;
    html(status, &FormPage { shell, back_url: URL.to_owned(), back: "Reconciliation".to_owned(), form })
}

fn account(text: &str) -> Result<AccountFingerprint, AppError> {
    AccountFingerprint::parse(text).ok_or_else(|| AppError::not_found("account"))
}

/// With a capital and a full stop.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().collect::<String>()).unwrap_or_default();
    format!("{first}{}.", letters.as_str().trim_end_matches('.'))
}
