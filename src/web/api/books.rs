//! A model's books: what it holds, what it traded, how much of each limit is used. Books are never mixed.

use super::decision_row::rules;
use super::decisions::with_json;
use super::execution;
use super::wire::{any_model, environment, list, model, number, percent, read_book, read_page, time};
use crate::domain::market::Coin;
use crate::domain::risk::RuleStatus;
use crate::domain::time::Timestamp;
use crate::ports::store::TradeRow;
use crate::services::desk::Desk;
use crate::services::protect::{CloseError, close_position};
use crate::services::read::{self, Holding, Portfolio, risk_status_of};
use crate::web::ctx::Ctx;
use crate::web::error::AppError;
use crate::web::form::{JsonInput, QueryInput};
use crate::web::show::sentence;
use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use serde::Serialize;
use serde_json::Number;
use utoipa::ToSchema;

/// Points of the account's curve in one answer.
const HISTORY_POINTS: u32 = 500;

/// A book as it stands.
#[derive(Serialize, ToSchema)]
pub struct PortfolioAnswer {
    /// Cash and positions now.
    pub portfolio: PortfolioRow,
    /// The account's worth over time, oldest first.
    pub account_value_history: Vec<ValuePoint>,
}

/// Cash and positions now.
#[derive(Serialize, ToSchema)]
pub struct PortfolioRow {
    /// Free quote money.
    pub cash: String,
    /// Open positions.
    pub positions: Vec<PositionRow>,
    /// What the positions add to the account; null while a price is unknown.
    pub positions_value: Option<String>,
    /// Cash and positions; null while a price is unknown.
    pub total_value: Option<String>,
    /// Result of what was closed, less all fees so far but those that the exchange account paid in another asset, such as
    /// BNB: initial capital + realized + unrealized = total.
    pub realized_pnl: String,
    /// Result of what is held; null while a price is unknown.
    pub unrealized_pnl: Option<String>,
}

/// An open position.
#[derive(Serialize, ToSchema)]
pub struct PositionRow {
    /// The coin.
    pub coin: String,
    /// `long` or `short`.
    pub side: &'static str,
    /// Base held.
    pub quantity: String,
    /// Average entry price.
    pub avg_price: Option<String>,
    /// Leverage of the latest entry.
    pub leverage: u32,
    /// Price now; null when unknown.
    pub current_price: Option<String>,
    /// Unrealised result; null while the price is unknown.
    pub pnl: Option<String>,
    /// Price at which to give up.
    pub stop_loss: Option<String>,
    /// Price at which to take profit.
    pub profit_target: Option<String>,
}

/// A point of the curve.
#[derive(Serialize, ToSchema)]
pub struct ValuePoint {
    /// Market time.
    pub at: String,
    /// Cash and positions.
    pub value: String,
}

/// One executed order, summed over its fills.
#[derive(Serialize, ToSchema)]
pub struct TradeAnswer {
    /// The order: `GET /api/orders/{id}`.
    pub id: i64,
    /// Whose.
    pub model_id: i64,
    /// The decision behind it; null for stops, targets and closes by hand.
    pub decision_id: Option<i64>,
    /// `simulation` or `live`.
    pub environment: &'static str,
    /// `simulation`, `testnet` or `mainnet`.
    pub book: &'static str,
    /// Why: `decision`, `protective`, `operator_close`, `flatten` or `liquidation`.
    pub cause: &'static str,
    /// The coin.
    pub coin: String,
    /// Its market.
    pub symbol: String,
    /// `buy` or `sell`.
    pub side: &'static str,
    /// Side of the position that it opened or closed.
    pub position_side: &'static str,
    /// Whether it opened exposure.
    pub is_entry: bool,
    /// Base executed.
    pub quantity: String,
    /// Average price.
    pub price: String,
    /// Price x quantity.
    pub value: String,
    /// Fees, in quote.
    pub fees: String,
    /// Realised by this order, before fees; null for an entry.
    pub pnl: Option<String>,
    /// Market time of the last fill.
    pub at: String,
}

/// How much of a limit is used.
#[derive(Serialize, ToSchema)]
pub struct RiskStatusRow {
    /// For example `POSITION_SIZE`.
    pub rule: &'static str,
    /// The figure now; null when unknown.
    #[schema(value_type = Option<f64>)]
    pub current: Option<Number>,
    /// The limit.
    #[schema(value_type = f64)]
    pub limit: Number,
    /// Unit of both; may be empty.
    pub unit: &'static str,
    /// Share of the limit that is used, in per cent.
    #[schema(value_type = Option<f64>)]
    pub used_pct: Option<Number>,
    /// `ok`, `warning`, `breached` or `unknown`.
    pub status: &'static str,
}

/// `GET /api/models/{id}/portfolio`
///
/// # Errors
/// 404 for an unknown model or a book that was never opened, 422.
pub async fn portfolio(desk: Data<Desk>, id: Path<i64>, query: QueryInput) -> Result<HttpResponse, AppError> {
    let portfolio = read_portfolio(&desk, *id, query).await?.1;
    let history = desk.store.equity_history(portfolio.view.book.id, Timestamp(0), HISTORY_POINTS).await?;
    let points =
        history.into_iter().map(|point| ValuePoint { at: time(point.at), value: point.equity.round().to_string() });
    Ok(HttpResponse::Ok()
        .json(PortfolioAnswer { portfolio: PortfolioRow::of(&portfolio), account_value_history: points.collect() }))
}

async fn read_portfolio(
    desk: &Desk,
    id: i64,
    mut query: QueryInput,
) -> Result<(crate::domain::trader::Trader, Portfolio), AppError> {
    let book = read_book(&mut query);
    query.refuse_unknown();
    query.0.finish()?;
    let trader = any_model(desk, id).await?;
    let venue = book.unwrap_or_else(|| trader.axes.venue_kind());
    let portfolio = read::portfolio(desk, &trader, venue).await?;
    Ok((trader, portfolio.ok_or_else(|| AppError::not_found("book of this model"))?))
}

impl PortfolioRow {
    fn of(portfolio: &Portfolio) -> Self {
        let book = &portfolio.view.book;
        let valuation = portfolio.valuation;
        Self {
            cash: book.cash.round().to_string(),
            positions: portfolio.holdings.iter().map(PositionRow::of).collect(),
            positions_value: valuation.map(|value| value.positions_value.round().to_string()),
            total_value: valuation.map(|value| value.equity.round().to_string()),
            realized_pnl: (book.realized - book.fees).round().to_string(),
            unrealized_pnl: valuation.map(|value| value.unrealized.round().to_string()),
        }
    }
}

impl PositionRow {
    fn of(holding: &Holding) -> Self {
        let position = &holding.position;
        Self {
            coin: position.coin.to_string(),
            side: position.side.as_str(),
            quantity: position.quantity.to_string(),
            avg_price: position.average_price().map(|price| price.to_string()),
            leverage: position.leverage,
            current_price: holding.price.map(|price| price.to_string()),
            pnl: holding.unrealized.map(|pnl| pnl.round().to_string()),
            stop_loss: position.stop_loss.map(|price| price.to_string()),
            profit_target: position.profit_target.map(|price| price.to_string()),
        }
    }
}

/// `GET /api/models/{id}/trades`
///
/// # Errors
/// 404, 422.
pub async fn trades(desk: Data<Desk>, id: Path<i64>, mut query: QueryInput) -> Result<HttpResponse, AppError> {
    let book = read_book(&mut query);
    let page = read_page(&mut query);
    query.refuse_unknown();
    query.0.finish()?;
    let trader = any_model(&desk, *id).await?;
    let venue = book.unwrap_or_else(|| trader.axes.venue_kind());
    let trades = desk.store.trades(trader.id, venue, page).await?;
    let rows: Vec<TradeAnswer> = trades.iter().map(TradeAnswer::of).collect();
    Ok(list(&rows, page, rows.last().map(|row| row.id)))
}

impl TradeAnswer {
    fn of(trade: &TradeRow) -> Self {
        Self {
            id: trade.order_id.0,
            model_id: trade.trader_id.0,
            decision_id: (trade.cause.kind() == "decision").then(|| trade.cause.id()),
            environment: environment(trade.venue).as_str(),
            book: trade.venue.as_str(),
            cause: trade.cause.kind(),
            coin: trade.coin.to_string(),
            symbol: trade.symbol.to_string(),
            side: trade.side.as_str(),
            position_side: trade.position_side.as_str(),
            is_entry: trade.is_entry,
            quantity: trade.quantity.to_string(),
            price: trade.price.to_string(),
            value: trade.value.round().to_string(),
            fees: trade.fees.to_string(),
            pnl: trade.realized.map(|pnl| pnl.round().to_string()),
            at: time(trade.at),
        }
    }
}

/// `GET /api/models/{id}/risk-status`
///
/// # Errors
/// 404, 422.
pub async fn risk_status(desk: Data<Desk>, id: Path<i64>, query: QueryInput) -> Result<HttpResponse, AppError> {
    let (trader, portfolio) = read_portfolio(&desk, *id, query).await?;
    let rows: Vec<RiskStatusRow> = risk_status_of(&trader, &portfolio).iter().map(RiskStatusRow::of).collect();
    Ok(HttpResponse::Ok().json(rows))
}

impl RiskStatusRow {
    fn of(status: &RuleStatus) -> Self {
        Self {
            rule: status.rule.as_str(),
            current: status.current.map(percent),
            limit: number(status.limit),
            unit: status.unit,
            used_pct: status.used_pct.map(percent),
            status: status.level.as_str(),
        }
    }
}

/// `POST /api/models/{id}/positions/{coin}/close`: everything that is held in the current book; waits up to 15 s.
///
/// # Errors
/// 404 when nothing is held, 409, 422.
pub async fn close(
    desk: Data<Desk>,
    ctx: Ctx,
    path: Path<(i64, String)>,
    mut input: JsonInput,
) -> Result<HttpResponse, AppError> {
    input.refuse_unknown();
    input.0.finish()?;
    let (id, coin) = path.into_inner();
    let trader = model(&desk, id).await?;
    let coin = Coin::parse(&coin).ok_or_else(|| AppError::not_found("position"))?;
    match close_position(&desk, &trader, &coin, &ctx.actor.name()).await {
        Ok(order) => execution::answer(&desk, order.id).await,
        Err(error) => Err(close_error(error)),
    }
}

fn close_error(error: CloseError) -> AppError {
    let words = sentence(&error.to_string());
    match error {
        CloseError::NothingHeld(_) => AppError::not_found("position"),
        CloseError::Live(refusal) => AppError::live(&refusal),
        CloseError::Dust(_) => AppError::unprocessable("dust", words),
        CloseError::Stopped => AppError::conflict("emergency_stop", words),
        CloseError::Refused(report) => {
            with_json(AppError::unprocessable("risk_denied", words), "rules", &rules(&report))
        }
        CloseError::Contended => AppError::conflict("contended", words),
        CloseError::Store(error) => error.into(),
    }
}
