//! A position: one round trip in a coin, from flat to flat, folded from fills. Adding averages the entry; reducing
//! realises profit on the part that leaves. Money is exact: the cost of what remains is kept, and the average follows.

use crate::domain::fill::{FeeBearer, Fill};
use crate::domain::ids::{BookId, PositionId, TraderId};
use crate::domain::ledger::{LedgerAccount, LedgerEntry, LedgerKind, LedgerTransaction, Unbalanced, quote_line};
use crate::domain::market::{Coin, Symbol};
use crate::domain::money::{Money, Price, Quantity};
use crate::domain::order::{OrderIntent, Purpose};
use crate::domain::signal::PositionSide;
use crate::domain::time::Timestamp;
use serde::{Deserialize, Serialize};

/// One round trip.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Identity.
    pub id: PositionId,
    /// Whose.
    pub trader_id: TraderId,
    /// Which book.
    pub book_id: BookId,
    /// The coin.
    pub coin: Coin,
    /// Its market.
    pub symbol: Symbol,
    /// Long or short.
    pub side: PositionSide,
    /// Base held now; zero once closed.
    pub quantity: Quantity,
    /// What the held quantity was entered for, in quote.
    pub cost: Money,
    /// Quote money tied up.
    pub margin: Money,
    /// Leverage of the latest entry.
    pub leverage: u32,
    /// Base entered in total.
    pub entered: Quantity,
    /// Quote value of all entries.
    pub entered_value: Money,
    /// Quote value of all exits.
    pub exited_value: Money,
    /// Realised profit or loss before fees.
    pub realized: Money,
    /// Fees of entries and exits.
    pub fees: Money,
    /// Price at which to give up.
    pub stop_loss: Option<Price>,
    /// Price at which to take profit.
    pub profit_target: Option<Price>,
    /// Market time.
    pub opened_at: Timestamp,
    /// Market time; `None` while open.
    pub closed_at: Option<Timestamp>,
    /// Market time up to which stop, target and liquidation have been watched.
    pub watched_until: Timestamp,
    /// Grows with each change: compare-and-set.
    pub version: i64,
}

/// A fill that does not fit the position.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PositionError {
    /// An exit without a position.
    #[error("a fill closes {0}, but no position is open")]
    NothingToClose(Coin),
    /// More was sold than held.
    #[error("a fill closes more {0} than is held")]
    ClosesTooMuch(Coin),
    /// An entry against the open side.
    #[error("a fill opens {0} against the open side")]
    WrongSide(Coin),
    /// The lines do not cancel out.
    #[error(transparent)]
    Unbalanced(#[from] Unbalanced),
}

/// What one fill does to the books.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FillEffect {
    /// The position afterwards.
    pub position: Position,
    /// The lines that record it.
    pub transaction: LedgerTransaction,
    /// Profit or loss realised by this fill, before fees.
    pub realized: Money,
    /// What the fee costs the book, in quote; a fee that the account pays in another asset costs it nothing.
    pub fee: Money,
}

impl Position {
    /// Average entry price of what is held, or of the whole round trip once closed.
    pub fn average_price(&self) -> Option<Price> {
        if self.quantity.is_zero() { self.entered_value.per(self.entered) } else { self.cost.per(self.quantity) }
    }

    /// Average exit price of what has left.
    pub fn average_exit(&self) -> Option<Price> {
        self.exited_value.per(self.entered.minus(self.quantity))
    }

    /// Whether the round trip is over.
    pub const fn is_closed(&self) -> bool {
        self.closed_at.is_some()
    }

    /// Realised result of the round trip after fees.
    pub fn net_result(&self) -> Money {
        self.realized - self.fees
    }

    /// Profit or loss of what is held at `price`, before the fee of closing it.
    pub fn unrealized(&self, price: Price) -> Money {
        let value = price * self.quantity;
        match self.side {
            PositionSide::Long => value - self.cost,
            PositionSide::Short => self.cost - value,
        }
    }

    /// What the position adds to equity at `price`: its margin and its unrealised result.
    pub fn value(&self, price: Price) -> Money {
        self.margin + self.unrealized(price)
    }

    fn open(id: PositionId, intent: &OrderIntent, side: PositionSide, at: Timestamp) -> Self {
        Self {
            id,
            trader_id: intent.trader_id,
            book_id: intent.book_id,
            coin: intent.coin.clone(),
            symbol: intent.symbol.clone(),
            side,
            quantity: Quantity::ZERO,
            cost: Money::ZERO,
            margin: Money::ZERO,
            leverage: intent.leverage,
            entered: Quantity::ZERO,
            entered_value: Money::ZERO,
            exited_value: Money::ZERO,
            realized: Money::ZERO,
            fees: Money::ZERO,
            stop_loss: intent.stop_loss,
            profit_target: intent.profit_target,
            opened_at: at,
            closed_at: None,
            watched_until: at,
            version: 0,
        }
    }
}

/// Folds one fill into the coin's open position (if any) and writes the lines that record it.
///
/// `new_id` names the position when this fill opens one. A fee taken from the bought coin leaves less of it: the position
/// holds what arrived, and what the fee was worth is expensed. A fee in a third asset is the account's to pay: it stands
/// in the ledger in its own asset, counts in the result of the round trip, and takes no cash of the book.
///
/// # Errors
/// [`PositionError`] when the fill does not fit: an incident for the caller, nothing is changed.
pub fn apply_fill(
    open: Option<&Position>,
    new_id: PositionId,
    intent: &OrderIntent,
    fill: &Fill,
    quote: &Coin,
) -> Result<FillEffect, PositionError> {
    let side = intent.purpose.position_side();
    let mut position = match (open, intent.purpose) {
        (Some(position), _) if position.side == side => position.clone(),
        (Some(_), _) => return Err(PositionError::WrongSide(fill.coin.clone())),
        (None, Purpose::Entry(side)) => Position::open(new_id, intent, side, fill.at),
        (None, Purpose::Exit(_)) => return Err(PositionError::NothingToClose(fill.coin.clone())),
    };
    let mut lines = Vec::with_capacity(7);
    let realized = match intent.purpose {
        Purpose::Entry(_) => {
            enter(&mut position, intent, fill, quote, &mut lines);
            Money::ZERO
        }
        Purpose::Exit(_) => exit(&mut position, fill, quote, &mut lines)?,
    };
    position.fees += fill.fee_value;
    let fee = fee_lines(fill, quote, &mut lines);
    lines.extend(base_lines(intent.purpose, fill, fill.moved(quote)));
    position.version += 1;
    let transaction = LedgerTransaction::new(fill.book_id, LedgerKind::Fill, Some(fill.id), fill.at, lines)?;
    Ok(FillEffect { position, transaction, realized, fee })
}

/// Writes who pays the fee, and returns what it costs the book.
fn fee_lines(fill: &Fill, quote: &Coin, lines: &mut Vec<LedgerEntry>) -> Money {
    match fill.fee_bearer(quote) {
        FeeBearer::Cash | FeeBearer::Coin => {
            lines.push(quote_line(quote, LedgerAccount::Cash, None, -fill.fee_value));
            lines.push(quote_line(quote, LedgerAccount::Fees, None, fill.fee_value));
            fill.fee_value
        }
        FeeBearer::Account => {
            lines.push(quote_line(&fill.fee_asset, LedgerAccount::Capital, None, -fill.fee));
            lines.push(quote_line(&fill.fee_asset, LedgerAccount::Fees, None, fill.fee));
            Money::ZERO
        }
    }
}

fn enter(position: &mut Position, intent: &OrderIntent, fill: &Fill, quote: &Coin, lines: &mut Vec<LedgerEntry>) {
    let arrived = fill.moved(quote);
    // What a fee took from the coin was paid for too: it is an expense, not a cost of what is held.
    let value = match fill.fee_bearer(quote) {
        FeeBearer::Coin => fill.value() - fill.fee_value,
        FeeBearer::Cash | FeeBearer::Account => fill.value(),
    };
    let margin = value.divide_up(intent.leverage);
    position.quantity = position.quantity + arrived;
    position.entered = position.entered + arrived;
    position.cost += value;
    position.entered_value += value;
    position.margin += margin;
    position.leverage = intent.leverage;
    position.stop_loss = intent.stop_loss.or(position.stop_loss);
    position.profit_target = intent.profit_target.or(position.profit_target);
    lines.push(quote_line(quote, LedgerAccount::Cash, None, -margin));
    lines.push(quote_line(quote, LedgerAccount::Margin, Some(&fill.coin), margin));
}

fn exit(
    position: &mut Position,
    fill: &Fill,
    quote: &Coin,
    lines: &mut Vec<LedgerEntry>,
) -> Result<Money, PositionError> {
    if fill.quantity > position.quantity {
        return Err(PositionError::ClosesTooMuch(fill.coin.clone()));
    }
    let value = fill.value();
    let cost = position.cost.share(fill.quantity, position.quantity);
    let margin = position.margin.share(fill.quantity, position.quantity);
    let realized = match position.side {
        PositionSide::Long => value - cost,
        PositionSide::Short => cost - value,
    };
    // Isolated margin: what is lost beyond the margin of this part is not the trader's to pay.
    let covered = realized.max(-margin);
    position.quantity = position.quantity.minus(fill.quantity);
    position.cost = position.cost - cost;
    position.margin = position.margin - margin;
    position.exited_value += value;
    position.realized += covered;
    if position.quantity.is_zero() {
        position.closed_at = Some(fill.at);
    }
    lines.push(quote_line(quote, LedgerAccount::Margin, Some(&fill.coin), -margin));
    lines.push(quote_line(quote, LedgerAccount::Cash, None, margin + covered));
    lines.push(quote_line(quote, LedgerAccount::RealizedPnl, None, -realized));
    lines.push(quote_line(quote, LedgerAccount::Insurance, None, realized - covered));
    Ok(covered)
}

fn base_lines(purpose: Purpose, fill: &Fill, moved: Quantity) -> [LedgerEntry; 2] {
    let grows = matches!(purpose, Purpose::Entry(PositionSide::Long) | Purpose::Exit(PositionSide::Short));
    let amount = if grows { moved.decimal() } else { -moved.decimal() };
    let line =
        |account, amount| LedgerEntry { account, coin: Some(fill.coin.clone()), asset: fill.coin.clone(), amount };
    [line(LedgerAccount::Holding, amount), line(LedgerAccount::Venue, -amount)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::account::AccountName;
    use crate::domain::ids::{DecisionId, FillId, OrderId};
    use crate::domain::market::Quote;
    use crate::domain::order::{OrderCause, OrderKind};
    use crate::domain::venue_kind::VenueKind;
    use proptest::prelude::*;
    use rust_decimal::Decimal;

    fn coin(name: &str) -> Coin {
        Coin::parse(name).expect("coin")
    }

    fn intent(purpose: Purpose, leverage: u32) -> OrderIntent {
        OrderIntent {
            trader_id: TraderId(1),
            book_id: BookId(1),
            venue: VenueKind::Simulation,
            account: AccountName::simulation(BookId(1)),
            cause: OrderCause::Decision(DecisionId(1)),
            coin: coin("BTC"),
            symbol: Symbol("BTCUSDT".into()),
            purpose,
            kind: OrderKind::Market,
            quantity: Quantity::parse("1").expect("quantity"),
            leverage,
            stop_loss: None,
            profit_target: None,
            quote: Quote { price: Price::parse("100").expect("price"), at: Timestamp(0) },
            policy_version: 1,
            terms_version: 1,
        }
    }

    fn fill(purpose: Purpose, quantity: &str, price: &str, fee: &str) -> Fill {
        Fill {
            id: FillId(1),
            order_id: OrderId(1),
            trader_id: TraderId(1),
            book_id: BookId(1),
            venue: VenueKind::Simulation,
            coin: coin("BTC"),
            symbol: Symbol("BTCUSDT".into()),
            trade_id: 1,
            side: purpose.side(),
            price: Price::parse(price).expect("price"),
            quantity: Quantity::parse(quantity).expect("quantity"),
            fee: Money::new(fee.parse().expect("fee")),
            fee_asset: coin("USDT"),
            fee_value: Money::new(fee.parse().expect("fee")),
            is_maker: false,
            at: Timestamp(10),
        }
    }

    fn step(open: Option<&Position>, purpose: Purpose, leverage: u32, quantity: &str, price: &str) -> FillEffect {
        let fill = fill(purpose, quantity, price, "0.1");
        apply_fill(open, PositionId(1), &intent(purpose, leverage), &fill, &coin("USDT")).expect("the fill fits")
    }

    #[test]
    fn adding_averages_and_closing_realises_with_fees_on_both_sides() {
        let long = PositionSide::Long;
        let first = step(None, Purpose::Entry(long), 1, "1", "100").position;
        let second = step(Some(&first), Purpose::Entry(long), 1, "1", "110").position;
        assert_eq!(second.average_price().map(|p| p.to_string()).as_deref(), Some("105"));
        let half = step(Some(&second), Purpose::Exit(long), 1, "1", "120");
        assert_eq!(half.realized.to_string(), "15");
        assert_eq!(half.transaction.cash_change().to_string(), "119.9");
        let flat = step(Some(&half.position), Purpose::Exit(long), 1, "1", "90").position;
        assert!(flat.is_closed());
        assert_eq!((flat.realized.to_string(), flat.fees.to_string()), ("0".into(), "0.4".into()));
        assert_eq!((flat.cost, flat.margin), (Money::ZERO, Money::ZERO));
    }

    #[test]
    fn a_short_gains_when_the_price_falls_and_loses_no_more_than_its_margin() {
        let short = PositionSide::Short;
        let open = step(None, Purpose::Entry(short), 5, "1", "100").position;
        assert_eq!(open.margin.to_string(), "20");
        assert_eq!(open.unrealized(Price::parse("90").expect("price")).to_string(), "10");
        let lost = step(Some(&open), Purpose::Exit(short), 5, "1", "130");
        assert_eq!(lost.realized.to_string(), "-20", "isolated margin caps the loss");
        assert_eq!(lost.transaction.cash_change().to_string(), "-0.1", "only the fee leaves cash");
    }

    #[test]
    fn a_fee_taken_from_the_bought_coin_leaves_less_of_it_and_is_an_expense() {
        let long = PositionSide::Long;
        let fee = Money::new(Decimal::new(1, 6));
        let bought = Fill {
            fee,
            fee_asset: coin("BTC"),
            fee_value: Money::new(Decimal::new(1, 4)),
            ..fill(Purpose::Entry(long), "0.001", "100", "0")
        };
        let effect = apply_fill(None, PositionId(1), &intent(Purpose::Entry(long), 1), &bought, &coin("USDT"));
        let effect = effect.expect("fits");
        assert_eq!(effect.position.quantity.to_string(), "0.000999", "what arrived");
        assert_eq!(effect.transaction.cash_change().to_string(), "-0.1", "what was paid, fee included");
        assert_eq!((effect.fee.to_string(), effect.position.fees.to_string()), ("0.0001".into(), "0.0001".into()));
        assert_eq!(effect.position.cost.to_string(), "0.0999");
        let sold = fill(Purpose::Exit(long), "0.000999", "100", "0");
        let flat =
            apply_fill(Some(&effect.position), PositionId(1), &intent(Purpose::Exit(long), 1), &sold, &coin("USDT"));
        let flat = flat.expect("what arrived can be sold").position;
        assert!(flat.is_closed());
        assert_eq!(flat.net_result().to_string(), "-0.0001", "bought and sold at one price, the fee is lost once");
    }

    #[test]
    fn a_fee_in_a_third_asset_takes_no_cash_and_no_coin_but_counts_in_the_result() {
        let long = PositionSide::Long;
        let bought = Fill {
            fee: Money::new(Decimal::new(2, 3)),
            fee_asset: coin("BNB"),
            fee_value: Money::new(Decimal::ONE),
            ..fill(Purpose::Entry(long), "1", "100", "0")
        };
        let effect = apply_fill(None, PositionId(1), &intent(Purpose::Entry(long), 1), &bought, &coin("USDT"));
        let effect = effect.expect("fits");
        assert_eq!(effect.position.quantity.to_string(), "1");
        assert_eq!(effect.transaction.cash_change().to_string(), "-100");
        assert_eq!(effect.fee, Money::ZERO);
        assert_eq!(effect.position.net_result().to_string(), "-1");
        let paid: Vec<_> = effect.transaction.entries().iter().filter(|line| line.asset == coin("BNB")).collect();
        assert_eq!(paid.len(), 2, "the account's claim and the expense, in BNB");
    }

    #[test]
    fn fills_that_do_not_fit_are_refused() {
        let long = PositionSide::Long;
        let open = step(None, Purpose::Entry(long), 1, "1", "100").position;
        let try_fill = |open: Option<&Position>, purpose| {
            apply_fill(open, PositionId(1), &intent(purpose, 1), &fill(purpose, "2", "100", "0"), &coin("USDT"))
                .map(|_| ())
        };
        assert_eq!(try_fill(Some(&open), Purpose::Exit(long)), Err(PositionError::ClosesTooMuch(coin("BTC"))));
        assert_eq!(try_fill(None, Purpose::Exit(long)), Err(PositionError::NothingToClose(coin("BTC"))));
        assert_eq!(
            try_fill(Some(&open), Purpose::Entry(PositionSide::Short)),
            Err(PositionError::WrongSide(coin("BTC")))
        );
    }

    proptest! {
        /// Whatever is entered and left, cash + margin moved equals what the market gave: nothing is lost or made.
        #[test]
        fn equity_moves_only_by_price_and_fees(
            prices in proptest::collection::vec((1u64..10_000_000, 1u64..100_000, any::<bool>()), 1..20),
            leverage in 1u32..20,
            is_long in any::<bool>(),
        ) {
            let side = if is_long { PositionSide::Long } else { PositionSide::Short };
            let mut open: Option<Position> = None;
            let (mut cash, mut realized, mut fees) = (Money::ZERO, Money::ZERO, Money::ZERO);
            for (price, quantity, enter) in prices {
                let purpose = if enter || open.is_none() { Purpose::Entry(side) } else { Purpose::Exit(side) };
                let held = open.as_ref().map_or(Quantity::ZERO, |p| p.quantity);
                let wish = Quantity::new(Decimal::new(i64::try_from(quantity).expect("small"), 4)).expect("quantity");
                let quantity = if purpose.is_entry() { wish } else { wish.min(held) };
                let mut fill = fill(purpose, "1", "1", "0.05");
                fill.price = Price::new(Decimal::new(i64::try_from(price).expect("small"), 2)).expect("price");
                fill.quantity = quantity;
                let effect = apply_fill(open.as_ref(), PositionId(1), &intent(purpose, leverage), &fill, &coin("USDT")).expect("fits");
                cash += effect.transaction.cash_change();
                realized += effect.realized;
                fees += fill.fee;
                open = (!effect.position.is_closed()).then_some(effect.position);
                let margin = open.as_ref().map_or(Money::ZERO, |p| p.margin);
                prop_assert_eq!(cash + margin, realized - fees);
            }
        }
    }
}
