//! The double-entry ledger: every transaction sums to zero in every asset, so money is neither lost nor made by us.

use crate::domain::ids::{BookId, FillId};
use crate::domain::market::Coin;
use crate::domain::money::Money;
use crate::domain::time::Timestamp;
use crate::word_enum;
use rust_decimal::Decimal;
use std::collections::BTreeMap;

word_enum! {
    /// The accounts of a book. Those of a coin carry the coin beside them.
    LedgerAccount {
        /// What was put in (negative: the owner's claim).
        Capital = "capital",
        /// Free quote money.
        Cash = "cash",
        /// Quote money tied up in a coin's position.
        Margin = "margin",
        /// Fees paid.
        Fees = "fees",
        /// Realised profit (negative: income) and loss.
        RealizedPnl = "realized_pnl",
        /// Base held (negative: owed).
        Holding = "holding",
        /// The venue's side of base that moved.
        Venue = "venue",
        /// Loss beyond an isolated margin, which the venue bears.
        Insurance = "insurance",
    }
}

word_enum! {
    /// What a transaction records.
    LedgerKind {
        /// The book's first money.
        Deposit = "deposit",
        /// One execution.
        Fill = "fill",
        /// What a wiped exchange no longer holds.
        WriteOff = "write_off",
    }
}

/// One line: an amount of an asset on an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerEntry {
    /// Which account.
    pub account: LedgerAccount,
    /// The coin of the account, for margins and holdings.
    pub coin: Option<Coin>,
    /// The asset of the amount.
    pub asset: Coin,
    /// Signed amount of the asset.
    pub amount: Decimal,
}

/// Lines that belong together and sum to zero in each asset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerTransaction {
    /// Which book.
    pub book_id: BookId,
    /// What it records.
    pub kind: LedgerKind,
    /// The fill behind it, if any.
    pub fill_id: Option<FillId>,
    /// Market time.
    pub at: Timestamp,
    entries: Vec<LedgerEntry>,
}

/// A transaction whose lines do not cancel out: a defect, never a rounding matter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("ledger transaction is out of balance by {amount} {asset}")]
pub struct Unbalanced {
    /// The asset.
    pub asset: String,
    /// By how much.
    pub amount: Decimal,
}

impl LedgerTransaction {
    /// Takes lines that sum to zero in every asset; lines of zero are left out.
    ///
    /// # Errors
    /// [`Unbalanced`] names the first asset that does not cancel out.
    pub fn new(
        book_id: BookId,
        kind: LedgerKind,
        fill_id: Option<FillId>,
        at: Timestamp,
        entries: Vec<LedgerEntry>,
    ) -> Result<Self, Unbalanced> {
        let mut sums: BTreeMap<&str, Decimal> = BTreeMap::new();
        for entry in &entries {
            *sums.entry(entry.asset.as_str()).or_default() += entry.amount;
        }
        if let Some((asset, amount)) = sums.iter().find(|(_, sum)| !sum.is_zero()) {
            return Err(Unbalanced { asset: (*asset).to_owned(), amount: *amount });
        }
        let entries = entries.into_iter().filter(|entry| !entry.amount.is_zero()).collect();
        Ok(Self { book_id, kind, fill_id, at, entries })
    }

    /// The lines.
    pub fn entries(&self) -> &[LedgerEntry] {
        &self.entries
    }

    /// What this transaction does to the cash account.
    pub fn cash_change(&self) -> Money {
        self.entries
            .iter()
            .filter(|entry| entry.account == LedgerAccount::Cash)
            .map(|entry| Money::new(entry.amount))
            .sum()
    }
}

/// A line in the quote asset.
pub(crate) fn quote_line(quote: &Coin, account: LedgerAccount, coin: Option<&Coin>, amount: Money) -> LedgerEntry {
    LedgerEntry { account, coin: coin.cloned(), asset: quote.clone(), amount: amount.decimal() }
}

/// The first money of a book.
///
/// # Errors
/// Never out of balance; the type says so for every transaction.
pub fn deposit(book_id: BookId, quote: &Coin, amount: Money, at: Timestamp) -> Result<LedgerTransaction, Unbalanced> {
    let lines = vec![
        quote_line(quote, LedgerAccount::Cash, None, amount),
        quote_line(quote, LedgerAccount::Capital, None, -amount),
    ];
    LedgerTransaction::new(book_id, LedgerKind::Deposit, None, at, lines)
}
