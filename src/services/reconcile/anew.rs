//! Beginning anew with an account whose exchange has forgotten us: a new baseline, and what was held there written off
//! by transactions of each book's ledger. Nothing is erased.

use super::record::drift;
use super::run::total;
use super::settle::{SettleError, as_store_error, reason_of};
use super::trades::watched_symbols;
use super::{ConnectedAccount, ReconcileError, connected_accounts};
use crate::domain::book::BookView;
use crate::domain::credential::AccountFingerprint;
use crate::domain::ids::TraderId;
use crate::domain::order::{OrderEvent, OrderStatus};
use crate::domain::reconciliation::{
    AccountState, Amounts, Difference, DifferenceStatus, KnownAccount, ReconciliationRun, RunOutcome, asset_lines,
};
use crate::domain::time::Timestamp;
use crate::domain::venue_kind::VenueKind;
use crate::domain::write_off::write_off;
use crate::ports::exchange::{ExchangeAccount, TradesFrom};
use crate::ports::store::{AuditEntry, Changes, Guard, OrderEventRecord, StoreError};
use crate::services::desk::{COMMIT_ATTEMPTS, Desk, is_conflict};
use crate::services::live_feed::Topic;
use std::collections::{BTreeMap, BTreeSet};

/// What ended orders are told.
const FORGOTTEN: &str = "the exchange has forgotten it, and the account began anew";

/// Whether an account may begin anew: when the exchange has forgotten us, or on a test network where nothing of ours was
/// ever executed and so nothing of ours can be lost.
///
/// # Errors
/// When the store fails.
pub async fn may_begin_anew(desk: &Desk, known: &KnownAccount) -> Result<bool, StoreError> {
    if known.state == AccountState::Wiped {
        return Ok(true);
    }
    let differs = known.state == AccountState::Differs && known.venue == VenueKind::Testnet;
    Ok(differs && desk.store.own_movements(&known.fingerprint).await?.1 == 0)
}

/// Takes what the account holds now as its baseline, writes off what its models held there, and ends their orders.
///
/// # Errors
/// [`SettleError`]; nothing is changed then.
pub async fn begin_anew(
    desk: &Desk,
    fingerprint: &AccountFingerprint,
    reason: &str,
    by: &str,
) -> Result<(), SettleError> {
    let reason = reason_of(reason)?;
    let accounts = connected_accounts(desk).await?;
    let connected = accounts.into_iter().find(|account| &account.fingerprint == fingerprint);
    let connected = connected.ok_or(SettleError::NotConnected)?;
    let account = connected.account.clone()?;
    for _ in 0..COMMIT_ATTEMPTS {
        let known = desk.store.known_accounts().await?.into_iter().find(|known| &known.fingerprint == fingerprint);
        let known = known.ok_or(SettleError::NotConnected)?;
        if !may_begin_anew(desk, &known).await? {
            return Err(SettleError::NotWiped);
        }
        let changes = plan(desk, &connected, account.as_ref(), &known, reason, by).await?;
        match desk.store.commit(changes).await {
            Ok(()) => {}
            Err(error) if is_conflict(&error) => continue,
            Err(error) => return Err(as_store_error(error).into()),
        }
        crate::observe::difference_settled(fingerprint, "begun anew", by);
        for topic in [Topic::Incident, Topic::Health, Topic::Order, Topic::Equity] {
            desk.live.publish(topic, None, None);
        }
        return Ok(());
    }
    Err(SettleError::Contended)
}

async fn plan(
    desk: &Desk,
    connected: &ConnectedAccount,
    account: &dyn ExchangeAccount,
    known: &KnownAccount,
    reason: &str,
    by: &str,
) -> Result<Changes, SettleError> {
    let at = desk.clock.now();
    let mut changes = Changes::default();
    let written_off = end_books(desk, &mut changes, known, at).await?;
    let symbols = match watched_symbols(desk, connected, &BTreeMap::new()).await {
        Ok(symbols) => symbols,
        Err(ReconcileError::Exchange(error)) => return Err(error.into()),
        Err(ReconcileError::Store(error)) => return Err(error.into()),
        Err(_) => return Err(SettleError::Contended),
    };
    for symbol in symbols {
        let last = account.trades(&symbol, TradesFrom::Newest).await?.last().map_or(0, |trade| trade.fill.trade_id);
        changes.accounts.marks.push((known.fingerprint.clone(), symbol, last));
    }
    let baseline = total(account.balances().await?);
    let lines = asset_lines(&baseline, &Amounts::new(), &Amounts::new(), &baseline);
    changes.accounts.assets = Some((known.fingerprint.clone(), lines));
    changes.accounts.retired.push(known.clone());
    for current in desk.store.current_differences(&known.fingerprint).await? {
        changes.accounts.differences.push(Difference {
            status: DifferenceStatus::Gone,
            settled: Some((by.to_owned(), at)),
            note: format!("begun anew: {reason}"),
            version: current.version + 1,
            ..current
        });
    }
    changes.accounts.accounts.push(KnownAccount {
        state: AccountState::Agreed,
        since: at,
        checked_at: at,
        failing: None,
        version: known.version + 1,
        ..known.clone()
    });
    let summary = format!("begun anew, {written_off} positions written off: {reason}");
    let run = ReconciliationRun {
        fingerprint: known.fingerprint.clone(),
        process: desk.process.clone(),
        by: by.to_owned(),
        started_at: at,
        finished_at: at,
        outcome: RunOutcome::Agreed,
        summary: summary.clone(),
    };
    // Nothing is forgotten by beginning anew.
    changes.accounts.runs.push((run, Timestamp(0)));
    changes.recovered.push((drift(connected, at, ""), format!("begun anew by {by}")));
    changes.audit.push(AuditEntry {
        at,
        actor: by.to_owned(),
        action: "reconciliation.begin_anew",
        subject: format!("account {}", known.fingerprint),
        detail: summary,
    });
    Ok(changes)
}

/// Writes off what the account's models hold there and ends their open orders. Returns the number of positions.
async fn end_books(
    desk: &Desk,
    changes: &mut Changes,
    known: &KnownAccount,
    at: Timestamp,
) -> Result<usize, SettleError> {
    let links = desk.store.account_links().await?;
    // A model that trades elsewhere now has nothing open here: its keys could not be changed before.
    let here = links.iter().filter(|link| link.fingerprint == known.fingerprint && link.until.is_none());
    let traders: BTreeSet<TraderId> = here.map(|link| link.trader_id).collect();
    let mut count = 0;
    for trader in traders {
        let Some(book) = desk.store.book(trader, known.venue).await? else { continue };
        let market_now = desk.markets.of(known.venue).map_or(at, |market| market.now());
        let Some(view) = desk.store.book_view(book.id, market_now.day_start()).await? else { continue };
        let sent = view.open_orders.iter().filter(|order| order.status() == OrderStatus::Submitted).count();
        if sent > 0 {
            return Err(SettleError::OrdersUnderWay(sent));
        }
        end_orders(changes, &view, at);
        count += view.positions.len();
        let mut book = view.book.clone();
        for position in &view.positions {
            let lost = write_off(position, market_now)?;
            book.realized += lost.realized;
            changes.positions.push(lost.position);
            changes.ledger.push(lost.transaction);
        }
        changes.guards.push(Guard::Book { id: book.id, version: book.version });
        changes.updated_books.push(book);
    }
    Ok(count)
}

/// What was sent has vanished; what was not sent yet is not sent any more.
fn end_orders(changes: &mut Changes, view: &BookView, at: Timestamp) {
    for order in &view.open_orders {
        let mut ended = order.clone();
        let event = if order.status() == OrderStatus::Initialized {
            OrderEvent::Deny { reason: FORGOTTEN.to_owned() }
        } else {
            OrderEvent::Expire { reason: FORGOTTEN.to_owned() }
        };
        let name = event.name();
        if ended.apply(event, at).is_ok() {
            let detail = FORGOTTEN.to_owned();
            changes.order_events.push(OrderEventRecord { order_id: order.id, name, detail, at });
            changes.updated_orders.push((ended, order.version));
        }
    }
}
