//! Writing a position off: what it held is gone, and what it cost is lost.

use crate::domain::instrument::QUOTE_ASSET;
use crate::domain::ledger::{LedgerAccount, LedgerEntry, LedgerKind, LedgerTransaction, Unbalanced, quote_line};
use crate::domain::market::Coin;
use crate::domain::money::{Money, Quantity};
use crate::domain::position::Position;
use crate::domain::signal::PositionSide;
use crate::domain::time::Timestamp;

/// What writing a position off does to the books. Cash does not move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriteOff {
    /// The position, closed.
    pub position: Position,
    /// The lines that record it.
    pub transaction: LedgerTransaction,
    /// What is lost (negative).
    pub realized: Money,
}

/// Writes an open position off at market time `at`.
///
/// # Errors
/// Never out of balance; the type says so for every transaction.
pub fn write_off(position: &Position, at: Timestamp) -> Result<WriteOff, Unbalanced> {
    // Who owes the base, no longer owes it, and gets nothing back either.
    let held = match position.side {
        PositionSide::Long => position.quantity.decimal(),
        PositionSide::Short => -position.quantity.decimal(),
    };
    let coin = &position.coin;
    let base = |account, amount| LedgerEntry { account, coin: Some(coin.clone()), asset: coin.clone(), amount };
    let quote = Coin::parse(QUOTE_ASSET).expect("the quote asset's name is a valid coin");
    let lines = vec![
        quote_line(&quote, LedgerAccount::Margin, Some(coin), -position.margin),
        quote_line(&quote, LedgerAccount::RealizedPnl, None, position.margin),
        base(LedgerAccount::Holding, -held),
        base(LedgerAccount::Venue, held),
    ];
    let realized = -position.margin;
    let mut closed = position.clone();
    closed.quantity = Quantity::ZERO;
    closed.cost = Money::ZERO;
    closed.margin = Money::ZERO;
    closed.realized += realized;
    closed.closed_at = Some(at);
    closed.version += 1;
    let transaction = LedgerTransaction::new(position.book_id, LedgerKind::WriteOff, None, at, lines)?;
    Ok(WriteOff { position: closed, transaction, realized })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{BookId, PositionId, TraderId};
    use crate::domain::market::Symbol;

    #[test]
    fn what_was_held_and_what_it_cost_leave_the_books_and_cash_stays() {
        let money = |text: &str| Money::new(text.parse().expect("money"));
        let position = Position {
            id: PositionId(1),
            trader_id: TraderId(1),
            book_id: BookId(1),
            coin: Coin::parse("BTC").expect("coin"),
            symbol: Symbol("BTCUSDT".into()),
            side: PositionSide::Long,
            quantity: Quantity::parse("0.5").expect("quantity"),
            cost: money("20000"),
            margin: money("20000"),
            leverage: 1,
            entered: Quantity::parse("0.5").expect("quantity"),
            entered_value: money("20000"),
            exited_value: Money::ZERO,
            realized: money("5"),
            fees: Money::ZERO,
            stop_loss: None,
            profit_target: None,
            opened_at: Timestamp(0),
            closed_at: None,
            watched_until: Timestamp(0),
            version: 3,
        };
        let off = write_off(&position, Timestamp(9)).expect("balanced");
        assert_eq!((off.realized, off.transaction.cash_change()), (money("-20000"), Money::ZERO));
        assert_eq!((off.position.realized, off.position.closed_at), (money("-19995"), Some(Timestamp(9))));
        assert!(off.position.quantity.is_zero() && off.position.version == 4);
        let holding = off.transaction.entries().iter().find(|line| line.account == LedgerAccount::Holding);
        assert_eq!(holding.map(|line| line.amount), "-0.5".parse().ok());
    }
}
