//! What has moved lately, told by the histories that every change writes a line of.

use super::entity::{decision_event, order_event};
use super::row::failed;
use crate::domain::ids::{DecisionId, OrderId};
use crate::ports::store::{HistoryMark, StoreError, Touched};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use std::collections::BTreeSet;

const READING: &str = "reading what has moved";

pub(super) async fn since(
    db: &impl ConnectionTrait,
    mark: Option<HistoryMark>,
    limit: u32,
) -> Result<Touched, StoreError> {
    let Some(mark) = mark else { return Ok(Touched { mark: ends(db).await?, ..Touched::default() }) };
    let decisions: Vec<(i64, i64)> = decision_event::Entity::find()
        .select_only()
        .columns([decision_event::Column::Id, decision_event::Column::DecisionId])
        .filter(decision_event::Column::Id.gt(mark.decision_event))
        .order_by_asc(decision_event::Column::Id)
        .limit(u64::from(limit))
        .into_tuple()
        .all(db)
        .await
        .map_err(failed(READING))?;
    let orders: Vec<(i64, i64)> = order_event::Entity::find()
        .select_only()
        .columns([order_event::Column::Id, order_event::Column::OrderId])
        .filter(order_event::Column::Id.gt(mark.order_event))
        .order_by_asc(order_event::Column::Id)
        .limit(u64::from(limit))
        .into_tuple()
        .all(db)
        .await
        .map_err(failed(READING))?;
    let end = |lines: &[(i64, i64)], before: i64| lines.last().map_or(before, |line| line.0);
    let each = |lines: &[(i64, i64)]| lines.iter().map(|line| line.1).collect::<BTreeSet<i64>>();
    Ok(Touched {
        mark: HistoryMark {
            decision_event: end(&decisions, mark.decision_event),
            order_event: end(&orders, mark.order_event),
        },
        decisions: each(&decisions).into_iter().map(DecisionId).collect(),
        orders: each(&orders).into_iter().map(OrderId).collect(),
    })
}

async fn ends(db: &impl ConnectionTrait) -> Result<HistoryMark, StoreError> {
    let decision: Option<i64> = decision_event::Entity::find()
        .select_only()
        .column(decision_event::Column::Id)
        .order_by_desc(decision_event::Column::Id)
        .into_tuple()
        .one(db)
        .await
        .map_err(failed(READING))?;
    let order: Option<i64> = order_event::Entity::find()
        .select_only()
        .column(order_event::Column::Id)
        .order_by_desc(order_event::Column::Id)
        .into_tuple()
        .one(db)
        .await
        .map_err(failed(READING))?;
    Ok(HistoryMark { decision_event: decision.unwrap_or(0), order_event: order.unwrap_or(0) })
}
