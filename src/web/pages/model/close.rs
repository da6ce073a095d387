//! Closing a position by hand: asks once, sends, and says how the order stands.

use super::super::html;
use super::super::lens::{Lens, amount};
use super::super::orders::{order_badge, order_sentence};
use super::super::shell::{env_of, shell};
use super::find;
use super::parts::side_words;
use crate::domain::access::Permission;
use crate::domain::instrument::QUOTE_ASSET;
use crate::domain::market::Coin;
use crate::domain::trader::Trader;
use crate::services::desk::Desk;
use crate::services::protect::{CloseError, close_position};
use crate::services::read::{Holding, portfolio, wait_for_order};
use crate::web::ctx::Ctx;
use crate::web::error::AppError;
use crate::web::view::{ConfirmForm, FormPage, KeyValue, Nav, Tone};
use crate::web::{flash, show};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use std::time::Duration;

/// How long a click waits for its order; then the page shows how it stands and follows it.
const CLICK_WAIT: Duration = Duration::from_millis(2_000);

/// `GET /models/{id}/positions/{coin}/close`
///
/// # Errors
/// 404, or when the database fails.
pub async fn close_form(
    desk: web::Data<Desk>,
    ctx: Ctx,
    path: web::Path<(i64, String)>,
) -> Result<HttpResponse, AppError> {
    let (trader, coin) = target(&desk, path.into_inner()).await?;
    confirmation(&desk, &ctx, StatusCode::OK, &trader, &coin, "").await
}

/// `POST /models/{id}/positions/{coin}/close`
///
/// # Errors
/// 404, or when the database fails.
pub async fn close(desk: web::Data<Desk>, ctx: Ctx, path: web::Path<(i64, String)>) -> Result<HttpResponse, AppError> {
    ctx.require(Permission::Operate)?;
    let (trader, coin) = target(&desk, path.into_inner()).await?;
    let url = format!("/models/{}", trader.id);
    let order = match close_position(&desk, &trader, &coin, &ctx.actor.name()).await {
        Ok(order) => order,
        Err(CloseError::NothingHeld(_)) => {
            let text = format!("There is no open {coin} position any more. Nothing was sent.");
            return Ok(flash::redirect(&ctx, &url, Tone::Wait, &text));
        }
        Err(CloseError::Store(error)) => return Err(error.into()),
        Err(CloseError::Refused(report)) => {
            let reasons: Vec<&str> = report.denials().map(|rule| rule.message.as_str()).collect();
            let why = format!("Nothing was sent: {}.", reasons.join("; "));
            return confirmation(&desk, &ctx, StatusCode::UNPROCESSABLE_ENTITY, &trader, &coin, &why).await;
        }
        Err(error) => {
            let why = format!("Nothing was sent: {error}.");
            return confirmation(&desk, &ctx, StatusCode::CONFLICT, &trader, &coin, &why).await;
        }
    };
    let lens = Lens::read(&desk, [(order.intent.venue, coin.clone())]).await?;
    let (text, tone) = match wait_for_order(&desk, order.id, CLICK_WAIT).await? {
        Some(order) => (format!("Closing {coin}. {}", order_sentence(&order, &lens)), order_badge(&order).tone),
        None => (format!("The order that closes {coin} is on its way."), Tone::Plain),
    };
    Ok(flash::redirect(&ctx, &url, tone, &text))
}

async fn target(desk: &Desk, (id, coin): (i64, String)) -> Result<(Trader, Coin), AppError> {
    let trader = find(desk, id).await?;
    if trader.deleted_at.is_some() {
        return Err(AppError::not_found("model"));
    }
    let coin = Coin::parse(&coin).ok_or_else(|| AppError::not_found("position"))?;
    Ok((trader, coin))
}

async fn confirmation(
    desk: &Desk,
    ctx: &Ctx,
    status: StatusCode,
    trader: &Trader,
    coin: &Coin,
    error: &str,
) -> Result<HttpResponse, AppError> {
    let venue = trader.axes.venue_kind();
    let held = portfolio(desk, trader, venue).await?;
    let holding = held.as_ref().and_then(|book| book.holdings.iter().find(|holding| holding.position.coin == *coin));
    let url = format!("/models/{}", trader.id);
    let Some(holding) = holding else {
        let text = format!("There is no open {coin} position. Nothing was sent.");
        return Ok(flash::redirect(ctx, &url, Tone::Wait, &text));
    };
    let lens = Lens::read(desk, [(venue, coin.clone())]).await?;
    let quantity = format!("{} {coin}", lens.quantity(venue, coin, holding.position.quantity));
    let terms = terms(holding, trader, &quantity, &lens);
    let env = env_of(venue);
    let mut form = ConfirmForm::close_position(&ctx.csrf, trader.id.0, coin.as_str(), env, &quantity, terms);
    error.clone_into(&mut form.error);
    if ctx.is_htmx {
        return html(status, &form);
    }
    let shell = shell(desk, ctx, Nav::Models, &form.title).await?;
    html(status, &FormPage { shell, back_url: url, back: trader.name.clone(), form })
}

fn terms(holding: &Holding, trader: &Trader, quantity: &str, lens: &Lens<'_>) -> Vec<KeyValue> {
    let position = &holding.position;
    let venue = trader.axes.venue_kind();
    let dash = || show::DASH.to_owned();
    let price = |price| lens.price(venue, &position.coin, price);
    let result = holding.unrealized.map_or_else(show::unknown, |pnl| show::signed_money(pnl.decimal(), 2, QUOTE_ASSET));
    vec![
        KeyValue::new("Model", trader.name.clone()),
        KeyValue::new("Position", format!("{} {quantity}", side_words(position.side, position.leverage))),
        KeyValue::new("Entry", position.average_price().map_or_else(dash, price)),
        KeyValue::new("Price now", holding.price.map_or_else(dash, price)),
        KeyValue::new("Worth now", holding.price.map_or_else(dash, |price| amount(price * position.quantity))),
        KeyValue::new("Result before the fee", result.text),
    ]
}
