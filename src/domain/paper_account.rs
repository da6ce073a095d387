//! An account on paper: a book and its positions, filled at the prices that it is shown and at no others. It has no
//! orders, no venue and no row of its own among those that trade.
//!
//! What an order meets is meant to flatter nobody: slippage and the taker's fee on every fill, no more than a tenth of
//! what the market traded in the last five minutes at once (the rest is dropped), and of a stop or target that was met
//! since the last look, the worse of its price and the price now.

use crate::domain::account::AccountName;
use crate::domain::book::{Book, BookView, Marks};
use crate::domain::decision::DecisionStatus;
use crate::domain::fill::{Fill, execution_price, worse};
use crate::domain::ids::{BookId, FillId, OrderId, PositionId, TraderId};
use crate::domain::instrument::{Instrument, QUOTE_ASSET};
use crate::domain::market::{Candle, CandleInterval, Coin, Quote};
use crate::domain::money::{Money, Price, Quantity};
use crate::domain::order::{OrderCause, OrderIntent, OrderKind, Purpose};
use crate::domain::position::{Position, PositionError, apply_fill};
use crate::domain::protection::{Trigger, triggered};
use crate::domain::signal::Signal;
use crate::domain::time::Timestamp;
use crate::domain::trader_settings::TraderSettings;
use crate::domain::venue_kind::VenueKind;
use serde::{Deserialize, Serialize};

/// The book of every account on paper: it is no row.
const PAPER_BOOK: BookId = BookId(0);
/// Closed round trips that are remembered, the newest last.
pub const CLOSED_MAX: usize = 10;
/// Earlier decisions that are remembered, the newest last.
pub const RECENT_MAX: usize = 20;

/// An account on paper.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaperAccount {
    /// Cash, results, fees, day and mark.
    pub book: Book,
    /// What is held.
    pub positions: Vec<Position>,
    /// The last price seen of each coin that is held.
    pub marks: Marks,
    /// The last round trips that are over, the newest last.
    pub closed: Vec<Position>,
    /// Round trips that are over.
    pub trades: u32,
    /// Those that brought something after fees.
    pub wins: u32,
    /// The UTC day of market time that `entries` belong to.
    pub day: Timestamp,
    /// Entries of that day.
    pub entries: u32,
    /// The deepest fall of equity below its highest so far, in percent of the highest.
    pub drawdown_pct: rust_decimal::Decimal,
    /// The last decisions and what became of them, the newest last.
    pub recent: Vec<PaperDecision>,
    next_id: i64,
}

/// A decision on paper and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaperDecision {
    /// The coin.
    pub coin: Coin,
    /// What was wanted; none when the answer could not be used.
    pub signal: Option<Signal>,
    /// Base quantity.
    pub quantity: Option<Quantity>,
    /// The price it was wanted at.
    pub quote: Option<Quote>,
    /// Where it ended.
    pub status: DecisionStatus,
    /// Why, in words; may be empty.
    pub reason: String,
}

/// Prices of one coin at one look.
#[derive(Clone, Copy, Debug)]
pub struct PaperMarket<'a> {
    /// Its market.
    pub instrument: &'a Instrument,
    /// The price now.
    pub quote: Quote,
    /// Closed five-minute candles, oldest first.
    pub candles: &'a [Candle],
    /// Closed hourly candles, oldest first: they tell what happened before the five-minute ones begin.
    pub hourly: &'a [Candle],
}

impl PaperMarket<'_> {
    /// What may be had at once; the whole of it where nobody says what was traded.
    fn at_once(&self, quantity: Quantity) -> Quantity {
        let Some(last) = self.candles.last() else { return quantity };
        let share = Quantity::new(last.volume.decimal() * crate::domain::fill::VOLUME_SHARE);
        quantity.min(share.map_or(Quantity::ZERO, |share| self.instrument.quantize_quantity(share)))
    }

    /// Lowest and highest price since `from`, as far as candles tell, and of now. Of the candle in which `from` lies only
    /// the close is known to come after it.
    fn range(&self, from: Timestamp) -> (Price, Price) {
        let recent_from = self.candles.first().map_or(self.quote.at, |candle| candle.open_time);
        let earlier = self.hourly.iter().filter(|candle| candle.open_time < recent_from);
        let earlier = earlier.map(|candle| (candle, CandleInterval::OneHour.ms()));
        let recent = self.candles.iter().map(|candle| (candle, CandleInterval::FiveMinutes.ms()));
        earlier.chain(recent).fold((self.quote.price, self.quote.price), |(low, high), (candle, length)| {
            if candle.open_time >= from {
                (low.min(candle.low), high.max(candle.high))
            } else if candle.open_time.plus_ms(length) > from {
                (low.min(candle.close), high.max(candle.close))
            } else {
                (low, high)
            }
        })
    }

    /// How far candles have told what happened.
    fn told_until(&self) -> Option<Timestamp> {
        self.candles.last().map(|candle| candle.open_time.plus_ms(CandleInterval::FiveMinutes.ms()))
    }
}

/// One fill on paper.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaperFill {
    /// The coin.
    pub coin: Coin,
    /// Opens or closes.
    pub purpose: Purpose,
    /// Base.
    pub quantity: Quantity,
    /// Quote units for one base unit.
    pub price: Price,
    /// In quote.
    pub fee: Money,
    /// Why, in a word: `decision`, `stop loss`.
    pub why: String,
}

impl PaperAccount {
    /// An account that holds nothing but its capital.
    /// At the venue whose rules it keeps: what cannot be shorted there is not shorted on paper.
    pub fn open(trader: TraderId, venue: VenueKind, capital: Money, at: Timestamp) -> Self {
        Self {
            book: Book::open(PAPER_BOOK, trader, venue, capital, at),
            positions: Vec::new(),
            marks: Marks::new(),
            closed: Vec::new(),
            trades: 0,
            wins: 0,
            day: at.day_start(),
            entries: 0,
            drawdown_pct: rust_decimal::Decimal::ZERO,
            recent: Vec::new(),
            next_id: 1,
        }
    }

    /// The account as risk rules see it: nothing waits, nothing is under way.
    pub fn view(&self, now: Timestamp) -> BookView {
        BookView {
            book: self.book.clone(),
            positions: self.positions.clone(),
            open_orders: Vec::new(),
            waiting: Vec::new(),
            entries_today: if now.day_start() == self.day { self.entries } else { 0 },
        }
    }

    /// Its name in records.
    pub fn name() -> AccountName {
        AccountName::simulation(PAPER_BOOK)
    }

    /// Takes note of a price.
    pub fn mark(&mut self, coin: &Coin, price: Price) {
        if self.positions.iter().any(|position| &position.coin == coin) {
            self.marks.insert(coin.clone(), price);
        }
    }

    /// What the account is worth at the last prices seen.
    pub fn equity(&self) -> Money {
        self.view(self.day).value(&self.marks).map_or(self.book.cash, |valuation| valuation.equity)
    }

    /// Takes note of the equity at market time `at`: day, highest, deepest fall.
    pub fn observe(&mut self, at: Timestamp) {
        let equity = self.equity();
        self.book.observe(equity, at);
        let fall = (self.book.high_water_mark - equity).percent_of(self.book.high_water_mark).unwrap_or_default();
        self.drawdown_pct = self.drawdown_pct.max(fall.round_dp(2));
    }

    /// Executes what stop, target or margin of a position demand since it was last looked at.
    ///
    /// # Errors
    /// [`PositionError`] when the fill does not fit; nothing is changed.
    pub fn protect(
        &mut self,
        coin: &Coin,
        market: PaperMarket<'_>,
        settings: &TraderSettings,
        at: Timestamp,
    ) -> Result<Option<PaperFill>, PositionError> {
        let Some(position) = self.position(coin).cloned() else { return Ok(None) };
        let (low, high) = market.range(position.watched_until);
        let Some(trigger) = triggered(&position, low, high) else {
            if let Some(until) = market.told_until().filter(|until| *until > position.watched_until)
                && let Some(position) = self.positions.iter_mut().find(|position| &position.coin == coin)
            {
                position.watched_until = until;
            }
            return Ok(None);
        };
        let cause = match trigger {
            Trigger::Liquidation(_) => OrderCause::Liquidation(position.id),
            Trigger::StopLoss(_) | Trigger::ProfitTarget(_) => OrderCause::Protective(position.id),
        };
        let met = worse(market.quote.price, trigger.price(), position.side.closed_by());
        let intent = closing(&position, cause, market.quote);
        self.execute(&intent, met, position.quantity, market.instrument, settings, at, trigger.word()).map(Some)
    }

    /// Sells or buys back what is held of a coin that its trader does not follow any more: no record will tell of it.
    ///
    /// # Errors
    /// [`PositionError`] when the fill does not fit; nothing is changed.
    pub fn give_up(
        &mut self,
        coin: &Coin,
        market: PaperMarket<'_>,
        settings: &TraderSettings,
        at: Timestamp,
    ) -> Result<Option<PaperFill>, PositionError> {
        let Some(position) = self.position(coin).cloned() else { return Ok(None) };
        let intent = closing(&position, OrderCause::Protective(position.id), market.quote);
        let why = "not followed any more";
        self.execute(&intent, market.quote.price, position.quantity, market.instrument, settings, at, why).map(Some)
    }

    /// Executes an order that the rules passed; none when nothing could be had.
    ///
    /// # Errors
    /// [`PositionError`] when the fill does not fit; nothing is changed.
    pub fn order(
        &mut self,
        intent: &OrderIntent,
        market: PaperMarket<'_>,
        settings: &TraderSettings,
        at: Timestamp,
    ) -> Result<Option<PaperFill>, PositionError> {
        let side = intent.purpose.side();
        let price = execution_price(market.quote.price, side, settings.slippage_pct, market.instrument);
        let beyond = matches!(intent.kind, OrderKind::LimitIoc(limit) if worse(price, limit, side) != limit);
        let quantity = market.at_once(intent.quantity);
        if beyond || quantity.is_zero() {
            return Ok(None);
        }
        self.execute(intent, market.quote.price, quantity, market.instrument, settings, at, "decision").map(Some)
    }

    /// Remembers what became of a decision.
    pub fn remember(&mut self, decision: PaperDecision) {
        self.recent.push(decision);
        let surplus = self.recent.len().saturating_sub(RECENT_MAX);
        self.recent.drain(..surplus);
    }

    fn position(&self, coin: &Coin) -> Option<&Position> {
        self.positions.iter().find(|position| &position.coin == coin)
    }

    #[expect(clippy::too_many_arguments, reason = "an execution is made of all of these and of nothing else")]
    fn execute(
        &mut self,
        intent: &OrderIntent,
        base: Price,
        quantity: Quantity,
        instrument: &Instrument,
        settings: &TraderSettings,
        at: Timestamp,
        why: &str,
    ) -> Result<PaperFill, PositionError> {
        let side = intent.purpose.side();
        let price = execution_price(base, side, settings.slippage_pct, instrument);
        let fee = (price * quantity).percent(settings.taker_fee_pct).round_up();
        let quote = Coin::parse(QUOTE_ASSET).expect("the quote asset's name is a valid coin");
        let fill = Fill {
            id: FillId(self.next_id),
            order_id: OrderId(self.next_id),
            trader_id: self.book.trader_id,
            book_id: PAPER_BOOK,
            venue: VenueKind::Simulation,
            coin: intent.coin.clone(),
            symbol: intent.symbol.clone(),
            trade_id: self.next_id,
            side,
            price,
            quantity,
            fee,
            fee_asset: quote.clone(),
            fee_value: fee,
            is_maker: false,
            at,
        };
        let open = self.position(&intent.coin);
        let effect = apply_fill(open, PositionId(self.next_id), intent, &fill, &quote)?;
        self.next_id += 1;
        self.book.cash += effect.transaction.cash_change();
        self.book.realized += effect.realized;
        self.book.fees += effect.fee;
        self.positions.retain(|position| position.coin != intent.coin);
        if effect.position.is_closed() {
            self.close(effect.position);
        } else {
            self.marks.insert(intent.coin.clone(), base);
            self.positions.push(effect.position);
        }
        if intent.purpose.is_entry() {
            self.count_entry(at);
        }
        Ok(PaperFill { coin: intent.coin.clone(), purpose: intent.purpose, quantity, price, fee, why: why.to_owned() })
    }

    fn close(&mut self, position: Position) {
        self.trades += 1;
        self.wins += u32::from(position.net_result() > Money::ZERO);
        self.marks.remove(&position.coin);
        self.closed.push(position);
        let surplus = self.closed.len().saturating_sub(CLOSED_MAX);
        self.closed.drain(..surplus);
    }

    fn count_entry(&mut self, at: Timestamp) {
        if at.day_start() != self.day {
            (self.day, self.entries) = (at.day_start(), 0);
        }
        self.entries += 1;
    }
}

/// The order that closes a whole position at the market.
fn closing(position: &Position, cause: OrderCause, quote: Quote) -> OrderIntent {
    OrderIntent {
        trader_id: position.trader_id,
        book_id: position.book_id,
        venue: VenueKind::Simulation,
        account: PaperAccount::name(),
        cause,
        coin: position.coin.clone(),
        symbol: position.symbol.clone(),
        purpose: Purpose::Exit(position.side),
        kind: OrderKind::Market,
        quantity: position.quantity,
        leverage: position.leverage,
        stop_loss: None,
        profit_target: None,
        quote,
        policy_version: 0,
        terms_version: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::instrument::FinerRules;
    use crate::domain::market::Symbol;
    use crate::domain::time::{HOUR_MS, MINUTE_MS};
    use rust_decimal::Decimal;

    fn coin() -> Coin {
        Coin::parse("BTC").unwrap()
    }

    fn price(text: &str) -> Price {
        Price::parse(text).unwrap()
    }

    fn instrument() -> Instrument {
        Instrument {
            symbol: Symbol("BTCUSDT".into()),
            base: coin(),
            quote: Coin::parse("USDT").unwrap(),
            tick_size: Decimal::new(1, 2),
            step_size: Decimal::new(1, 5),
            min_quantity: Decimal::new(1, 5),
            max_quantity: Decimal::from(9_000),
            min_notional: Decimal::from(5),
            trading: true,
            finer: FinerRules::default(),
        }
    }

    fn candle(open_time: i64, low: &str, close: &str) -> Candle {
        let (low, close) = (price(low), price(close));
        let volume = Quantity::parse("1000").unwrap();
        Candle { open_time: Timestamp(open_time), open: close, high: close, low, close, volume }
    }

    /// An account that has bought BTC at 100 at `at`, with a stop at 90.
    fn holding(at: i64, instrument: &Instrument) -> PaperAccount {
        let capital = Money::new(Decimal::from(10_000));
        let mut account = PaperAccount::open(TraderId(1), VenueKind::Simulation, capital, Timestamp(0));
        let quote = Quote { price: price("100"), at: Timestamp(at) };
        let entry = OrderIntent {
            trader_id: TraderId(1),
            book_id: PAPER_BOOK,
            venue: VenueKind::Simulation,
            account: PaperAccount::name(),
            cause: OrderCause::Decision(crate::domain::ids::DecisionId(1)),
            coin: coin(),
            symbol: instrument.symbol.clone(),
            purpose: Purpose::Entry(crate::domain::signal::PositionSide::Long),
            kind: OrderKind::Market,
            quantity: Quantity::parse("1").unwrap(),
            leverage: 1,
            stop_loss: Some(price("90")),
            profit_target: None,
            quote,
            policy_version: 0,
            terms_version: 0,
        };
        let market = PaperMarket { instrument, quote, candles: &[], hourly: &[] };
        account.order(&entry, market, &TraderSettings::default(), Timestamp(at)).unwrap().unwrap();
        account
    }

    /// What a look at `at` with the price at 100 and these candles makes of it.
    fn look(entered: i64, at: i64, candles: &[Candle], hourly: &[Candle]) -> Option<PaperFill> {
        let instrument = instrument();
        let mut account = holding(entered, &instrument);
        let quote = Quote { price: price("100"), at: Timestamp(at) };
        let market = PaperMarket { instrument: &instrument, quote, candles, hourly };
        account.protect(&coin(), market, &TraderSettings::default(), Timestamp(at)).unwrap()
    }

    #[test]
    fn a_stop_is_found_in_hourly_candles_before_the_recent_ones_begin() {
        let entered = HOUR_MS + 10 * MINUTE_MS;
        let recent = [candle(9 * HOUR_MS, "99", "100")];
        let fell = |hour: i64| [candle(hour * HOUR_MS, "85", "100")];
        let sold = look(entered, 10 * HOUR_MS, &recent, &fell(3)).unwrap();
        assert_eq!(sold.why, "stop loss");
        assert!(sold.price < price("90"), "the worse of the stop and now, less slippage: {sold:?}");
        assert_eq!(look(entered, 10 * HOUR_MS, &recent, &fell(1)), None, "it may have fallen before the entry");
        assert_eq!(look(entered, 10 * HOUR_MS, &recent, &fell(9)), None, "the recent ones know better");
    }

    #[test]
    fn of_the_candle_of_the_entry_only_the_close_is_known_to_come_after_it() {
        let entered = 2 * MINUTE_MS;
        assert_eq!(look(entered, 6 * MINUTE_MS, &[candle(0, "85", "100")], &[]), None);
        let closed_below = [candle(0, "85", "88")];
        assert_eq!(look(entered, 6 * MINUTE_MS, &closed_below, &[]).unwrap().why, "stop loss");
    }
}
