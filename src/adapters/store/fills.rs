//! Fills, and trades: executed orders with what their fills did.

use super::entity::fill::{ActiveModel, Column, Entity, Model};
use super::entity::order as orders;
use super::ledger;
use super::order_rows::{cause_of, purpose_of};
use super::row::{Row, failed, money, of_money, of_price, of_quantity, of_symbol, rows_of};
use super::write::{Tx, insert_all};
use crate::domain::fill::Fill;
use crate::domain::ids::{BookId, FillId, OrderId, TraderId};
use crate::domain::market::Symbol;
use crate::domain::money::Money;
use crate::domain::signal::Side;
use crate::domain::time::Timestamp;
use crate::domain::venue_kind::VenueKind;
use crate::ports::store::{CommitError, Page, StoreError, TradeRow};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
};
use std::collections::BTreeMap;

const READING: &str = "reading fills";
const READING_TRADES: &str = "reading trades";

fn row_of(fill: &Fill) -> Model {
    Model {
        id: fill.id.0,
        order_id: fill.order_id.0,
        trader_id: fill.trader_id.0,
        book_id: fill.book_id.0,
        venue: fill.venue.as_str().to_owned(),
        coin: fill.coin.as_str().to_owned(),
        symbol: of_symbol(&fill.symbol),
        trade_id: fill.trade_id,
        side: fill.side.as_str().to_owned(),
        price: of_price(fill.price),
        quantity: of_quantity(fill.quantity),
        fee: of_money(fill.fee),
        fee_asset: fill.fee_asset.as_str().to_owned(),
        fee_value: of_money(fill.fee_value),
        is_maker: fill.is_maker,
        at: fill.at.0,
    }
}

fn fill_of(model: Model) -> Result<Fill, StoreError> {
    let row = Row::new("fills", model.id);
    Ok(Fill {
        id: FillId(model.id),
        order_id: OrderId(model.order_id),
        trader_id: TraderId(model.trader_id),
        book_id: BookId(model.book_id),
        venue: row.word("venue", &model.venue, VenueKind::parse)?,
        coin: row.coin("coin", &model.coin)?,
        trade_id: model.trade_id,
        side: row.word("side", &model.side, Side::parse)?,
        price: row.price("price", model.price)?,
        quantity: row.quantity("quantity", model.quantity)?,
        fee: money(model.fee),
        fee_asset: row.coin("fee_asset", &model.fee_asset)?,
        fee_value: money(model.fee_value),
        is_maker: model.is_maker,
        at: Timestamp(model.at),
        symbol: Symbol(model.symbol),
    })
}

pub(super) async fn of_order(db: &impl ConnectionTrait, id: OrderId) -> Result<Vec<Fill>, StoreError> {
    let query = Entity::find().filter(Column::OrderId.eq(id.0)).order_by_asc(Column::Id);
    query.all(db).await.map_err(failed(READING))?.into_iter().map(fill_of).collect()
}

/// The unique index over (venue, symbol, trade id) refuses an execution that is known already.
pub(super) async fn insert(tx: &Tx, fills: &[Fill]) -> Result<(), CommitError> {
    let rows = fills.iter().map(|fill| row_of(fill).into_active_model().reset_all()).collect();
    insert_all::<ActiveModel>(tx, rows, "writing fills", "fill").await
}

/// Executed orders, with the time of the last fill and the realised result of each: three queries a page.
pub(super) async fn trades(
    db: &impl ConnectionTrait,
    trader: TraderId,
    venue: VenueKind,
    page: Page,
) -> Result<Vec<TradeRow>, StoreError> {
    let mut query = orders::Entity::find()
        .filter(orders::Column::TraderId.eq(trader.0))
        .filter(orders::Column::Venue.eq(venue.as_str()))
        .filter(orders::Column::Executed.eq(true))
        .order_by_desc(orders::Column::Id)
        .limit(rows_of(page));
    if let Some(before) = page.before {
        query = query.filter(orders::Column::Id.lt(before));
    }
    let executed = query.all(db).await.map_err(failed(READING_TRADES))?;
    let ids: Vec<i64> = executed.iter().map(|order| order.id).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let last_fills: Vec<(i64, Option<i64>)> = Entity::find()
        .select_only()
        .column(Column::OrderId)
        .column_as(Column::At.max(), "last_at")
        .filter(Column::OrderId.is_in(ids.iter().copied()))
        .group_by(Column::OrderId)
        .into_tuple()
        .all(db)
        .await
        .map_err(failed(READING_TRADES))?;
    let last_fills: BTreeMap<i64, Option<i64>> = last_fills.into_iter().collect();
    let realized = ledger::realized_by_order(db, &ids).await?;
    let trade = |order: orders::Model| {
        let at = last_fills.get(&order.id).copied().flatten().unwrap_or(order.market_at);
        let realized = realized.get(&order.id).copied().unwrap_or_default();
        trade_of(&order, Timestamp(at), realized)
    };
    executed.into_iter().map(trade).collect()
}

fn trade_of(model: &orders::Model, at: Timestamp, realized: Money) -> Result<TradeRow, StoreError> {
    let row = Row::new("orders", model.id);
    let purpose = purpose_of(row, model)?;
    let quantity = row.quantity("filled", model.filled)?;
    let value = money(model.filled_value);
    Ok(TradeRow {
        order_id: OrderId(model.id),
        trader_id: TraderId(model.trader_id),
        venue: row.word("venue", &model.venue, VenueKind::parse)?,
        cause: cause_of(row, model)?,
        coin: row.coin("coin", &model.coin)?,
        symbol: Symbol(model.symbol.clone()),
        side: purpose.side(),
        position_side: purpose.position_side(),
        is_entry: purpose.is_entry(),
        quantity,
        price: row.present("filled_value", value.per(quantity))?,
        value,
        fees: money(model.fees),
        realized: if purpose.is_entry() { None } else { Some(realized) },
        at,
    })
}
