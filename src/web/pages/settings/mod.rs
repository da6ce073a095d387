//! A model's settings: the three toggles, and everything else in one form that is saved as a whole or not at all.

mod axes;
mod fields;

pub use axes::{panel, set_automation, set_environment, set_exchange_environment};
pub use fields::{Filled, groups, read};

use super::html;
use super::lens::amount;
use super::shell::shell;
use crate::domain::money::Money;
use crate::domain::trader::Trader;
use crate::domain::trader_settings::spec;
use crate::services::desk::Desk;
use crate::services::models::{self, ModelEdit, ModelError};
use crate::services::read::portfolio;
use crate::web::api::models::model_error;
use crate::web::api::wire::model;
use crate::web::ctx::Ctx;
use crate::web::error::AppError;
use crate::web::form::FormInput;
use crate::web::pages::credentials::{self, Told};
use crate::web::view::{AxisPanel, CredentialsPanel, Nav, SettingsPage, Tone};
use crate::web::{flash, show};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use std::collections::BTreeMap;

/// Decimals of a drawdown in per cent.
const DRAWDOWN_PLACES: u32 = 1;

/// `GET /models/{id}/settings`
///
/// # Errors
/// 404, or when the database fails.
pub async fn show(desk: web::Data<Desk>, ctx: Ctx, path: web::Path<i64>) -> Result<HttpResponse, AppError> {
    let trader = model(&desk, *path).await?;
    let panel = panel(&desk, &ctx, &trader).await?;
    page(&desk, &ctx, StatusCode::OK, &trader, panel, &Filled::of(&trader.settings)).await
}

/// The page with what was just done with an exchange key.
///
/// # Errors
/// When the database fails.
pub async fn page_with_keys(
    desk: &Desk,
    ctx: &Ctx,
    status: StatusCode,
    trader: &Trader,
    told: Told,
) -> Result<HttpResponse, AppError> {
    let axes = panel(desk, ctx, trader).await?;
    let keys = credentials::panel(desk, ctx, trader, Some(told)).await?;
    whole(desk, ctx, status, trader, (axes, keys), &Filled::of(&trader.settings)).await
}

/// `POST /models/{id}/settings`: all or nothing; what was typed stays in a form that is refused.
///
/// # Errors
/// 404, 422, or when the database fails.
pub async fn save(
    desk: web::Data<Desk>,
    ctx: Ctx,
    path: web::Path<i64>,
    mut form: FormInput,
) -> Result<HttpResponse, AppError> {
    let trader = model(&desk, *path).await?;
    let settings = read(&mut form);
    form.refuse_unknown();
    form.0.finish()?;
    let edit = ModelEdit { settings, ..ModelEdit::default() };
    match models::edit(&desk, trader.id, &edit, &ctx.actor.name()).await {
        Ok(now) => {
            let cancelled = now.settings.order_style != trader.settings.order_style;
            let tail = if cancelled { " The order style changed, so what was waiting was cancelled." } else { "" };
            let text = format!("Settings of {} saved.{tail}", now.name);
            Ok(flash::redirect(&ctx, &format!("/models/{}/settings", now.id), Tone::Good, &text))
        }
        Err(ModelError::Invalid(errors)) => {
            let panel = panel(&desk, &ctx, &trader).await?;
            let filled = Filled::of(&trader.settings).with(&edit.settings, errors);
            page(&desk, &ctx, StatusCode::UNPROCESSABLE_ENTITY, &trader, panel, &filled).await
        }
        Err(error) => Err(model_error(error)),
    }
}

/// The page with a panel and a form as they are.
async fn page(
    desk: &Desk,
    ctx: &Ctx,
    status: StatusCode,
    trader: &Trader,
    axes: AxisPanel,
    filled: &Filled,
) -> Result<HttpResponse, AppError> {
    let keys = credentials::panel(desk, ctx, trader, None).await?;
    whole(desk, ctx, status, trader, (axes, keys), filled).await
}

async fn whole(
    desk: &Desk,
    ctx: &Ctx,
    status: StatusCode,
    trader: &Trader,
    (axes, credentials): (AxisPanel, CredentialsPanel),
    filled: &Filled,
) -> Result<HttpResponse, AppError> {
    let (high_water_mark, drawdown) = mark(desk, trader).await?;
    let page = SettingsPage {
        shell: shell(desk, ctx, Nav::Models, format!("Settings of {}", trader.name)).await?,
        id: trader.id.0,
        name: trader.name.clone(),
        axes,
        credentials,
        error: refused(&filled.errors),
        groups: groups(desk, filled).await,
        high_water_mark,
        drawdown,
    };
    html(status, &page)
}

/// Which fields were refused, in a sentence.
fn refused(errors: &BTreeMap<String, String>) -> String {
    let labels: Vec<&str> = errors.keys().map(|key| spec(key).map_or(key.as_str(), |spec| spec.label)).collect();
    match labels.as_slice() {
        [] => String::new(),
        [one] => format!("{one} needs another look. Nothing was saved."),
        many => format!("{} fields need another look: {}. Nothing was saved.", many.len(), many.join(", ")),
    }
}

/// The high-water mark of the current book and how far below it the equity is.
async fn mark(desk: &Desk, trader: &Trader) -> Result<(String, String), AppError> {
    let unknown = || show::DASH.to_owned();
    let Some(portfolio) = portfolio(desk, trader, trader.axes.venue_kind()).await? else {
        return Ok((unknown(), unknown()));
    };
    let mut book = portfolio.view.book;
    let equity: Option<Money> = portfolio.valuation.map(|valuation| valuation.equity);
    if let Some(equity) = equity {
        book.observe(equity, portfolio.at);
    }
    let below = equity.and_then(|equity| (book.high_water_mark - equity).percent_of(book.high_water_mark));
    let below = below.map_or_else(unknown, |below| show::percent(below, DRAWDOWN_PLACES));
    Ok((amount(book.high_water_mark), below))
}
