//! The digest of what a person approves: SHA-256 over a canonical encoding of every term. The submitter recomputes it
//! from the order it is about to send and refuses on any difference.

use crate::domain::account::AccountName;
use crate::domain::ids::TraderId;
use crate::domain::market::{Quote, Symbol};
use crate::domain::money::{Price, Quantity};
use crate::domain::signal::Signal;
use crate::domain::trader_settings::OrderStyle;
use crate::domain::venue_kind::VenueKind;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Everything that makes one order different from another in the eyes of whoever approves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Whose money.
    pub trader_id: TraderId,
    /// Trading environment and, when live, exchange environment.
    pub venue: VenueKind,
    /// Which account at the venue.
    pub account: AccountName,
    /// Which market.
    pub symbol: Symbol,
    /// What to do.
    pub signal: Signal,
    /// Base quantity on the venue's grid.
    pub quantity: Quantity,
    /// At least 1.
    pub leverage: u32,
    /// Price at which to give up.
    pub stop_loss: Option<Price>,
    /// Price at which to take profit.
    pub profit_target: Option<Price>,
    /// Market, or limit at the worst price.
    pub order_style: OrderStyle,
    /// The hard cap of a protected order.
    pub worst_price: Option<Price>,
    /// The price the terms were shown with.
    pub quote: Quote,
    /// Version of the trader's settings under which the risk rules ran.
    pub policy_version: i64,
    /// Version of the decision: edits and fresh quotes make a new one.
    pub version: i64,
}

/// 64 lower-case hex digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest(String);

impl Digest {
    /// Takes a digest back from storage or a request; `None` when it is not 64 lower-case hex digits.
    pub fn parse(text: &str) -> Option<Self> {
        let ok = text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        ok.then(|| Self(text.to_owned()))
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl Terms {
    /// The digest of these terms.
    pub fn digest(&self) -> Digest {
        let mut hash = Sha256::new();
        hash.update(b"countersign terms 1\n");
        // Each value carries its length, so that no two different lists of terms encode to the same bytes.
        let mut put = |name: &str, value: &str| hash.update(format!("{name}={}:{value}\n", value.len()).as_bytes());
        let optional = |price: Option<Price>| price.map_or_else(|| "none".to_owned(), |p| p.to_string());
        put("model", &self.trader_id.to_string());
        put("environment", self.venue.as_str());
        put("account", self.account.as_str());
        put("symbol", self.symbol.as_str());
        put("signal", self.signal.as_str());
        put("quantity", &self.quantity.to_string());
        put("leverage", &self.leverage.to_string());
        put("stop_loss", &optional(self.stop_loss));
        put("profit_target", &optional(self.profit_target));
        put("order_style", self.order_style.as_str());
        put("worst_price", &optional(self.worst_price));
        put("quote_price", &self.quote.price.to_string());
        put("quote_at", &self.quote.at.0.to_string());
        put("policy_version", &self.policy_version.to_string());
        put("version", &self.version.to_string());
        Digest(hex::encode(hash.finalize()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::BookId;
    use crate::domain::time::Timestamp;

    fn terms() -> Terms {
        Terms {
            trader_id: TraderId(1),
            venue: VenueKind::Simulation,
            account: AccountName::simulation(BookId(1)),
            symbol: Symbol("BTCUSDT".into()),
            signal: Signal::BuyToEnter,
            quantity: Quantity::parse("0.01").expect("quantity"),
            leverage: 1,
            stop_loss: Price::parse("42000").ok(),
            profit_target: None,
            order_style: OrderStyle::Protected,
            worst_price: Price::parse("43466.25").ok(),
            quote: Quote { price: Price::parse("43250").expect("price"), at: Timestamp(1_700_000_000_000) },
            policy_version: 3,
            version: 1,
        }
    }

    #[test]
    fn every_term_changes_the_digest_and_equal_numbers_do_not() {
        let base = terms().digest();
        assert_eq!(Digest::parse(base.as_str()), Some(base.clone()));
        let mut same = terms();
        same.quantity = Quantity::parse("0.0100").expect("quantity");
        assert_eq!(same.digest(), base, "trailing zeros are no difference");
        let changes: Vec<fn(&mut Terms)> = vec![
            |t| t.trader_id = TraderId(2),
            |t| t.venue = VenueKind::Testnet,
            |t| t.account = AccountName::simulation(BookId(2)),
            |t| t.symbol = Symbol("ETHUSDT".into()),
            |t| t.signal = Signal::SellToEnter,
            |t| t.quantity = Quantity::parse("0.02").expect("quantity"),
            |t| t.leverage = 2,
            |t| t.stop_loss = None,
            |t| t.profit_target = t.stop_loss,
            |t| t.order_style = OrderStyle::Market,
            |t| t.worst_price = None,
            |t| t.quote.price = Price::parse("43251").expect("price"),
            |t| t.quote.at = Timestamp(1),
            |t| t.policy_version = 4,
            |t| t.version = 2,
        ];
        for (index, change) in changes.iter().enumerate() {
            let mut changed = terms();
            change(&mut changed);
            assert_ne!(changed.digest(), base, "change {index}");
        }
    }
}
