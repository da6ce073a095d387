//! The parts that proposal, approval and sending share: prices of a book, its valuation, and one coin's risk check.

use crate::domain::book::{Book, BookView, Marks};
use crate::domain::decision::Impact;
use crate::domain::ids::{BookId, DecisionId, OrderId, TraderId};
use crate::domain::instrument::{FilterViolation, Instrument, InstrumentList};
use crate::domain::market::{Coin, Quote, Symbol};
use crate::domain::money::{Money, Price, Quantity};
use crate::domain::order::{OrderIntent, OrderKind, Purpose};
use crate::domain::protection::loss_at_stop;
use crate::domain::risk::{Exposure, RiskContext, RiskOutcome, check, unresolved};
use crate::domain::signal::{Side, Signal};
use crate::domain::time::Timestamp;
use crate::domain::trader::Trader;
use crate::domain::trader_settings::{OrderStyle, TraderSettings};
use crate::domain::venue_kind::VenueKind;
use crate::ports::market_data::{MarketData, MarketDataError};
use crate::ports::store::{IdKind, StoreError};
use crate::services::desk::Desk;
use crate::services::live::AccountView;
use rust_decimal::Decimal;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Prices and filters at one moment of market time.
pub struct MarketView {
    /// Market time.
    pub now: Timestamp,
    /// Filters by coin.
    pub instruments: Arc<InstrumentList>,
    /// Quotes of the coins that have one, fresh or not.
    pub quotes: BTreeMap<Coin, Quote>,
}

impl MarketView {
    /// Reads the market for some coins. A price that came with decisions stands in for the market's while it is fresh.
    ///
    /// # Errors
    /// When the market cannot answer at all.
    pub async fn read(
        desk: &Desk,
        market: &dyn MarketData,
        trader: &Trader,
        coins: impl IntoIterator<Item = Coin>,
    ) -> Result<Self, MarketDataError> {
        let instruments = market.instruments().await?;
        let wanted: BTreeMap<Coin, Symbol> =
            coins.into_iter().filter_map(|coin| instruments.of_coin(&coin).map(|i| (coin, i.symbol.clone()))).collect();
        let symbols: Vec<Symbol> = wanted.values().cloned().collect();
        let by_symbol = market.quotes(&symbols).await?;
        let now = market.now();
        let simulated = trader.axes.venue_kind() == VenueKind::Simulation;
        let quotes = wanted.into_iter().filter_map(|(coin, symbol)| {
            let given = simulated
                .then(|| desk.given_quotes.fresh(trader.id, &coin, now, trader.settings.max_price_age_seconds))
                .flatten();
            given.or_else(|| by_symbol.get(&symbol).copied()).map(|quote| (coin, quote))
        });
        Ok(Self { now, quotes: quotes.collect(), instruments })
    }

    /// The coin's quote when it is fresh enough for this trader.
    pub fn fresh_quote(&self, coin: &Coin, settings: &TraderSettings) -> Option<Quote> {
        self.quotes.get(coin).copied().filter(|quote| quote.is_fresh(self.now, settings.max_price_age_seconds))
    }

    /// Prices by coin, whatever their age: for showing what a book is worth. Risk checks have their own age rule.
    pub fn marks(&self) -> Marks {
        self.quotes.iter().map(|(coin, quote)| (coin.clone(), quote.price)).collect()
    }

    /// Whether so much of a coin is too little to be sold at its venue, as far as its price is known.
    pub fn is_dust(&self, coin: &Coin, quantity: Quantity) -> bool {
        let (Some(instrument), Some(quote)) = (self.instruments.of_coin(coin), self.quotes.get(coin)) else {
            return false;
        };
        let sellable = instrument.quantize_quantity(quantity);
        instrument.check(sellable, quote.price).is_err_and(|violation| violation.is_too_little())
    }

    /// Prices by coin that are young enough to decide on.
    pub fn fresh_marks(&self, settings: &TraderSettings) -> Marks {
        let fresh = self.quotes.iter().filter(|(_, quote)| quote.is_fresh(self.now, settings.max_price_age_seconds));
        fresh.map(|(coin, quote)| (coin.clone(), quote.price)).collect()
    }
}

/// The trader's book at a venue, opened with its capital on first use.
///
/// # Errors
/// When the store fails. Losing the race to open it is no error: the winner's book is read.
pub async fn ensure_book(desk: &Desk, trader: &Trader, venue: VenueKind, at: Timestamp) -> Result<Book, StoreError> {
    if let Some(book) = desk.store.book(trader.id, venue).await? {
        return Ok(book);
    }
    let id = BookId(desk.next_id(IdKind::Book).await?);
    let mut changes = crate::ports::store::Changes::default();
    let capital = Money::new(trader.settings.initial_capital);
    open_book(&mut changes, Book::open(id, trader.id, venue, capital, at));
    match desk.store.commit(changes).await {
        Ok(())
        | Err(crate::ports::store::CommitError::Conflict(_) | crate::ports::store::CommitError::Duplicate(_)) => {}
        Err(crate::ports::store::CommitError::Store(error)) => return Err(error),
        Err(crate::ports::store::CommitError::LeaseLost(lease)) => {
            return Err(StoreError::Corrupt { what: "lease", detail: lease });
        }
    }
    let missing =
        || StoreError::Corrupt { what: "book", detail: format!("model {} has none after opening", trader.id) };
    desk.store.book(trader.id, venue).await?.ok_or_else(missing)
}

/// Puts a new book with its deposit and first equity point into a commit.
pub fn open_book(changes: &mut crate::ports::store::Changes, book: Book) {
    let quote = quote_asset();
    if let Ok(deposit) = crate::domain::ledger::deposit(book.id, &quote, book.initial_capital, book.opened_at) {
        changes.ledger.push(deposit);
    }
    changes.snapshots.push(crate::domain::cycle::EquitySnapshot {
        book_id: book.id,
        at: book.opened_at,
        equity: book.initial_capital,
        cash: book.cash,
    });
    changes.new_books.push(book);
}

/// The quote asset as a coin.
pub fn quote_asset() -> Coin {
    Coin::parse(crate::domain::instrument::QUOTE_ASSET).expect("the quote asset's name is a valid coin")
}

/// What a proposal asks for, after reading and before quantizing.
#[derive(Clone, Debug)]
pub struct Wish {
    /// The coin.
    pub coin: Coin,
    /// What to do.
    pub signal: Signal,
    /// Base quantity; ignored for a close, which takes what is held and free.
    pub quantity: Option<Quantity>,
    /// At least 1.
    pub leverage: u32,
    /// Price at which to give up.
    pub stop_loss: Option<Price>,
    /// Price at which to take profit.
    pub profit_target: Option<Price>,
}

/// A book with everything that a risk check needs, read at one moment.
pub struct Scene<'a> {
    /// Whose limits.
    pub trader: &'a Trader,
    /// What is held and under way.
    pub view: &'a BookView,
    /// Prices and filters.
    pub market: &'a MarketView,
    /// What the account behind the book says.
    pub account: &'a AccountView,
    /// Equity at fresh marks; `None` when a held coin has none.
    pub equity: Option<Money>,
    /// Worst-case exposure.
    pub exposure: Exposure,
    except_order: Option<OrderId>,
}

impl<'a> Scene<'a> {
    /// Counts the book, leaving out the decision or order that is being re-checked.
    pub fn new(
        trader: &'a Trader,
        view: &'a BookView,
        market: &'a MarketView,
        account: &'a AccountView,
        except_decision: Option<DecisionId>,
        except_order: Option<OrderId>,
    ) -> Self {
        let marks = market.fresh_marks(&trader.settings);
        let equity = view.value(&marks).map(|valuation| valuation.equity);
        let mut exposure = Exposure::of(view, &marks, &trader.settings, except_decision, except_order);
        for position in view.positions.iter().filter(|position| market.is_dust(&position.coin, position.quantity)) {
            exposure.set_dust(&position.coin);
        }
        Self { trader, view, market, account, equity, exposure, except_order }
    }

    /// Turns a wish into an intent on the venue's grid; the rules judge it afterwards, so nothing is refused here but
    /// what cannot even be written down.
    ///
    /// # Errors
    /// [`IntentError`] says what is missing.
    pub fn intent(
        &self,
        wish: &Wish,
        cause: crate::domain::order::OrderCause,
        terms_version: i64,
    ) -> Result<OrderIntent, IntentError> {
        let instrument =
            self.market.instruments.of_coin(&wish.coin).ok_or_else(|| IntentError::NotTraded(wish.coin.clone()))?;
        let quote = *self.market.quotes.get(&wish.coin).ok_or_else(|| IntentError::NoPrice(wish.coin.clone()))?;
        let held = self.view.position(&wish.coin);
        let purpose = match wish.signal.entry_side() {
            Some(side) => Purpose::Entry(side),
            None => Purpose::Exit(held.map_or(crate::domain::signal::PositionSide::Long, |position| position.side)),
        };
        let quantity = match purpose {
            Purpose::Entry(_) => wish.quantity.ok_or(IntentError::QuantityMissing)?,
            Purpose::Exit(_) => {
                let held = held.map_or(Quantity::ZERO, |position| position.quantity);
                let exiting = self.exposure.coin(&wish.coin).exiting;
                // What the exchange holds free is the truth of what can be sold; the book may think it holds more.
                let free =
                    self.account.free_of(&wish.coin).map_or(held.minus(exiting), |free| held.minus(exiting).min(free));
                wish.quantity.map_or(free, |quantity| quantity.min(free))
            }
        };
        let leverage = if purpose.is_entry() { wish.leverage } else { held.map_or(1, |position| position.leverage) };
        Ok(OrderIntent {
            trader_id: self.trader.id,
            book_id: self.view.book.id,
            venue: self.view.book.venue,
            account: self.account.name.clone(),
            cause,
            coin: wish.coin.clone(),
            symbol: instrument.symbol.clone(),
            purpose,
            kind: kind(&self.trader.settings, purpose, instrument, quote.price)?,
            quantity: instrument.quantize_quantity(quantity),
            leverage,
            stop_loss: wish.stop_loss.filter(|_| purpose.is_entry()),
            profit_target: wish.profit_target.filter(|_| purpose.is_entry()),
            quote,
            policy_version: self.trader.version,
            terms_version,
        })
    }

    /// Runs the rules over an intent.
    pub fn check(&self, intent: OrderIntent, entries_today: u32) -> RiskOutcome {
        let quote = quote_asset();
        let context = RiskContext {
            settings: &self.trader.settings,
            book: &self.view.book,
            equity: self.equity,
            exposure: &self.exposure,
            entries_today,
            instrument: self.market.instruments.of_symbol(&intent.symbol),
            quote: self.market.quotes.get(&intent.coin).copied(),
            now: self.market.now,
            free: self.account.free_of(match intent.purpose {
                Purpose::Entry(_) => &quote,
                Purpose::Exit(_) => &intent.coin,
            }),
            halted: self.account.entries_halted.as_deref(),
            safe_mode: self.trader.is_in_safe_mode(),
            unresolved: unresolved(self.view, &intent, self.except_order),
        };
        check(intent, &context)
    }

    /// What an intent would change, for whoever is asked.
    pub fn impact(&self, intent: &OrderIntent) -> Impact {
        let settings = &self.trader.settings;
        let equity = self.equity.unwrap_or(Money::ZERO);
        let share = |money: Money| money.percent_of(equity).unwrap_or(Decimal::ZERO).round_dp(2);
        let coin = self.exposure.coin(&intent.coin);
        let notional = intent.quote.price * intent.quantity;
        let fee = notional.percent(settings.taker_fee_pct).round_up();
        let before = coin.held_notional + coin.entering;
        let cash = self.view.book.cash - self.exposure.reserved_cash;
        let (after, cash_after) = if intent.purpose.is_entry() {
            (before + notional, cash - notional.divide_up(intent.leverage) - fee)
        } else {
            let value = self.view.position(&intent.coin).map_or(Money::ZERO, |position| {
                position.value(intent.quote.price).share(intent.quantity, position.quantity)
            });
            ((before - notional).max(Money::ZERO), cash + value - fee)
        };
        let loss = loss_at_stop(intent.purpose.position_side(), intent.quote.price, intent.stop_loss, intent.quantity);
        let book = &self.view.book;
        let budget = book.day_start_equity.percent(settings.max_daily_loss_pct) - (book.day_start_equity - equity);
        Impact {
            notional: notional.round(),
            fee,
            exposure_before_pct: share(before),
            exposure_after_pct: share(after),
            cash_before_pct: share(cash),
            cash_after_pct: share(cash_after),
            loss_at_stop: loss.filter(|_| intent.purpose.is_entry()).map(|loss| (loss + fee + fee).round()),
            daily_budget_left: budget.max(Money::ZERO).round(),
        }
    }
}

/// Why a wish cannot be written down as an intent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IntentError {
    /// The venue has no such market.
    #[error("{0} is not traded at this venue")]
    NotTraded(Coin),
    /// There is no price at all.
    #[error("no price of {0} is known")]
    NoPrice(Coin),
    /// An entry without a size.
    #[error("quantity is required for an entry")]
    QuantityMissing,
    /// A size in percent of an equity that is not known.
    #[error("a size in percent of equity needs the equity, and a coin that is held has no fresh price")]
    NoEquity,
    /// The limit price falls off the grid.
    #[error(transparent)]
    Filter(#[from] FilterViolation),
}

/// How an order is sent. Exits go to the market: a cap that keeps somebody in a position protects nobody.
fn kind(
    settings: &TraderSettings,
    purpose: Purpose,
    instrument: &Instrument,
    quote: Price,
) -> Result<OrderKind, FilterViolation> {
    if settings.order_style == OrderStyle::Market || !purpose.is_entry() {
        return Ok(OrderKind::Market);
    }
    let bps = match purpose.side() {
        Side::Buy => settings.max_price_drift_bps,
        Side::Sell => -settings.max_price_drift_bps,
    };
    let worst = quote.moved_bps(bps).ok_or(FilterViolation::PriceBelowTick { tick: instrument.tick_size })?;
    instrument.quantize_limit(worst, purpose.side()).map(OrderKind::LimitIoc)
}

/// Coins that a trader is interested in: its own, and whatever its book holds or moves.
pub fn relevant_coins(trader: &Trader, view: &BookView) -> Vec<Coin> {
    let mut coins = trader.settings.supported_assets.clone();
    let held = view.positions.iter().map(|position| &position.coin);
    let moving = view.open_orders.iter().map(|order| &order.intent.coin);
    let waiting = view.waiting.iter().map(|decision| &decision.coin);
    for coin in held.chain(moving).chain(waiting) {
        if !coins.contains(coin) {
            coins.push(coin.clone());
        }
    }
    coins
}

/// The id of a trader's lease for cycles.
pub fn cycle_lease(trader: TraderId) -> String {
    format!("trader:{trader}")
}
