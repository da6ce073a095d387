//! Orders in a store of their own: nothing else can be sent.

use crate::support::sqlite;
use countersign::adapters::clock::SystemClock;
use countersign::adapters::store::{SqlStore, connect};
use countersign::domain::account::AccountName;
use countersign::domain::book::Book;
use countersign::domain::ids::{BUILT_IN_PROVIDER, BookId, DecisionId, InstallationTag, OrderId, TraderId};
use countersign::domain::market::{Coin, Quote, Symbol};
use countersign::domain::money::{Money, Price, Quantity};
use countersign::domain::order::{Order, OrderCause, OrderIntent, OrderKind, OrderState, Purpose};
use countersign::domain::signal::PositionSide;
use countersign::domain::trader::{Trader, TradingState};
use countersign::domain::trader_settings::TraderSettings;
use countersign::domain::venue_kind::{Axes, ExchangeType, VenueKind};
use countersign::ports::clock::Clock;
use countersign::ports::store::{
    Changes, Coordination, IdKind, JournalError, JournaledOrder, Lease, Reads, Store, journal_submit,
};
use countersign::services::cycle_parts::open_book;
use tempfile::TempDir;

/// What an order is about. The decision names it: `csa1b2c3-d7-1` for the seventh.
#[derive(Clone, Copy)]
pub struct Terms<'a> {
    pub decision: i64,
    pub purpose: Purpose,
    pub kind: OrderKind,
    pub quantity: &'a str,
}

/// A purchase at the market, of the seventh decision.
pub const fn buy(quantity: &str) -> Terms<'_> {
    Terms { decision: 7, purpose: Purpose::Entry(PositionSide::Long), kind: OrderKind::Market, quantity }
}

/// A purchase at this price or better, immediate or cancel.
pub fn buy_within<'a>(limit: &str, quantity: &'a str) -> Terms<'a> {
    Terms { kind: OrderKind::LimitIoc(Price::parse(limit).unwrap()), ..buy(quantity) }
}

/// A sale at the market.
pub const fn sell(quantity: &str) -> Terms<'_> {
    Terms { purpose: Purpose::Exit(PositionSide::Long), ..buy(quantity) }
}

pub struct Journal {
    store: SqlStore,
    venue: VenueKind,
    trader: TraderId,
    book: BookId,
    sender: Lease,
    /// Keeps the database.
    _dir: TempDir,
}

impl Journal {
    /// A database with a model and its book at a venue.
    pub async fn open(venue: VenueKind) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("journal.sqlite");
        sqlite::new_database(&file).await;
        let store = SqlStore::new(connect(&format!("sqlite:{}", file.display())).await.unwrap());
        let (trader, book, now) = (TraderId(1), BookId(1), SystemClock.now());
        let settings = TraderSettings::default();
        let capital = Money::new(settings.initial_capital);
        let model = Trader {
            id: trader,
            name: "Sage".to_owned(),
            provider_id: BUILT_IN_PROVIDER,
            model_name: "random".to_owned(),
            exchange_type: ExchangeType::Binance,
            axes: Axes::default(),
            state: TradingState::Active,
            settings,
            next_run_at: None,
            api_errors: 0,
            model_errors: 0,
            created_at: now,
            deleted_at: None,
            version: 1,
        };
        let mut changes = Changes { new_traders: vec![model], ..Changes::default() };
        open_book(&mut changes, Book::open(book, trader, venue, capital, now));
        store.commit(changes).await.unwrap();
        let until = now.plus_ms(3_600_000);
        let sender = store.acquire_lease("process:one", "one", now, until, None).await.unwrap().unwrap();
        Self { store, venue, trader, book, sender, _dir: dir }
    }

    /// Writes an order down as sent: from here on it may be sent, once.
    pub async fn submit(&self, terms: Terms<'_>) -> JournaledOrder {
        let order = self.written(terms).await;
        journal_submit(&self.store, order, SystemClock.now(), &self.sender).await.unwrap()
    }

    /// Tries to write an order down as sent that has been sent.
    pub async fn submit_again(&self, id: OrderId) -> Result<JournaledOrder, JournalError> {
        let order = self.store.order(id).await.unwrap().unwrap();
        journal_submit(&self.store, order, SystemClock.now(), &self.sender).await
    }

    async fn written(&self, terms: Terms<'_>) -> Order {
        let id = OrderId(self.store.reserve_ids(IdKind::Order, 1).await.unwrap()[0]);
        let (now, cause) = (SystemClock.now(), OrderCause::Decision(DecisionId(terms.decision)));
        let intent = OrderIntent {
            trader_id: self.trader,
            book_id: self.book,
            venue: self.venue,
            account: AccountName::simulation(self.book),
            cause,
            coin: Coin::parse("BTC").unwrap(),
            symbol: Symbol("BTCUSDT".into()),
            purpose: terms.purpose,
            kind: terms.kind,
            quantity: Quantity::parse(terms.quantity).unwrap(),
            leverage: 1,
            stop_loss: None,
            profit_target: None,
            quote: Quote { price: Price::parse("50000").unwrap(), at: now },
            policy_version: 1,
            terms_version: 1,
        };
        let order = Order {
            id,
            client_order_id: cause.client_order_id(&InstallationTag::parse("a1b2c3").unwrap(), 1),
            digest: intent.terms().digest(),
            intent,
            sequence: 1,
            venue_order_id: None,
            state: OrderState::Initialized,
            attempts: 0,
            filled: Quantity::ZERO,
            filled_value: Money::ZERO,
            fees: Money::ZERO,
            created_at: now,
            market_at: now,
            updated_at: now,
            send_before: None,
            version: 1,
        };
        self.store.commit(Changes { new_orders: vec![order.clone()], ..Changes::default() }).await.unwrap();
        order
    }
}
