//! Exchange accounts with their models, assets, marks and runs: reading and writing.

use super::amount::Amount;
use super::entity::{
    account_adjustment as adjustment, account_asset as asset, account_difference as difference, account_link as link,
    account_mark as mark, exchange_account as account, reconciliation_run as run,
};
use super::row::{Row, failed, of_time, refused, to_json};
use super::write::{Tx, insert_all, updated_one};
use crate::domain::credential::AccountFingerprint;
use crate::domain::ids::TraderId;
use crate::domain::instrument::QUOTE_ASSET;
use crate::domain::market::{Coin, Symbol};
use crate::domain::money::{Money, Price, Quantity};
use crate::domain::reconciliation::{
    AccountLink, AccountState, Amounts, AssetLine, DifferenceStatus, KnownAccount, Movement, ReconciliationRun,
    RunOutcome, Standing,
};
use crate::domain::signal::Side;
use crate::domain::time::Timestamp;
use crate::domain::venue_kind::VenueKind;
use crate::ports::store::{AccountChanges, CommitError, StoreError};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, IntoActiveModel, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect, Statement,
};
use std::collections::BTreeMap;

const READING: &str = "reading exchange accounts";
const WRITING: &str = "writing exchange accounts";
const READING_MOVEMENTS: &str = "summing the fills of an account";
/// Fills held in memory while an account's are summed.
const SUM_CHUNK: i64 = 5_000;

fn row_of(known: &KnownAccount) -> account::Model {
    account::Model {
        fingerprint: known.fingerprint.to_string(),
        venue: known.venue.as_str().to_owned(),
        first_contact: known.first_contact.0,
        since: known.since.0,
        state: known.state.as_str().to_owned(),
        checked_at: known.checked_at.0,
        failing_since: known.failing.as_ref().map(|(since, _)| since.0),
        failure: known.failing.as_ref().map_or_else(String::new, |(_, why)| why.clone()),
        version: known.version,
    }
}

fn account_of(model: account::Model) -> Result<KnownAccount, StoreError> {
    let row = Row::new("exchange_accounts", 0);
    Ok(KnownAccount {
        fingerprint: fingerprint_of(row, &model.fingerprint)?,
        venue: row.word("venue", &model.venue, VenueKind::parse)?,
        first_contact: Timestamp(model.first_contact),
        since: Timestamp(model.since),
        state: row.word("state", &model.state, AccountState::parse)?,
        checked_at: Timestamp(model.checked_at),
        failing: model.failing_since.map(|since| (Timestamp(since), model.failure)),
        version: model.version,
    })
}

/// The name of an account as stored.
pub(super) fn fingerprint_of(row: Row, text: &str) -> Result<AccountFingerprint, StoreError> {
    row.word("fingerprint", text, AccountFingerprint::parse)
}

pub(super) async fn all(db: &impl ConnectionTrait) -> Result<Vec<KnownAccount>, StoreError> {
    let query = account::Entity::find().order_by_asc(account::Column::FirstContact);
    let rows = query.order_by_asc(account::Column::Fingerprint).all(db).await.map_err(failed(READING))?;
    rows.into_iter().map(account_of).collect()
}

pub(super) async fn links(db: &impl ConnectionTrait) -> Result<Vec<AccountLink>, StoreError> {
    let query = link::Entity::find().order_by_asc(link::Column::Since).order_by_asc(link::Column::TraderId);
    let rows = query.all(db).await.map_err(failed(READING))?;
    let row = Row::new("account_links", 0);
    let read = |model: link::Model| {
        Ok(AccountLink {
            fingerprint: fingerprint_of(row, &model.fingerprint)?,
            trader_id: TraderId(model.trader_id),
            since: Timestamp(model.since),
            until: model.until.map(Timestamp),
        })
    };
    rows.into_iter().map(read).collect()
}

pub(super) async fn assets(
    db: &impl ConnectionTrait,
    account: &AccountFingerprint,
) -> Result<Vec<AssetLine>, StoreError> {
    let query = asset::Entity::find().filter(asset::Column::Fingerprint.eq(account.as_str()));
    let rows = query.order_by_asc(asset::Column::Asset).all(db).await.map_err(failed(READING))?;
    let row = Row::new("account_assets", 0);
    let read = |model: asset::Model| {
        Ok(AssetLine {
            asset: row.coin("asset", &model.asset)?,
            baseline: model.baseline.0,
            ours: model.ours.0,
            adjusted: model.adjusted.0,
            exchange: model.exchange.0,
        })
    };
    rows.into_iter().map(read).collect()
}

pub(super) async fn marks(
    db: &impl ConnectionTrait,
    account: &AccountFingerprint,
) -> Result<BTreeMap<Symbol, i64>, StoreError> {
    let query = mark::Entity::find().filter(mark::Column::Fingerprint.eq(account.as_str()));
    let rows = query.all(db).await.map_err(failed(READING))?;
    Ok(rows.into_iter().map(|model| (Symbol(model.symbol), model.trade_id)).collect())
}

pub(super) async fn runs(
    db: &impl ConnectionTrait,
    account: &AccountFingerprint,
    limit: u32,
) -> Result<Vec<ReconciliationRun>, StoreError> {
    let query = run::Entity::find().filter(run::Column::Fingerprint.eq(account.as_str()));
    let rows = query.order_by_desc(run::Column::Id).limit(u64::from(limit)).all(db).await.map_err(failed(READING))?;
    let read = |model: run::Model| {
        let row = Row::new("reconciliation_runs", model.id);
        Ok(ReconciliationRun {
            fingerprint: fingerprint_of(row, &model.fingerprint)?,
            process: model.process,
            by: model.author,
            started_at: Timestamp(model.started_at),
            finished_at: Timestamp(model.finished_at),
            outcome: row.word("outcome", &model.outcome, RunOutcome::parse)?,
            summary: model.summary,
        })
    };
    rows.into_iter().map(read).collect()
}

pub(super) async fn standing(
    db: &impl ConnectionTrait,
    account: &AccountFingerprint,
    process: &str,
) -> Result<Standing, StoreError> {
    let known = account::Entity::find_by_id(account.as_str()).one(db).await.map_err(failed(READING))?;
    let open = difference::Entity::find()
        .filter(difference::Column::Fingerprint.eq(account.as_str()))
        .filter(difference::Column::Status.eq(DifferenceStatus::Open.as_str()))
        .count(db)
        .await
        .map_err(failed(READING))?;
    let ran = run::Entity::find()
        .filter(run::Column::Fingerprint.eq(account.as_str()))
        .filter(run::Column::Process.eq(process))
        .filter(run::Column::Outcome.ne(RunOutcome::Failed.as_str()))
        .limit(1)
        .one(db)
        .await
        .map_err(failed(READING))?;
    Ok(Standing {
        account: known.map(account_of).transpose()?,
        open: u32::try_from(open).unwrap_or(u32::MAX),
        by_this_process: ran.is_some(),
    })
}

#[derive(FromQueryResult)]
struct Execution {
    id: i64,
    coin: String,
    side: String,
    price: Amount,
    quantity: Amount,
    fee: Amount,
    fee_asset: String,
}

/// Orders belong to the account that their model's key opened when they were journaled.
const MOVEMENTS: &str = "SELECT f.id, f.coin, f.side, f.price, f.quantity, f.fee, f.fee_asset FROM fills f \
    JOIN orders o ON o.id = f.order_id WHERE f.id > $2 AND NOT f.retired AND EXISTS \
    (SELECT 1 FROM account_links l JOIN exchange_accounts a ON a.fingerprint = l.fingerprint \
     WHERE l.fingerprint = $1 AND l.trader_id = o.trader_id AND a.venue = o.venue \
     AND o.created_at >= l.since AND (l.until IS NULL OR o.created_at < l.until)) ORDER BY f.id LIMIT $3";

/// Sums fills here, in decimals, a bounded number at a time: SQLite sums texts as floats.
pub(super) async fn own_movements(
    db: &impl ConnectionTrait,
    account: &AccountFingerprint,
) -> Result<(Amounts, u64), StoreError> {
    let quote = Row::new("fills", 0).coin("quote", QUOTE_ASSET)?;
    let (mut amounts, mut count, mut after) = (Amounts::new(), 0, i64::MIN);
    loop {
        let values = [account.as_str().into(), after.into(), SUM_CHUNK.into()];
        let query = Statement::from_sql_and_values(db.get_database_backend(), MOVEMENTS, values);
        let rows = Execution::find_by_statement(query).all(db).await.map_err(failed(READING_MOVEMENTS))?;
        let Some(last) = rows.last() else { return Ok((amounts, count)) };
        after = last.id;
        for row in rows {
            movement_of(&row, &quote)?.add_to(&mut amounts);
            count += 1;
        }
    }
}

fn movement_of(model: &Execution, quote: &Coin) -> Result<Movement, StoreError> {
    let row = Row::new("fills", model.id);
    let price: Price = row.price("price", model.price)?;
    let quantity: Quantity = row.quantity("quantity", model.quantity)?;
    Ok(Movement {
        side: row.word("side", &model.side, Side::parse)?,
        base: row.coin("coin", &model.coin)?,
        quote: quote.clone(),
        quantity,
        value: price * quantity,
        fee: Money::new(model.fee.0),
        fee_asset: row.coin("fee_asset", &model.fee_asset)?,
    })
}

pub(super) async fn write(tx: &Tx, changes: &AccountChanges) -> Result<(), CommitError> {
    for known in &changes.accounts {
        put(tx, known).await?;
    }
    open_links(tx, &changes.links_opened).await?;
    for ended in &changes.links_closed {
        close_link(tx, ended).await?;
    }
    for known in &changes.retired {
        retire(tx, known).await?;
    }
    if let Some((fingerprint, lines)) = &changes.assets {
        let old = asset::Entity::delete_many().filter(asset::Column::Fingerprint.eq(fingerprint.as_str()));
        old.exec(tx).await.map_err(failed(WRITING))?;
        let rows = lines.iter().map(|line| asset_row(fingerprint, line)).collect();
        insert_all::<asset::ActiveModel>(tx, rows, WRITING, "account asset").await?;
    }
    write_marks(tx, &changes.marks).await?;
    for (ended, keep_from) in &changes.runs {
        insert_run(tx, ended, *keep_from).await?;
    }
    Ok(())
}

async fn put(tx: &Tx, known: &KnownAccount) -> Result<(), CommitError> {
    let mut row: account::ActiveModel = row_of(known).into_active_model().reset_all();
    if known.version <= 1 {
        return insert_all(tx, vec![row], WRITING, "exchange account").await;
    }
    row.not_set(account::Column::Fingerprint);
    let update = account::Entity::update_many()
        .set(row)
        .filter(account::Column::Fingerprint.eq(known.fingerprint.as_str()))
        .filter(account::Column::Version.eq(known.version - 1));
    let done = update.exec(tx).await.map_err(refused(WRITING, "exchange account"))?;
    updated_one(done.rows_affected, "exchange account")
}

async fn open_links(tx: &Tx, opened: &[AccountLink]) -> Result<(), CommitError> {
    let rows: Vec<_> = opened
        .iter()
        .map(|new| link::ActiveModel {
            fingerprint: Set(new.fingerprint.to_string()),
            trader_id: Set(new.trader_id.0),
            since: Set(new.since.0),
            until: Set(of_time(new.until)),
        })
        .collect();
    insert_all::<link::ActiveModel>(tx, rows, WRITING, "account link").await
}

async fn close_link(tx: &Tx, ended: &AccountLink) -> Result<(), CommitError> {
    let update = link::Entity::update_many()
        .col_expr(link::Column::Until, of_time(ended.until).into())
        .filter(link::Column::Fingerprint.eq(ended.fingerprint.as_str()))
        .filter(link::Column::TraderId.eq(ended.trader_id.0))
        .filter(link::Column::Since.eq(ended.since.0));
    update.exec(tx).await.map_err(failed(WRITING))?;
    Ok(())
}

const RETIRE_FILLS: &str = "UPDATE fills SET retired = true WHERE NOT retired AND order_id IN (SELECT o.id FROM orders o \
    JOIN account_links l ON l.trader_id = o.trader_id WHERE l.fingerprint = $1 AND o.venue = $2 \
    AND o.created_at >= l.since AND (l.until IS NULL OR o.created_at < l.until))";

/// What an account's models did before it begins anew no longer counts; it all stays readable.
async fn retire(tx: &Tx, known: &KnownAccount) -> Result<(), CommitError> {
    let backend = tx.get_database_backend();
    let values = [known.fingerprint.as_str().into(), known.venue.as_str().into()];
    let fills = Statement::from_sql_and_values(backend, RETIRE_FILLS, values);
    tx.execute_raw(fills).await.map_err(failed(WRITING))?;
    let lines = adjustment::Entity::update_many()
        .col_expr(adjustment::Column::Retired, true.into())
        .filter(adjustment::Column::Fingerprint.eq(known.fingerprint.as_str()));
    lines.exec(tx).await.map_err(failed(WRITING))?;
    let marks = mark::Entity::delete_many().filter(mark::Column::Fingerprint.eq(known.fingerprint.as_str()));
    marks.exec(tx).await.map_err(failed(WRITING))?;
    Ok(())
}

fn asset_row(fingerprint: &AccountFingerprint, line: &AssetLine) -> asset::ActiveModel {
    asset::ActiveModel {
        fingerprint: Set(fingerprint.to_string()),
        asset: Set(line.asset.to_string()),
        baseline: Set(Amount(line.baseline)),
        ours: Set(Amount(line.ours)),
        adjusted: Set(Amount(line.adjusted)),
        exchange: Set(Amount(line.exchange)),
    }
}

async fn write_marks(tx: &Tx, marks: &[(AccountFingerprint, Symbol, i64)]) -> Result<(), CommitError> {
    if marks.is_empty() {
        return Ok(());
    }
    let rows = marks.iter().map(|(fingerprint, symbol, trade_id)| mark::ActiveModel {
        fingerprint: Set(fingerprint.to_string()),
        symbol: Set(symbol.as_str().to_owned()),
        trade_id: Set(*trade_id),
    });
    let replace = OnConflict::columns([mark::Column::Fingerprint, mark::Column::Symbol])
        .update_column(mark::Column::TradeId)
        .to_owned();
    let upsert = mark::Entity::insert_many(rows).on_conflict(replace);
    upsert.exec_without_returning(tx).await.map_err(failed(WRITING))?;
    Ok(())
}

async fn insert_run(tx: &Tx, ended: &ReconciliationRun, keep_from: Timestamp) -> Result<(), CommitError> {
    let row = run::ActiveModel {
        id: NotSet,
        fingerprint: Set(ended.fingerprint.to_string()),
        process: Set(ended.process.clone()),
        author: Set(ended.by.clone()),
        started_at: Set(ended.started_at.0),
        finished_at: Set(ended.finished_at.0),
        outcome: Set(ended.outcome.as_str().to_owned()),
        summary: Set(ended.summary.clone()),
    };
    insert_all::<run::ActiveModel>(tx, vec![row], WRITING, "reconciliation run").await?;
    let old = run::Entity::delete_many()
        .filter(run::Column::Fingerprint.eq(ended.fingerprint.as_str()))
        .filter(run::Column::StartedAt.lt(keep_from.0));
    old.exec(tx).await.map_err(failed(WRITING))?;
    Ok(())
}

/// Amounts as stored.
pub(super) fn of_amounts(amounts: &Amounts) -> String {
    to_json(amounts)
}
