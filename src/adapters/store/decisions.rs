//! Decisions: reading, writing, and the counters of the inbox's tabs.

use super::decision_rows::{LineRow, decision_of, row_of, tab_of};
use super::entity::decision::{ActiveModel, Column, Entity};
use super::entity::{decision_count as counter, decision_event as event, notification, order};
use super::row::{failed, first_rows, limited, only, refused};
use super::write::{Tx, insert_all, updated_one};
use crate::domain::decision::Decision;
use crate::domain::ids::{BookId, CycleId, DecisionId, TraderId};
use crate::domain::order::OrderStatus;
use crate::domain::time::Timestamp;
use crate::ports::store::{
    BarCounts, CommitError, DecisionEventRecord, DecisionFilter, DecisionLine, DecisionTab, Page, StoreError, TabCounts,
};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::{Expr, OnConflict, UnionType};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, FromQueryResult, IntoActiveModel,
    QueryFilter, QueryOrder, QuerySelect, QueryTrait, Select,
};
use std::collections::BTreeMap;

const READING: &str = "reading decisions";
const WRITING: &str = "writing decisions";
const COUNTING: &str = "counting decisions";
/// Names the row of unread messages among the counters; no tab is called so.
const UNREAD: &str = "unread";
/// Names the row of orders in doubt, likewise.
const UNKNOWN: &str = "unknown";
/// Whose those rows are: no trader has this id.
const NOBODY: i64 = 0;

async fn read(db: &impl ConnectionTrait, query: Select<Entity>) -> Result<Vec<Decision>, StoreError> {
    query.all(db).await.map_err(failed(READING))?.into_iter().map(decision_of).collect()
}

pub(super) async fn by_id(db: &impl ConnectionTrait, id: DecisionId) -> Result<Option<Decision>, StoreError> {
    only(db, Entity::find_by_id(id.0)).await.map_err(failed(READING))?.map(decision_of).transpose()
}

pub(super) async fn page(
    db: &impl ConnectionTrait,
    filter: DecisionFilter,
    page: Page,
) -> Result<Vec<Decision>, StoreError> {
    let rows = first_rows(db, &page_of(filter, page), page).await.map_err(failed(READING))?;
    rows.into_iter().map(decision_of).collect()
}

pub(super) async fn lines(
    db: &impl ConnectionTrait,
    filter: DecisionFilter,
    page: Page,
) -> Result<Vec<DecisionLine>, StoreError> {
    let statement = limited(db, &LineRow::select(page_of(filter, page)), page);
    let rows = LineRow::find_by_statement(statement).all(db).await;
    rows.map_err(failed(READING))?.into_iter().map(LineRow::line).collect()
}

fn page_of(filter: DecisionFilter, page: Page) -> Select<Entity> {
    let mut query = Entity::find().order_by_desc(Column::Id);
    if let Some(before) = page.before {
        query = query.filter(Column::Id.lt(before));
    }
    if let Some(trader) = filter.trader_id {
        query = query.filter(Column::TraderId.eq(trader.0));
    }
    if let Some(tab) = filter.tab.filter(|tab| *tab != DecisionTab::All) {
        query = query.filter(Column::Tab.eq(tab.as_str()));
    }
    if let Some(status) = filter.status {
        query = query.filter(Column::Status.eq(status.as_str()));
    }
    query
}

pub(super) async fn expired(
    db: &impl ConnectionTrait,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<Decision>, StoreError> {
    let query = Entity::find()
        .filter(Column::ExpiresAt.lte(now.0))
        .order_by_asc(Column::ExpiresAt)
        .order_by_asc(Column::Id)
        .limit(u64::from(limit));
    read(db, query).await
}

fn waiting() -> Select<Entity> {
    Entity::find().filter(Column::ExpiresAt.is_not_null()).order_by_asc(Column::Id)
}

pub(super) async fn waiting_of(
    db: &impl ConnectionTrait,
    trader: Option<TraderId>,
) -> Result<Vec<Decision>, StoreError> {
    let query = waiting();
    read(db, if let Some(id) = trader { query.filter(Column::TraderId.eq(id.0)) } else { query }).await
}

pub(super) async fn waiting_in(db: &impl ConnectionTrait, book: BookId) -> Result<Vec<Decision>, StoreError> {
    read(db, waiting().filter(Column::BookId.eq(book.0))).await
}

pub(super) async fn of_cycle(db: &impl ConnectionTrait, cycle: CycleId) -> Result<Vec<Decision>, StoreError> {
    read(db, Entity::find().filter(Column::CycleId.eq(cycle.0)).order_by_asc(Column::Id)).await
}

/// Decisions of which something became, newest first. The condition is written out as in the index that it uses.
pub(super) async fn past_in(db: &impl ConnectionTrait, book: BookId, limit: u32) -> Result<Vec<Decision>, StoreError> {
    let query = Entity::find()
        .filter(Column::BookId.eq(book.0))
        .filter(Expr::cust("expires_at IS NULL AND status <> 'no_action'"))
        .order_by_desc(Column::Id);
    let rows = first_rows(db, &query, Page::first(limit)).await.map_err(failed(READING))?;
    rows.into_iter().map(decision_of).collect()
}

/// The words of the history, so that a stored one becomes the same static word again.
const EVENT_WORDS: &[&str] = &[
    "answer_unusable",
    "hold",
    "denied",
    "displayed",
    "asked",
    "ordered",
    "approved",
    "denied_at_approval",
    "requoted",
    "edited",
    "rejected",
    "expired",
    "superseded",
    "cancelled",
];

pub(super) async fn events(
    db: &impl ConnectionTrait,
    id: DecisionId,
) -> Result<Vec<(String, DecisionEventRecord)>, StoreError> {
    let query = event::Entity::find().filter(event::Column::DecisionId.eq(id.0)).order_by_asc(event::Column::Id);
    let rows = query.all(db).await.map_err(failed("reading a decision's history"))?;
    let record = |row: event::Model| {
        let name = EVENT_WORDS.iter().find(|word| **word == row.name).copied().unwrap_or("other");
        let record = DecisionEventRecord {
            decision_id: DecisionId(row.decision_id),
            version: row.version,
            name,
            actor: row.actor,
            detail: row.detail,
            at: Timestamp(row.at),
        };
        (row.name, record)
    };
    Ok(rows.into_iter().map(record).collect())
}

pub(super) async fn counts(db: &impl ConnectionTrait, trader: Option<TraderId>) -> Result<TabCounts, StoreError> {
    let mut query = counter::Entity::find();
    if let Some(trader) = trader {
        query = query.filter(counter::Column::TraderId.eq(trader.0));
    }
    let mut counts = TabCounts::default();
    for row in query.all(db).await.map_err(failed(COUNTING))? {
        add(&mut counts, &row.tab, row.n)?;
    }
    Ok(counts)
}

fn add(counts: &mut TabCounts, tab: &str, n: i64) -> Result<(), StoreError> {
    let count = match DecisionTab::parse(tab) {
        Some(DecisionTab::Pending) => &mut counts.pending,
        Some(DecisionTab::Approved) => &mut counts.approved,
        Some(DecisionTab::Rejected) => &mut counts.rejected,
        Some(DecisionTab::Expired) => &mut counts.expired,
        Some(DecisionTab::Denied) => &mut counts.denied,
        Some(DecisionTab::Displayed) => &mut counts.displayed,
        Some(DecisionTab::All) => &mut counts.all,
        None => {
            let detail = format!("{tab:?} is not the name of a tab");
            return Err(StoreError::Corrupt { what: "decision_counts.tab", detail });
        }
    };
    *count += n;
    Ok(())
}

/// Counters, with unread messages and orders in doubt as two more rows of the same shape.
async fn with_rest(
    db: &impl ConnectionTrait,
    counters: Select<counter::Entity>,
) -> Result<Vec<(i64, String, i64)>, StoreError> {
    let unread = notification::Entity::find()
        .select_only()
        .expr(Expr::val(NOBODY))
        .expr(Expr::val(UNREAD))
        .expr(notification::Column::Id.count())
        .filter(notification::Column::ReadAt.is_null())
        .into_query();
    let unknown = order::Entity::find()
        .select_only()
        .expr(Expr::val(NOBODY))
        .expr(Expr::val(UNKNOWN))
        .expr(order::Column::Id.count())
        .filter(order::Column::Status.eq(OrderStatus::Unknown.as_str()))
        .into_query();
    let mut query =
        counters.select_only().columns([counter::Column::TraderId, counter::Column::Tab, counter::Column::N]);
    QuerySelect::query(&mut query).union(UnionType::All, unread).union(UnionType::All, unknown);
    query.into_tuple().all(db).await.map_err(failed(COUNTING))
}

fn bar_of(rows: &[(i64, String, i64)]) -> BarCounts {
    let sum = |word: &str| rows.iter().filter(|(_, name, _)| name == word).map(|(_, _, n)| n).sum();
    BarCounts { pending: sum(DecisionTab::Pending.as_str()), unread: sum(UNREAD), unknown: sum(UNKNOWN) }
}

pub(super) async fn bar_counts(db: &impl ConnectionTrait) -> Result<BarCounts, StoreError> {
    let pending = counter::Entity::find().filter(counter::Column::Tab.eq(DecisionTab::Pending.as_str()));
    Ok(bar_of(&with_rest(db, pending).await?))
}

pub(super) async fn inbox_counts(
    db: &impl ConnectionTrait,
    trader: Option<TraderId>,
) -> Result<(TabCounts, BarCounts), StoreError> {
    let rows = with_rest(db, counter::Entity::find()).await?;
    let mut counts = TabCounts::default();
    let wanted = |(of, tab, _): &&(i64, String, i64)| {
        tab != UNREAD && tab != UNKNOWN && trader.is_none_or(|trader| trader.0 == *of)
    };
    for (_, tab, n) in rows.iter().filter(wanted) {
        add(&mut counts, tab, *n)?;
    }
    Ok((counts, bar_of(&rows)))
}

/// How the counters move, by trader and tab. Sorted, so that two commits touch them in the same order.
type Moves = BTreeMap<(i64, String), i64>;

/// Writes decisions and moves the counters.
pub(super) async fn write(tx: &Tx, new: &[Decision], updated: &[(Decision, i64)]) -> Result<(), CommitError> {
    let mut moves = Moves::new();
    for decision in new {
        *moves.entry((decision.trader_id.0, DecisionTab::All.as_str().to_owned())).or_default() += 1;
        *moves.entry((decision.trader_id.0, tab_of(&decision.state).to_owned())).or_default() += 1;
    }
    let rows = new.iter().map(|decision| row_of(decision).into_active_model().reset_all()).collect();
    insert_all::<ActiveModel>(tx, rows, WRITING, "decision").await?;
    update(tx, updated, &mut moves).await?;
    moves.retain(|(_, tab), by| !tab.is_empty() && *by != 0);
    count(tx, moves).await
}

async fn update(tx: &Tx, updated: &[(Decision, i64)], moves: &mut Moves) -> Result<(), CommitError> {
    if updated.is_empty() {
        return Ok(());
    }
    let ids = updated.iter().map(|(decision, _)| decision.id.0);
    let rows: Vec<(i64, i64, String)> = Entity::find()
        .select_only()
        .columns([Column::Id, Column::TraderId, Column::Tab])
        .filter(Column::Id.is_in(ids))
        .into_tuple()
        .all(tx)
        .await
        .map_err(failed(READING))?;
    // The tab read here is the one that the update below replaces: if anybody moved the row in between, its version
    // moved too and the update finds nothing.
    let mut tabs: BTreeMap<i64, (i64, String)> = rows.into_iter().map(|(id, of, tab)| (id, (of, tab))).collect();
    for (decision, expected) in updated {
        let mut row: ActiveModel = row_of(decision).into_active_model().reset_all();
        row.not_set(Column::Id);
        let update =
            Entity::update_many().set(row).filter(Column::Id.eq(decision.id.0)).filter(Column::Version.eq(*expected));
        let done = update.exec(tx).await.map_err(refused(WRITING, "decision"))?;
        updated_one(done.rows_affected, "decision")?;
        let Some(counted) = tabs.get_mut(&decision.id.0) else { return Err(CommitError::Conflict("decision")) };
        *moves.entry(counted.clone()).or_default() -= 1;
        counted.1 = tab_of(&decision.state).to_owned();
        *moves.entry(counted.clone()).or_default() += 1;
    }
    Ok(())
}

async fn count(tx: &Tx, moves: Moves) -> Result<(), CommitError> {
    if moves.is_empty() {
        return Ok(());
    }
    let rows = moves.into_iter().map(|((trader_id, tab), by)| counter::ActiveModel {
        trader_id: Set(trader_id),
        tab: Set(tab),
        n: Set(by),
    });
    let sum = Expr::col((counter::Entity, counter::Column::N)).add(Expr::col(("excluded", counter::Column::N)));
    let on_conflict = OnConflict::columns([counter::Column::TraderId, counter::Column::Tab])
        .value(counter::Column::N, sum)
        .to_owned();
    let upsert = counter::Entity::insert_many(rows).on_conflict(on_conflict);
    upsert.exec_without_returning(tx).await.map_err(failed(COUNTING))?;
    Ok(())
}

pub(super) async fn insert_events(tx: &Tx, events: &[DecisionEventRecord]) -> Result<(), CommitError> {
    let rows = events
        .iter()
        .map(|record| event::ActiveModel {
            id: NotSet,
            decision_id: Set(record.decision_id.0),
            version: Set(record.version),
            name: Set(record.name.to_owned()),
            actor: Set(record.actor.clone()),
            detail: Set(record.detail.clone()),
            at: Set(record.at.0),
        })
        .collect();
    insert_all::<event::ActiveModel>(tx, rows, "writing decisions' history", "decision event").await
}
