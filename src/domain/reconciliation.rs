//! Ours against the exchange's: what an account should hold, what it does hold, and what a person says about the rest.
//!
//! What an account held at first contact is not ours and is no drift:
//!
//! ```text
//! expected = baseline + own fills (received, less commissions, in whatever asset) + adjustments
//! drift    = exchange - expected
//! ```
//!
//! | a difference is | leaves by |
//! |---|---|
//! | open | explained or adopted by a person with a reason; gone when it is no longer seen |
//! | explained | open again when its figure changes; adopted; gone |
//! | adopted, gone | nothing: it stays on the page |
//!
//! Adopting a difference of money writes adjustments, so that what is expected follows; explaining one writes nothing.

use crate::domain::credential::AccountFingerprint;
use crate::domain::ids::TraderId;
use crate::domain::market::{Coin, Symbol};
use crate::domain::money::{Money, Quantity};
use crate::domain::signal::Side;
use crate::domain::time::{MINUTE_MS, Timestamp};
use crate::domain::venue_kind::VenueKind;
use crate::word_enum;
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// How often an account is reconciled.
pub const RECONCILE_EVERY_MS: i64 = 5 * MINUTE_MS;
/// Without a successful run for this long, nothing is known well enough for an entry.
pub const TRUTH_LASTS_MS: i64 = 3 * RECONCILE_EVERY_MS;
/// The longest reason a person can give, in characters.
pub const REASON_MAX: usize = 500;

/// Signed amounts by asset.
pub type Amounts = BTreeMap<Coin, Decimal>;

word_enum! {
    /// How an account stood at its last successful run.
    AccountState {
        /// Everything agreed, or was explained.
        Agreed = "agreed",
        /// Something differs and nobody has said why.
        Differs = "differs",
        /// The exchange has forgotten our orders and holds other balances: a test network was wiped.
        Wiped = "wiped",
    }
}

word_enum! {
    /// What differs.
    DifferenceKind {
        /// The account holds more or less of an asset than it should.
        Balance = "balance",
        /// A trade that no order of ours made.
        ForeignTrade = "foreign_trade",
        /// An open order that is not ours.
        ForeignOrder = "foreign_order",
        /// An open order under our name that we have no record of.
        UnknownOrder = "unknown_order",
        /// An order that rests by our books is not known there.
        OrderMissing = "order_missing",
        /// The exchange has an order in a state that ours cannot take.
        OrderState = "order_state",
        /// A trade that we have seen is not listed any more.
        TradeMissing = "trade_missing",
    }
}

impl DifferenceKind {
    /// Whether it happened once and cannot vanish by itself.
    pub const fn is_event(self) -> bool {
        matches!(self, Self::ForeignTrade)
    }
}

word_enum! {
    /// Where a difference stands.
    DifferenceStatus {
        /// Nobody has said why: entries are halted.
        Open = "open",
        /// A person knows why; our books stay as they are.
        Explained = "explained",
        /// A person took it into the account's ledger.
        Adopted = "adopted",
        /// It is no longer seen.
        Gone = "gone",
    }
}

impl DifferenceStatus {
    /// Whether the next run looks for it again.
    pub const fn is_current(self) -> bool {
        matches!(self, Self::Open | Self::Explained)
    }
}

word_enum! {
    /// How a run ended.
    RunOutcome {
        /// Nothing unexplained.
        Agreed = "agreed",
        /// Something unexplained.
        Differs = "differs",
        /// The test network was wiped.
        Wiped = "wiped",
        /// The exchange could not be asked.
        Failed = "failed",
    }
}

/// An account at an exchange as we know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownAccount {
    /// Its name.
    pub fingerprint: AccountFingerprint,
    /// Where.
    pub venue: VenueKind,
    /// Wall-clock time at which it was met.
    pub first_contact: Timestamp,
    /// Wall-clock time of the baseline that counts now.
    pub since: Timestamp,
    /// How it stood when it was last read.
    pub state: AccountState,
    /// Wall-clock time of the last successful run.
    pub checked_at: Timestamp,
    /// Since when runs fail (wall-clock time), and why; `None` while they succeed.
    pub failing: Option<(Timestamp, String)>,
    /// Grows with each change: compare-and-set.
    pub version: i64,
}

/// A model that trades on an account, from and until wall-clock times: its orders of that span are the account's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountLink {
    /// The account.
    pub fingerprint: AccountFingerprint,
    /// The model.
    pub trader_id: TraderId,
    /// From then on.
    pub since: Timestamp,
    /// Until then; `None` while it goes on.
    pub until: Option<Timestamp>,
}

/// One asset, both sides, as they stood at the last run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssetLine {
    /// The asset.
    pub asset: Coin,
    /// What the account held at first contact.
    pub baseline: Decimal,
    /// What our fills brought and took.
    pub ours: Decimal,
    /// What people adopted.
    pub adjusted: Decimal,
    /// What the exchange says.
    pub exchange: Decimal,
}

impl AssetLine {
    /// What the account should hold.
    pub fn expected(&self) -> Decimal {
        self.baseline + self.ours + self.adjusted
    }

    /// What is too much (positive) or missing (negative).
    pub fn difference(&self) -> Decimal {
        (self.exchange - self.expected()).normalize()
    }
}

/// Something that differs, as a run finds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What kind.
    pub kind: DifferenceKind,
    /// The same difference has the same key in the next run.
    pub key: String,
    /// The asset, market or order it is about.
    pub subject: String,
    /// What we have, in words.
    pub local: String,
    /// What the exchange has, in words.
    pub exchange: String,
    /// What adopting it adds to the expected balances; empty when it moves no money.
    pub effect: Amounts,
}

/// A difference with what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Identity; 0 before it is stored.
    pub id: i64,
    /// Whose account.
    pub fingerprint: AccountFingerprint,
    /// What differs.
    pub finding: Finding,
    /// Wall-clock time of the first run that saw it.
    pub first_at: Timestamp,
    /// Wall-clock time of the last one.
    pub last_at: Timestamp,
    /// Where it stands.
    pub status: DifferenceStatus,
    /// Who explained or adopted it, and when.
    pub settled: Option<(String, Timestamp)>,
    /// The reason that was given.
    pub note: String,
    /// Grows with each change: compare-and-set.
    pub version: i64,
}

/// A line of an account's own ledger: what a person adopted. It never changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adjustment {
    /// The account.
    pub fingerprint: AccountFingerprint,
    /// The asset.
    pub asset: Coin,
    /// Signed amount.
    pub amount: Decimal,
    /// Why.
    pub reason: String,
    /// Who.
    pub by: String,
    /// Wall-clock time.
    pub at: Timestamp,
    /// The difference that it adopts.
    pub difference: i64,
}

/// One run over an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReconciliationRun {
    /// The account.
    pub fingerprint: AccountFingerprint,
    /// The process that ran it.
    pub process: String,
    /// `countersign`, or who pressed the button.
    pub by: String,
    /// Wall-clock time.
    pub started_at: Timestamp,
    /// Wall-clock time.
    pub finished_at: Timestamp,
    /// How it ended.
    pub outcome: RunOutcome,
    /// In words.
    pub summary: String,
}

/// What decides whether entries may go to an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The account; `None` before first contact.
    pub account: Option<KnownAccount>,
    /// Differences that nobody has explained.
    pub open: u32,
    /// Whether this process has reconciled it.
    pub by_this_process: bool,
}

impl Standing {
    /// Whether the account was reconciled since this process started.
    pub const fn is_reconciled(&self) -> bool {
        self.account.is_some() && self.by_this_process
    }

    /// Why no entry may go to the account now; `None` when it may. Exits are never asked.
    pub fn halted(&self, now: Timestamp) -> Option<String> {
        let Some(account) = self.account.as_ref().filter(|_| self.by_this_process) else {
            return Some("the account was not reconciled yet".to_owned());
        };
        if account.state == AccountState::Wiped {
            return Some("the exchange has forgotten our orders; the account has to begin anew".to_owned());
        }
        if self.open > 0 {
            let (noun, verb) = if self.open == 1 { ("difference", "is") } else { ("differences", "are") };
            return Some(format!("{} {noun} between our books and the exchange {verb} unexplained", self.open));
        }
        let age = now.since(account.checked_at);
        (age > TRUTH_LASTS_MS).then(|| format!("the account was last reconciled {} min ago", age / MINUTE_MS))
    }
}

/// An execution as far as balances are concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Movement {
    /// Side of the order.
    pub side: Side,
    /// The base asset.
    pub base: Coin,
    /// The quote asset.
    pub quote: Coin,
    /// Base executed.
    pub quantity: Quantity,
    /// Quote value.
    pub value: Money,
    /// Commission.
    pub fee: Money,
    /// The asset in which it was taken.
    pub fee_asset: Coin,
}

impl Movement {
    /// Adds what it does to balances.
    pub fn add_to(&self, amounts: &mut Amounts) {
        let sign = match self.side {
            Side::Buy => Decimal::ONE,
            Side::Sell => Decimal::NEGATIVE_ONE,
        };
        for (asset, amount) in [
            (&self.base, sign * self.quantity.decimal()),
            (&self.quote, -sign * self.value.decimal()),
            (&self.fee_asset, -self.fee.decimal()),
        ] {
            if !amount.is_zero() {
                *amounts.entry(asset.clone()).or_default() += amount;
            }
        }
    }
}

/// Puts both sides of every asset beside each other.
pub fn asset_lines(baseline: &Amounts, ours: &Amounts, adjusted: &Amounts, exchange: &Amounts) -> Vec<AssetLine> {
    let mut assets: Vec<&Coin> = [baseline, ours, adjusted, exchange].into_iter().flat_map(BTreeMap::keys).collect();
    assets.sort_unstable();
    assets.dedup();
    let of = |amounts: &Amounts, asset: &Coin| amounts.get(asset).copied().unwrap_or_default().normalize();
    let line = |asset: &Coin| AssetLine {
        asset: asset.clone(),
        baseline: of(baseline, asset),
        ours: of(ours, asset),
        adjusted: of(adjusted, asset),
        exchange: of(exchange, asset),
    };
    assets.into_iter().map(line).collect()
}

/// Balances that differ by more than what foreign trades, listed on their own, account for.
pub fn balance_findings(lines: &[AssetLine], foreign: &Amounts) -> Vec<Finding> {
    let find = |line: &AssetLine| {
        let known = foreign.get(&line.asset).copied().unwrap_or_default();
        let drift = (line.difference() - known).normalize();
        if drift.is_zero() {
            return None;
        }
        let listed = if known.is_zero() {
            String::new()
        } else {
            format!(", and {} by trades that are not ours", known.normalize())
        };
        Some(Finding {
            kind: DifferenceKind::Balance,
            key: format!("balance {}", line.asset),
            subject: line.asset.to_string(),
            local: format!("{} {}{listed}", line.expected().normalize(), line.asset),
            exchange: format!("{} {}", line.exchange, line.asset),
            effect: Amounts::from([(line.asset.clone(), drift)]),
        })
    };
    lines.iter().filter_map(find).collect()
}

/// What a run changes in the list of differences.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Merge {
    /// Seen for the first time.
    pub new: Vec<Finding>,
    /// Seen again; those that changed since somebody explained them are open again.
    pub seen: Vec<Difference>,
    /// No longer there.
    pub gone: Vec<Difference>,
    /// How many became open by this run.
    pub opened: usize,
    /// How many are open after it.
    pub open: usize,
}

/// Holds what a run found against what was known. `looked_for` names the kinds that the run has looked for: only those
/// can be gone.
pub fn merge(current: &[Difference], found: Vec<Finding>, looked_for: &[DifferenceKind], at: Timestamp) -> Merge {
    let mut merge = Merge::default();
    let mut fresh: BTreeMap<String, Finding> =
        found.into_iter().map(|finding| (finding.key.clone(), finding)).collect();
    for known in current.iter().filter(|difference| difference.status.is_current()) {
        let mut now = known.clone();
        match fresh.remove(&known.finding.key) {
            Some(finding) => {
                let changed = finding.effect != known.finding.effect || finding.exchange != known.finding.exchange;
                if changed && known.status == DifferenceStatus::Explained {
                    now.status = DifferenceStatus::Open;
                    now.settled = None;
                    merge.opened += 1;
                }
                (now.finding, now.last_at) = (finding, at);
                now.version += 1;
                merge.open += usize::from(now.status == DifferenceStatus::Open);
                merge.seen.push(now);
            }
            None if looked_for.contains(&known.finding.kind) && !known.finding.kind.is_event() => {
                now.status = DifferenceStatus::Gone;
                now.last_at = at;
                now.version += 1;
                merge.gone.push(now);
            }
            None => merge.open += usize::from(known.status == DifferenceStatus::Open),
        }
    }
    merge.opened += fresh.len();
    merge.open += fresh.len();
    merge.new = fresh.into_values().collect();
    merge
}

/// The last trade that we have seen in a market, and whether the exchange still lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The market.
    pub symbol: Symbol,
    /// The trade; 0 for none.
    pub trade_id: i64,
    /// Whether it is still listed.
    pub is_listed: bool,
}

/// Whether the exchange has forgotten us: none of the trades that we have seen is there, and the balances are not ours.
/// An account on which nothing was ever traded cannot be told from one whose owner moved money.
pub fn is_wiped(marks: &[Mark], balances_differ: bool) -> bool {
    let mut seen = marks.iter().filter(|mark| mark.trade_id > 0).peekable();
    balances_differ && seen.peek().is_some() && seen.all(|mark| !mark.is_listed)
}

#[cfg(test)]
mod tests;
