//! One run over one account.

use super::record::{difference, drift, ended, reached, summary, unreachable, words};
use super::trades::{SymbolTrades, read_trades, settle_trades, watched_symbols};
use super::{ConnectedAccount, ReconcileError, orders};
use crate::domain::market::{Coin, Symbol};
use crate::domain::order::OrderStatus;
use crate::domain::reconciliation::{
    AccountLink, AccountState, Amounts, AssetLine, Difference, DifferenceKind, DifferenceStatus, Finding, KnownAccount,
    Mark, Merge, ReconciliationRun, RunOutcome, asset_lines, balance_findings, is_wiped, merge,
};
use crate::domain::time::{DAY_MS, Timestamp};
use crate::ports::exchange::{AssetBalance, ExchangeAccount, ExchangeError, TradesFrom};
use crate::ports::store::{AccountChanges, Changes, Lease, StoreError};
use crate::services::desk::Desk;
use crate::services::resolve_unknown::resolve_due;
use crate::services::run_cycle::told;
use crate::services::settle::SELF;
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// Times that balances are read while orders keep moving; then they wait for the next run.
const ROUNDS_MAX: u32 = 3;
/// Runs are remembered for so long.
const RUNS_KEPT_MS: i64 = 7 * DAY_MS;
/// The longest list of differences in an incident.
const NAMED_MAX: usize = 5;

/// What a run works with.
pub(super) struct Scene<'a> {
    pub desk: &'a Desk,
    pub account: &'a dyn ExchangeAccount,
    pub connected: &'a ConnectedAccount,
    pub known: KnownAccount,
    pub started_at: Timestamp,
    pub lease: &'a Lease,
}

/// What a run found.
#[derive(Default)]
struct Found {
    findings: Vec<Finding>,
    looked_for: Vec<DifferenceKind>,
    lines: Option<Vec<AssetLine>>,
    marks: Vec<Mark>,
    wiped: bool,
    /// What a person should read beside the outcome.
    remark: String,
}

pub(super) async fn run(
    desk: &Desk,
    connected: &ConnectedAccount,
    lease: &Lease,
    by: &str,
) -> Result<ReconciliationRun, ReconcileError> {
    let started_at = desk.clock.now();
    let standing = desk.store.account_standing(&connected.fingerprint, &desk.process).await?;
    let worked = match (&connected.account, standing.account.clone()) {
        (Err(error), _) => Err(ReconcileError::Exchange(error.clone())),
        (Ok(account), None) => first_contact(desk, connected, account.as_ref(), lease, started_at, by).await,
        (Ok(account), Some(known)) => {
            let scene = Scene { desk, account: account.as_ref(), connected, known, started_at, lease };
            match scene.work().await {
                Ok(found) => scene.commit(found, by).await,
                Err(error) => Err(error),
            }
        }
    };
    match worked {
        Err(ReconcileError::Exchange(error)) => {
            fail(desk, connected, lease, standing.account, started_at, by, &error).await
        }
        other => other,
    }
}

/// What the account holds now is not ours: from here on its changes are.
async fn first_contact(
    desk: &Desk,
    connected: &ConnectedAccount,
    account: &dyn ExchangeAccount,
    lease: &Lease,
    at: Timestamp,
    by: &str,
) -> Result<ReconciliationRun, ReconcileError> {
    let mut marks = Vec::new();
    for symbol in watched_symbols(desk, connected, &BTreeMap::new()).await? {
        let last = account.trades(&symbol, TradesFrom::Newest).await?.last().map_or(0, |trade| trade.fill.trade_id);
        marks.push((connected.fingerprint.clone(), symbol, last));
    }
    let resting = account.open_orders(None).await?;
    let baseline = total(account.balances().await?);
    let lines = asset_lines(&baseline, &Amounts::new(), &Amounts::new(), &baseline);
    let mut differences = Vec::new();
    for finding in orders::foreign(desk, resting).await? {
        let ours = finding.kind == DifferenceKind::UnknownOrder;
        differences.push(Difference {
            status: if ours { DifferenceStatus::Open } else { DifferenceStatus::Explained },
            settled: (!ours).then(|| (SELF.to_owned(), at)),
            note: if ours { String::new() } else { "it rested there at first contact".to_owned() },
            ..difference(connected, finding, at)
        });
    }
    let open = differences.iter().filter(|difference| difference.status == DifferenceStatus::Open).count();
    let outcome = if open == 0 { RunOutcome::Agreed } else { RunOutcome::Differs };
    let summary = format!("first contact: {} assets and {} markets noted as they are", lines.len(), marks.len());
    let run = ended(desk, connected, at, by, outcome, summary);
    let known = KnownAccount {
        fingerprint: connected.fingerprint.clone(),
        venue: connected.venue,
        first_contact: at,
        since: at,
        state: if open == 0 { AccountState::Agreed } else { AccountState::Differs },
        checked_at: desk.clock.now(),
        failing: None,
        version: 1,
    };
    let links = connected.traders.iter().map(|(trader, _)| AccountLink {
        fingerprint: connected.fingerprint.clone(),
        trader_id: *trader,
        since: at,
        until: None,
    });
    let mut changes = Changes {
        guards: vec![lease.guard()],
        accounts: AccountChanges {
            links_opened: links.collect(),
            assets: Some((connected.fingerprint.clone(), lines)),
            marks,
            differences,
            runs: vec![(run.clone(), at.plus_ms(-RUNS_KEPT_MS))],
            accounts: vec![known],
            ..AccountChanges::default()
        },
        recovered: reached(connected, at, "it answers"),
        ..Changes::default()
    };
    if open > 0 {
        let incident = drift(connected, at, "orders rest there under our name that we have no record of");
        changes.notifications.push(told(&incident));
        changes.incidents.push(incident);
    }
    desk.store.commit(changes).await?;
    Ok(run)
}

impl Scene<'_> {
    async fn work(&self) -> Result<Found, ReconcileError> {
        self.open_links().await?;
        resolve_due(self.desk).await?;
        let mut found = Found::default();
        orders::check(self, &mut found.findings).await?;
        found.looked_for.extend([
            DifferenceKind::ForeignOrder,
            DifferenceKind::UnknownOrder,
            DifferenceKind::OrderMissing,
            DifferenceKind::OrderState,
            DifferenceKind::TradeMissing,
        ]);
        let mut marks = self.desk.store.account_marks(&self.known.fingerprint).await?;
        for round in 1..=ROUNDS_MAX {
            let before = self.trades(&mut marks, &mut found).await?;
            let fills = self.desk.store.own_movements(&self.known.fingerprint).await?.1;
            let exchange = total(self.account.balances().await?);
            let after = self.trades(&mut marks, &mut found).await?;
            let (ours, fills_after) = self.desk.store.own_movements(&self.known.fingerprint).await?;
            let lines = self.lines(&ours, &exchange).await?;
            found.marks = before;
            if is_wiped(&found.marks, lines.iter().any(|line| !line.difference().is_zero())) {
                found.wiped = true;
                found.lines = Some(lines);
                return Ok(found);
            }
            let unsettled = self.unsettled().await?;
            if unsettled > 0 {
                found.remark = format!("balances wait for {unsettled} orders that are not settled");
                break;
            }
            if fills == fills_after && same_marks(&found.marks, &after) {
                self.compare(&mut found, lines).await?;
                break;
            }
            found.marks = after;
            if round == ROUNDS_MAX {
                found.remark = "balances wait: orders kept moving".to_owned();
            }
        }
        for mark in found.marks.iter().filter(|mark| !mark.is_listed) {
            found.findings.push(Finding {
                kind: DifferenceKind::TradeMissing,
                key: format!("mark {}", mark.symbol),
                subject: mark.symbol.to_string(),
                local: format!("trade {}", mark.trade_id),
                exchange: "not listed any more".to_owned(),
                effect: Amounts::new(),
            });
        }
        Ok(found)
    }

    /// A model that got keys for a known account: what it orders from then on is the account's.
    async fn open_links(&self) -> Result<(), ReconcileError> {
        let links = self.desk.store.account_links().await?;
        let is_open = |trader| {
            links.iter().any(|link| {
                link.fingerprint == self.known.fingerprint && link.trader_id == trader && link.until.is_none()
            })
        };
        let ended = |trader| {
            let of = links.iter().filter(|link| link.fingerprint == self.known.fingerprint && link.trader_id == trader);
            of.filter_map(|link| link.until).max()
        };
        let new = self.connected.traders.iter().filter(|(trader, _)| !is_open(*trader));
        let links_opened: Vec<AccountLink> = new
            .map(|(trader, saved_at)| AccountLink {
                fingerprint: self.known.fingerprint.clone(),
                trader_id: *trader,
                since: ended(*trader).map_or(*saved_at, |ended| ended.max(*saved_at)),
                until: None,
            })
            .collect();
        if links_opened.is_empty() {
            return Ok(());
        }
        let accounts = AccountChanges { links_opened, ..AccountChanges::default() };
        let guards = vec![self.lease.guard()];
        Ok(self.desk.store.commit(Changes { guards, accounts, ..Changes::default() }).await?)
    }

    /// Reads what was traded since the marks, takes what is ours, and tells what is not.
    async fn trades(&self, marks: &mut BTreeMap<Symbol, i64>, found: &mut Found) -> Result<Vec<Mark>, ReconcileError> {
        let symbols = watched_symbols(self.desk, self.connected, marks).await?;
        let mut read: Vec<SymbolTrades> = Vec::with_capacity(symbols.len());
        for symbol in symbols {
            read.push(read_trades(self, &symbol, marks.get(&symbol).copied()).await?);
        }
        // Nothing is believed of an exchange that may have been wiped before its balances were seen.
        let forgotten = read.iter().filter(|trades| trades.mark > 0).all(|trades| !trades.is_listed);
        let any = read.iter().any(|trades| trades.mark > 0);
        let mut states = Vec::with_capacity(read.len());
        for trades in read {
            let state = Mark { symbol: trades.symbol.clone(), trade_id: trades.mark, is_listed: trades.is_listed };
            if !(any && forgotten) && trades.is_listed {
                let last = settle_trades(self, &trades, &mut found.findings).await?;
                marks.insert(trades.symbol.clone(), last);
                states.push(Mark { trade_id: last, ..state });
            } else {
                states.push(state);
            }
        }
        Ok(states)
    }

    /// Orders that are on their way or whose outcome is unknown: balances tell nothing while there are any.
    async fn unsettled(&self) -> Result<usize, StoreError> {
        let mut count = 0;
        for (trader, _) in &self.connected.traders {
            let open = self.desk.store.open_orders(Some(*trader)).await?;
            count += open
                .iter()
                .filter(|order| order.intent.venue == self.known.venue)
                .filter(|order| matches!(order.status(), OrderStatus::Submitted | OrderStatus::Unknown))
                .count();
        }
        Ok(count)
    }

    async fn lines(&self, ours: &Amounts, exchange: &Amounts) -> Result<Vec<AssetLine>, StoreError> {
        let store = &self.desk.store;
        let stored = store.account_assets(&self.known.fingerprint).await?;
        let baseline: Amounts = stored.into_iter().map(|line| (line.asset, line.baseline)).collect();
        let mut adjusted = Amounts::new();
        for line in store.adjustments(&self.known.fingerprint).await? {
            *adjusted.entry(line.asset).or_default() += line.amount;
        }
        let mut lines = asset_lines(&baseline, ours, &adjusted, exchange);
        lines.retain(|line| {
            ![line.baseline, line.ours, line.adjusted, line.exchange].iter().all(|amount| amount.is_zero())
        });
        Ok(lines)
    }

    async fn compare(&self, found: &mut Found, lines: Vec<AssetLine>) -> Result<(), StoreError> {
        let current = self.desk.store.current_differences(&self.known.fingerprint).await?;
        let foreign = current.iter().map(|known| &known.finding).chain(&found.findings);
        let mut effect = Amounts::new();
        for finding in foreign.filter(|finding| finding.kind == DifferenceKind::ForeignTrade) {
            for (asset, amount) in &finding.effect {
                *effect.entry(asset.clone()).or_default() += *amount;
            }
        }
        found.findings.extend(balance_findings(&lines, &effect));
        found.looked_for.push(DifferenceKind::Balance);
        found.lines = Some(lines);
        Ok(())
    }

    async fn commit(&self, found: Found, by: &str) -> Result<ReconciliationRun, ReconcileError> {
        let (desk, at) = (self.desk, self.desk.clock.now());
        let current = desk.store.current_differences(&self.known.fingerprint).await?;
        let merged =
            if found.wiped { Merge::default() } else { merge(&current, found.findings, &found.looked_for, at) };
        let (state, outcome) = match (found.wiped, merged.open) {
            (true, _) => (AccountState::Wiped, RunOutcome::Wiped),
            (false, 0) => (AccountState::Agreed, RunOutcome::Agreed),
            (false, _) => (AccountState::Differs, RunOutcome::Differs),
        };
        let summary = summary(&found.remark, &merged, outcome);
        let run = ended(desk, self.connected, self.started_at, by, outcome, summary);
        let mut changes = Changes { guards: vec![self.lease.guard()], ..Changes::default() };
        self.tell(&mut changes, &merged, outcome, at);
        let marks = found.marks.iter().filter(|mark| mark.is_listed);
        let new = merged.new.into_iter().map(|finding| difference(self.connected, finding, at));
        changes.accounts = AccountChanges {
            accounts: vec![KnownAccount {
                state,
                checked_at: at,
                failing: None,
                version: self.known.version + 1,
                ..self.known.clone()
            }],
            assets: found.lines.map(|lines| (self.known.fingerprint.clone(), lines)),
            marks: marks.map(|mark| (self.known.fingerprint.clone(), mark.symbol.clone(), mark.trade_id)).collect(),
            differences: merged.seen.into_iter().chain(merged.gone).chain(new).collect(),
            runs: vec![(run.clone(), at.plus_ms(-RUNS_KEPT_MS))],
            ..AccountChanges::default()
        };
        desk.store.commit(changes).await?;
        Ok(run)
    }

    /// Raises what is new, ends what is over. A difference that somebody has acknowledged is not raised again.
    fn tell(&self, changes: &mut Changes, merged: &Merge, outcome: RunOutcome, at: Timestamp) {
        let recovered = |incident, note: &str| (incident, note.to_owned());
        changes.recovered.extend(reached(self.connected, at, "it answers again"));
        let incident = match outcome {
            RunOutcome::Wiped if self.known.state != AccountState::Wiped => {
                let why = "the exchange has forgotten every trade of ours and holds other balances, as after the wipe of \
                           a test network; nothing was changed here";
                Some(drift(self.connected, at, why))
            }
            RunOutcome::Differs if merged.opened > 0 => {
                let reopened = merged.seen.iter().filter(|known| known.status == DifferenceStatus::Open);
                let named = merged.new.iter().chain(reopened.map(|known| &known.finding)).take(NAMED_MAX);
                let named: Vec<String> = named.map(words).collect();
                Some(drift(self.connected, at, &named.join("; ")))
            }
            RunOutcome::Agreed => {
                changes.recovered.push(recovered(drift(self.connected, at, ""), "nothing is unexplained any more"));
                None
            }
            RunOutcome::Wiped | RunOutcome::Differs | RunOutcome::Failed => None,
        };
        if let Some(incident) = incident {
            changes.notifications.push(told(&incident));
            changes.incidents.push(incident);
        }
    }
}

async fn fail(
    desk: &Desk,
    connected: &ConnectedAccount,
    lease: &Lease,
    known: Option<KnownAccount>,
    started_at: Timestamp,
    by: &str,
    error: &ExchangeError,
) -> Result<ReconciliationRun, ReconcileError> {
    let (at, why) = (desk.clock.now(), error.to_string());
    let run = ended(desk, connected, started_at, by, RunOutcome::Failed, why.clone());
    let mut changes = Changes { guards: vec![lease.guard()], ..Changes::default() };
    let last = desk.store.reconciliation_runs(&connected.fingerprint, 1).await?;
    let is_new = last.first().is_none_or(|run| run.outcome != RunOutcome::Failed);
    if is_new {
        changes.incidents.push(unreachable(connected, at, error));
    }
    changes.accounts.runs.push((run.clone(), at.plus_ms(-RUNS_KEPT_MS)));
    changes.accounts.accounts.extend(known.map(|known| KnownAccount {
        failing: Some((known.failing.as_ref().map_or(at, |(since, _)| *since), why.clone())),
        version: known.version + 1,
        ..known
    }));
    desk.store.commit(changes).await?;
    Ok(run)
}

fn same_marks(before: &[Mark], after: &[Mark]) -> bool {
    before.len() == after.len()
        && before.iter().zip(after).all(|(one, other)| one.symbol == other.symbol && one.trade_id == other.trade_id)
}

/// What the account holds in all, free or tied up in open orders.
pub(super) fn total(balances: Vec<AssetBalance>) -> Amounts {
    let mut amounts: BTreeMap<Coin, Decimal> = BTreeMap::new();
    for balance in balances {
        *amounts.entry(balance.asset).or_default() += balance.free + balance.locked;
    }
    amounts.retain(|_, amount| !amount.is_zero());
    amounts
}
