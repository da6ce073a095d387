//! The forms that ask once more, or ask for the missing value: approve, edit, reject. They open in a dialog where
//! JavaScript runs and stand on a page of their own where it does not.

use super::answer::{Answer, answer};
use super::refusal::{reasons, refused};
use super::row::noun;
use super::{find, version_of};
use crate::domain::decision::{Decision, DecisionStatus, REASON_MAX};
use crate::domain::ids::DecisionId;
use crate::domain::money::{Price, Quantity};
use crate::domain::signal::Signal;
use crate::services::decide::{self, DecideError, EditRequest, Modifications};
use crate::services::desk::Desk;
use crate::web::ctx::Ctx;
use crate::web::error::AppError;
use crate::web::form::{FormInput, Input};
use crate::web::pages::html;
use crate::web::pages::inbox::Place;
use crate::web::pages::lens::{Lens, amount};
use crate::web::pages::shell::{env_of, shell};
use crate::web::view::{ConfirmForm, Field, FieldKind, FormPage, KeyValue, Nav, Toast, Tone};
use crate::web::{hx, show};
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

/// The highest leverage that a form takes; the model's own limit is checked by the rules.
const LEVERAGE_MAX: i64 = 20;

/// `GET /decisions/{id}/approve`
///
/// # Errors
/// 404, or when the database fails.
pub async fn approve_form(desk: web::Data<Desk>, ctx: Ctx, path: web::Path<i64>) -> Result<HttpResponse, AppError> {
    let decision = find(&desk, path.into_inner()).await?;
    let Some(digest) = decision.digest().map(|digest| digest.as_str().to_owned()) else {
        return Ok(back_to(&decision, &ctx));
    };
    let lens = Lens::for_decisions(&desk, std::slice::from_ref(&decision)).await?;
    let env = env_of(decision.venue);
    let (id, version) = (decision.id.0, decision.version);
    let terms = terms(&decision, &lens);
    let form = ConfirmForm::approve(&ctx.csrf, id, version, digest, env, &noun(&decision, &lens), terms);
    form_page(&desk, &ctx, StatusCode::OK, &decision, form).await
}

/// `GET /decisions/{id}/reject`
///
/// # Errors
/// 404, or when the database fails.
pub async fn reject_form(desk: web::Data<Desk>, ctx: Ctx, path: web::Path<i64>) -> Result<HttpResponse, AppError> {
    let decision = find(&desk, path.into_inner()).await?;
    if decision.status() != DecisionStatus::Pending {
        return Ok(back_to(&decision, &ctx));
    }
    let form = rejection(&desk, &ctx, &decision, decision.version, "", "").await?;
    form_page(&desk, &ctx, StatusCode::OK, &decision, form).await
}

/// `POST /decisions/{id}/reject`
///
/// # Errors
/// When the database fails.
pub async fn reject(
    request: HttpRequest,
    desk: web::Data<Desk>,
    ctx: Ctx,
    path: web::Path<i64>,
    form: FormInput,
) -> Result<HttpResponse, AppError> {
    let id = DecisionId(path.into_inner());
    let mut form = form.0;
    let version = version_of(&mut form);
    let reason = form.text("reason", REASON_MAX).unwrap_or_default();
    if let Some(why) = form.errors().get("reason").cloned() {
        let decision = find(&desk, id.0).await?;
        let (seen, typed) = (version.unwrap_or(decision.version), form.typed("reason"));
        let form = rejection(&desk, &ctx, &decision, seen, &typed, &why).await?;
        return form_page(&desk, &ctx, StatusCode::UNPROCESSABLE_ENTITY, &decision, form).await;
    }
    form.finish()?;
    let place = Place::of_referrer(&request);
    match decide::reject(&desk, id, version, &reason, &ctx.actor.name()).await {
        Ok(_) => {
            let toast = Toast { text: "Rejected. No order is sent.".to_owned(), tone: Tone::Plain };
            answer(&desk, &ctx, place, Answer::done(id, toast)).await
        }
        Err(error) => answer(&desk, &ctx, place, refused(&desk, id, error).await?).await,
    }
}

/// `GET /decisions/{id}/edit`
///
/// # Errors
/// 404, or when the database fails.
pub async fn edit_form(desk: web::Data<Desk>, ctx: Ctx, path: web::Path<i64>) -> Result<HttpResponse, AppError> {
    let decision = find(&desk, path.into_inner()).await?;
    if decision.status() != DecisionStatus::Pending {
        return Ok(back_to(&decision, &ctx));
    }
    let form = editing(&desk, &ctx, &decision, decision.version, &Typed::of(&decision), "").await?;
    form_page(&desk, &ctx, StatusCode::OK, &decision, form).await
}

/// `POST /decisions/{id}/edit`
///
/// # Errors
/// When the database fails.
pub async fn edit(
    request: HttpRequest,
    desk: web::Data<Desk>,
    ctx: Ctx,
    path: web::Path<i64>,
    form: FormInput,
) -> Result<HttpResponse, AppError> {
    let id = DecisionId(path.into_inner());
    let decision = find(&desk, id.0).await?;
    let mut form = form.0;
    let version = version_of(&mut form);
    let modifications = modifications(&mut form, &decision);
    let mut typed = Typed::again(&form);
    let seen = version.unwrap_or(decision.version);
    let place = Place::of_referrer(&request);
    let error = if form.errors().is_empty() {
        let wish = EditRequest { id, version, modifications, by: ctx.actor.name() };
        match decide::edit(&desk, &wish).await {
            Ok(_) => {
                let text = "Terms saved and checked again. Approve them to send the order.".to_owned();
                return answer(&desk, &ctx, place, Answer::done(id, Toast { text, tone: Tone::Plain })).await;
            }
            Err(DecideError::RiskDenied { report, .. }) => {
                format!("Denied by risk. {}.", reasons(&report).join("; "))
            }
            Err(DecideError::Invalid { field, rule }) => {
                typed.wrong(field, &rule);
                String::new()
            }
            Err(error) => return answer(&desk, &ctx, place, refused(&desk, id, error).await?).await,
        }
    } else {
        String::new()
    };
    let form = editing(&desk, &ctx, &decision, seen, &typed, &error).await?;
    form_page(&desk, &ctx, StatusCode::UNPROCESSABLE_ENTITY, &decision, form).await
}

/// What the form asks for. Every field is sent; an empty stop or target takes it away.
fn modifications(form: &mut Input, decision: &Decision) -> Modifications {
    let quantity = form.required("quantity", Quantity::parse);
    if !decision.signal.is_some_and(Signal::is_entry) {
        return Modifications { quantity, ..Modifications::default() };
    }
    let leverage = form.integer("leverage", 1..=LEVERAGE_MAX).and_then(|leverage| u32::try_from(leverage).ok());
    let mut price = |name: &str| form.was_sent(name).then(|| form.optional(name, Price::parse));
    let (stop_loss, profit_target) = (price("stop_loss"), price("profit_target"));
    Modifications { quantity, leverage, profit_target, stop_loss }
}

/// What stands in the fields of the edit form, and what is wrong with each.
struct Typed(Vec<(&'static str, String, String)>);

impl Typed {
    const NAMES: [&'static str; 4] = ["quantity", "leverage", "stop_loss", "profit_target"];

    fn of(decision: &Decision) -> Self {
        let text = |name| match name {
            "quantity" => decision.quantity.map_or_else(String::new, |quantity| quantity.to_string()),
            "leverage" => decision.leverage.to_string(),
            "stop_loss" => decision.stop_loss.map_or_else(String::new, |price| price.to_string()),
            _ => decision.profit_target.map_or_else(String::new, |price| price.to_string()),
        };
        Self(Self::NAMES.iter().map(|name| (*name, text(name), String::new())).collect())
    }

    fn again(form: &Input) -> Self {
        let why = |name: &str| form.errors().get(name).cloned().unwrap_or_default();
        Self(Self::NAMES.iter().map(|name| (*name, form.typed(name), why(name))).collect())
    }

    fn wrong(&mut self, field: &str, rule: &str) {
        if let Some(entry) = self.0.iter_mut().find(|entry| entry.0 == field) {
            rule.clone_into(&mut entry.2);
        }
    }
}

async fn editing(
    desk: &Desk,
    ctx: &Ctx,
    decision: &Decision,
    version: i64,
    typed: &Typed,
    error: &str,
) -> Result<ConfirmForm, AppError> {
    let lens = Lens::for_decisions(desk, std::slice::from_ref(decision)).await?;
    let is_entry = decision.signal.is_some_and(Signal::is_entry);
    let instrument = lens.instrument(decision.venue, &decision.coin);
    let step = instrument.map(|i| format!("steps of {}", show::exact(i.step_size))).unwrap_or_default();
    let max_leverage = lens.trader(decision.trader_id).map_or(1, |trader| trader.settings.max_leverage);
    let fields = typed.0.iter().filter(|entry| is_entry || entry.0 == "quantity").map(|(name, value, why)| {
        let (label, unit, help, range) = match *name {
            "quantity" => ("Quantity", decision.coin.to_string(), "", step.clone()),
            "leverage" => ("Leverage", "×".to_owned(), "", format!("1 to {max_leverage}")),
            "stop_loss" => ("Stop", "USDT".to_owned(), "Empty for none.", String::new()),
            _ => ("Target", "USDT".to_owned(), "Empty for none.", String::new()),
        };
        let field = Field::new(*name, label, FieldKind::Number, value).unit(unit).help(help).range(range).error(why);
        if *name == "quantity" { field.required().autofocus() } else { field }
    });
    let fields: Vec<Field> = fields.collect();
    let (id, env) = (decision.id.0, env_of(decision.venue));
    Ok(ConfirmForm::edit(&ctx.csrf, id, version, env, &noun(decision, &lens), fields, error))
}

async fn rejection(
    desk: &Desk,
    ctx: &Ctx,
    decision: &Decision,
    version: i64,
    reason: &str,
    error: &str,
) -> Result<ConfirmForm, AppError> {
    let lens = Lens::for_decisions(desk, std::slice::from_ref(decision)).await?;
    let (id, env) = (decision.id.0, env_of(decision.venue));
    Ok(ConfirmForm::reject(&ctx.csrf, id, version, env, &noun(decision, &lens), reason, error))
}

/// The terms that the confirmation repeats.
fn terms(decision: &Decision, lens: &Lens<'_>) -> Vec<KeyValue> {
    let price = |price| lens.price(decision.venue, &decision.coin, price);
    let mut terms = vec![KeyValue::new("Model", lens.name(decision.trader_id))];
    let mut add = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            terms.push(KeyValue::new(name, value));
        }
    };
    add("Notional", Some(amount(decision.impact.notional)));
    add("Asked at", decision.quote.map(|quote| price(quote.price)));
    let now = lens.quote(decision.venue, decision.trader_id, &decision.coin);
    add("Price now", now.map(|quote| price(quote.price)));
    add("Worst price", decision.worst_price.map(price));
    add("Stop", decision.stop_loss.map(price));
    add("Target", decision.profit_target.map(price));
    add("Terms", decision.digest().map(|digest| format!("{} v{}", show::digest(digest.as_str()), decision.version)));
    terms
}

/// A form about something that is over leads back to how it stands.
fn back_to(decision: &Decision, ctx: &Ctx) -> HttpResponse {
    hx::redirect(&format!("/decisions/{}", decision.id), ctx.is_htmx)
}

async fn form_page(
    desk: &Desk,
    ctx: &Ctx,
    status: StatusCode,
    decision: &Decision,
    form: ConfirmForm,
) -> Result<HttpResponse, AppError> {
    if ctx.is_htmx {
        return html(status, &form);
    }
    let shell = shell(desk, ctx, Nav::Inbox, &form.title).await?;
    let back_url = format!("/decisions/{}", decision.id);
    html(status, &FormPage { shell, back_url, back: "The decision".to_owned(), form })
}
