//! A market as it is now: its rules, its price and its synthetic depth. None of it is remembered.

use super::depth::Synthetic;
use super::request::Tick;
use super::rules::SymbolRules;
use super::words::SymbolStatus;
use rust_decimal::Decimal;

/// One market.
#[derive(Clone, Debug)]
pub(super) struct Market {
    pub(super) rules: SymbolRules,
    pub(super) status: SymbolStatus,
    /// What the last tick said; `None` before the first.
    pub(super) tick: Option<Tick>,
    pub(super) synthetic: Synthetic,
    pub(super) last_update_id: u64,
}

impl Market {
    /// A market that waits for its first tick.
    pub(super) fn new(rules: SymbolRules) -> Self {
        let (status, synthetic) = (SymbolStatus::Trading, Synthetic::default());
        Self { rules, status, tick: None, synthetic, last_update_id: 0 }
    }

    /// The last price of a market that trades; `None` while it is closed.
    pub(super) fn open_at(&self) -> Option<Tick> {
        self.tick.filter(|_| self.status == SymbolStatus::Trading)
    }

    /// The last traded price.
    pub(super) fn last_price(&self) -> Option<Decimal> {
        self.tick.map(|tick| tick.price)
    }

    /// Notes that the book may have changed. The number goes on growing over restarts, since it follows the clock.
    pub(super) fn touch(&mut self, now_ms: i64) {
        self.last_update_id = (self.last_update_id + 1).max(u64::try_from(now_ms).unwrap_or_default());
    }
}
