//! A desk whose models trade on exchanges in memory.

use super::exchange::{FakeExchange, PRICE, Reply, btcusdt, coin};
use crate::support::{Database, ManualClock, OneVenue, postgres};
use async_trait::async_trait;
use countersign::adapters::advisors::BuiltInAdvisors;
use countersign::adapters::market::synthetic::{SyntheticConfig, SyntheticMarket};
use countersign::adapters::simulation::SimulationVenue;
use countersign::adapters::stop_switch::FileStopSwitch;
use countersign::adapters::store::{Db, SqlStore, connect, migrate};
use countersign::domain::account::AccountName;
use countersign::domain::book::Book;
use countersign::domain::credential::{AccountFingerprint, Credential, Sealed};
use countersign::domain::ids::{BUILT_IN_PROVIDER, BookId, DecisionId, InstallationTag, OrderId, TraderId};
use countersign::domain::incident::{IncidentKind, IncidentStatus, NewIncident, Severity};
use countersign::domain::market::Quote;
use countersign::domain::money::{Money, Price, Quantity};
use countersign::domain::order::{Order, OrderCause, OrderEvent, OrderIntent, OrderKind, OrderState, Purpose};
use countersign::domain::reconciliation::{Difference, ReconciliationRun};
use countersign::domain::signal::PositionSide;
use countersign::domain::time::Timestamp;
use countersign::domain::trader::{Trader, TradingState};
use countersign::domain::trader_settings::TraderSettings;
use countersign::domain::venue_kind::{Axes, ExchangeEnvironment, ExchangeType, TradingEnvironment, VenueKind};
use countersign::ports::clock::Clock;
use countersign::ports::exchange::{ExchangeAccount, ExchangeError, Exchanges};
use countersign::ports::market_data::MarketData;
use countersign::ports::store::{Changes, IdKind, IncidentFilter, Lease, OrderEventRecord, Page, journal_submit};
use countersign::ports::vault::NoVault;
use countersign::ports::venue::SubmitOutcome;
use countersign::services::apply_fill::apply_report;
use countersign::services::cycle_parts::open_book;
use countersign::services::desk::{Desk, GivenQuotes, Markets, Policy, StopGate};
use countersign::services::live_feed::LiveFeed;
use countersign::services::reconcile::{entries_halted, reconcile_due, reconcile_now};
use countersign::services::resolve_unknown::resolve_due;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use tempfile::TempDir;
use tokio::sync::Notify;

/// The exchanges whose keys a story hands out, by the fingerprint of the account.
#[derive(Default)]
pub struct FakeExchanges(Mutex<HashMap<AccountFingerprint, Arc<FakeExchange>>>);

#[async_trait]
impl Exchanges for FakeExchanges {
    async fn open(&self, credential: &Credential) -> Result<Arc<dyn ExchangeAccount>, ExchangeError> {
        let exchange = Arc::clone(&self.0.lock().unwrap()[&credential.fingerprint]);
        Ok(exchange as Arc<dyn ExchangeAccount>)
    }

    fn banned_until(&self, _: VenueKind) -> Option<Timestamp> {
        None
    }

    fn restore_ban(&self, _: VenueKind, _: Timestamp) {}

    fn market(&self, _: VenueKind) -> Option<Arc<dyn MarketData>> {
        None
    }
}

pub struct House {
    pub desk: Arc<Desk>,
    pub clock: ManualClock,
    pub sender: Lease,
    exchanges: Arc<FakeExchanges>,
    pub db: Db,
    url: String,
    market: Arc<dyn MarketData>,
    file: PathBuf,
    pub dir: TempDir,
}

impl House {
    pub async fn on(database: Database) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("test.sqlite");
        let url = match database {
            Database::Sqlite => format!("sqlite:{}", file.display()),
            Database::Postgres(url) => url,
        };
        let db = connect(&url).await.unwrap();
        migrate(&db).await.unwrap();
        let clock = ManualClock::default();
        let start = clock.now();
        let config = SyntheticConfig { seed: 7, origin: start, start_at: start, speed: 1 };
        let market: Arc<dyn MarketData> = Arc::new(SyntheticMarket::new(config, Arc::new(clock.clone())).unwrap());
        let exchanges = Arc::new(FakeExchanges::default());
        let desk = desk_on(db.clone(), &clock, &market, &exchanges, &file, "one");
        let until = start.plus_ms(i64::MAX / 4);
        let sender = desk.store.acquire_lease("process:one", "one", start, until, None).await.unwrap().unwrap();
        Self { desk: Arc::new(desk), clock, sender, exchanges, db, url, market, file, dir }
    }

    pub async fn postgres() -> Option<Self> {
        Some(Self::on(postgres::new_database().await?).await)
    }

    /// Another process on the same database, with the same keys.
    pub async fn process(&self, name: &str) -> Desk {
        desk_on(connect(&self.url).await.unwrap(), &self.clock, &self.market, &self.exchanges, &self.file, name)
    }

    /// A model that trades live on testnet, with a book.
    pub async fn model(&self, name: &str) -> TraderId {
        let desk = &self.desk;
        let id = TraderId(desk.next_id(IdKind::Trader).await.unwrap());
        let axes = Axes {
            trading_environment: TradingEnvironment::Live,
            exchange_environment: ExchangeEnvironment::Testnet,
            ..Axes::default()
        };
        let now = self.clock.now();
        let trader = Trader {
            id,
            name: name.to_owned(),
            provider_id: BUILT_IN_PROVIDER,
            model_name: "random".to_owned(),
            exchange_type: ExchangeType::Binance,
            axes,
            state: TradingState::Active,
            settings: TraderSettings::default(),
            next_run_at: None,
            api_errors: 0,
            model_errors: 0,
            created_at: now,
            deleted_at: None,
            version: 1,
        };
        let book = BookId(desk.next_id(IdKind::Book).await.unwrap());
        let capital = Money::new(trader.settings.initial_capital);
        let mut changes = Changes { new_traders: vec![trader], ..Changes::default() };
        open_book(&mut changes, Book::open(book, id, VenueKind::Testnet, capital, now));
        desk.store.commit(changes).await.unwrap();
        id
    }

    /// Gives a model a key of an account.
    pub async fn connect(&self, trader_id: TraderId, exchange: &Arc<FakeExchange>) {
        let fingerprint = exchange.fingerprint().clone();
        self.exchanges.0.lock().unwrap().insert(fingerprint.clone(), Arc::clone(exchange));
        let before = self.desk.store.credential(trader_id, ExchangeEnvironment::Testnet).await.unwrap();
        let before = before.map(|held| held.version);
        let credential = Credential {
            trader_id,
            environment: ExchangeEnvironment::Testnet,
            exchange_type: ExchangeType::Binance,
            api_key: Sealed(vec![1]),
            api_secret: Sealed(vec![2]),
            key_last4: "abcd".into(),
            fingerprint,
            check: None,
            saved_at: self.clock.now(),
            version: before.unwrap_or_default() + 1,
        };
        let changes = Changes { saved_credentials: vec![(credential, before)], ..Changes::default() };
        self.desk.store.commit(changes).await.unwrap();
    }

    /// Takes a model's keys away.
    pub async fn disconnect(&self, trader_id: TraderId) {
        let held = self.desk.store.credential(trader_id, ExchangeEnvironment::Testnet).await.unwrap().unwrap();
        let gone = vec![(trader_id, ExchangeEnvironment::Testnet, held.version)];
        self.desk.store.commit(Changes { deleted_credentials: gone, ..Changes::default() }).await.unwrap();
    }

    /// A model on an account with some money, reconciled once.
    pub async fn trading(&self, balances: &[(&str, &str)]) -> (TraderId, Arc<FakeExchange>) {
        let model = self.model("Sage").await;
        let exchange = FakeExchange::new("key", &self.clock, balances);
        self.connect(model, &exchange).await;
        assert_eq!(reconcile_due(&self.desk).await.unwrap(), 1);
        self.clock.advance_ms(1_000);
        (model, exchange)
    }

    /// Journals and sends an order as the submitter does.
    pub async fn send(&self, trader: TraderId, exchange: &FakeExchange, purpose: Purpose, reply: Reply) -> OrderId {
        let order = self.journal(trader, purpose).await;
        self.submit(order, exchange, reply).await
    }

    pub async fn buy(&self, trader: TraderId, exchange: &FakeExchange, reply: Reply) -> OrderId {
        self.send(trader, exchange, Purpose::Entry(PositionSide::Long), reply).await
    }

    /// An order of 0.001 BTC, or of what is left of so much, that is not sent.
    pub async fn journal(&self, trader: TraderId, purpose: Purpose) -> Order {
        let desk = &self.desk;
        let id = OrderId(desk.next_id(IdKind::Order).await.unwrap());
        let book = desk.store.book(trader, VenueKind::Testnet).await.unwrap().unwrap();
        let now = self.clock.now();
        let key = desk.store.credential(trader, ExchangeEnvironment::Testnet).await.unwrap();
        let account = key.map_or_else(
            || AccountName::simulation(book.id),
            |key| AccountName::exchange(VenueKind::Testnet, &key.fingerprint),
        );
        // A purchase pays its fee in the coin: what can be sold again is what arrived, on the grid.
        let quantity = Quantity::parse(if purpose.is_entry() { "0.001" } else { "0.00099" }).unwrap();
        let cause = OrderCause::Decision(DecisionId(id.0));
        let intent = OrderIntent {
            trader_id: trader,
            book_id: book.id,
            venue: VenueKind::Testnet,
            account,
            cause,
            coin: coin("BTC"),
            symbol: btcusdt(),
            purpose,
            kind: OrderKind::Market,
            quantity,
            leverage: 1,
            stop_loss: None,
            profit_target: None,
            quote: Quote { price: Price::parse(PRICE).unwrap(), at: now },
            policy_version: 1,
            terms_version: 1,
        };
        let order = Order {
            id,
            client_order_id: cause.client_order_id(&desk.installation, 1),
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
        desk.store.commit(Changes { new_orders: vec![order.clone()], ..Changes::default() }).await.unwrap();
        order
    }

    pub async fn submit(&self, order: Order, exchange: &FakeExchange, reply: Reply) -> OrderId {
        let (desk, id, at) = (&self.desk, order.id, self.clock.now());
        let journaled = journal_submit(desk.store.as_ref(), order, at, &self.sender).await.unwrap();
        match exchange.receive(journaled.order(), reply) {
            SubmitOutcome::Accepted(report) => {
                apply_report(desk, id, &report).await.unwrap();
            }
            SubmitOutcome::Ambiguous { why } => self.lose(journaled.into_order(), &why).await,
            other => panic!("{other:?}"),
        }
        id
    }

    async fn lose(&self, mut order: Order, why: &str) {
        let (at, expected) = (self.clock.now(), order.version);
        order.apply(OrderEvent::Lose { why: why.to_owned() }, at).unwrap();
        let incident = NewIncident {
            kind: IncidentKind::OrderOutcomeUnknown,
            severity: Severity::High,
            trader_id: Some(order.intent.trader_id),
            title: "unknown".to_owned(),
            detail: why.to_owned(),
            fingerprint: format!("order {}", order.id),
            at,
        };
        let event = OrderEventRecord { order_id: order.id, name: "lose", detail: why.to_owned(), at };
        let changes = Changes {
            updated_orders: vec![(order, expected)],
            order_events: vec![event],
            incidents: vec![incident],
            ..Changes::default()
        };
        self.desk.store.commit(changes).await.unwrap();
    }

    pub async fn order(&self, id: OrderId) -> Order {
        self.desk.store.order(id).await.unwrap().unwrap()
    }

    /// Lets time pass in steps, as the follower looks.
    pub async fn follow(&self, ms: i64) {
        let until = self.clock.now().plus_ms(ms);
        while self.clock.now() < until {
            self.clock.advance_ms(500);
            resolve_due(&self.desk).await.unwrap();
        }
    }

    pub async fn reconcile(&self, exchange: &FakeExchange) -> ReconciliationRun {
        self.clock.advance_ms(1_000);
        reconcile_now(&self.desk, exchange.fingerprint(), "ann").await.unwrap()
    }

    pub async fn halted(&self, exchange: &FakeExchange) -> Option<String> {
        entries_halted(&self.desk, exchange.fingerprint()).await.unwrap()
    }

    pub async fn differences(&self, account: &AccountFingerprint) -> Vec<Difference> {
        self.desk.store.current_differences(account).await.unwrap()
    }

    /// Kinds and titles of what is not resolved.
    pub async fn unresolved(&self) -> Vec<(IncidentKind, String)> {
        let all = self.desk.store.incidents(IncidentFilter::default(), Page::first(50)).await.unwrap();
        let open = all.into_iter().filter(|incident| incident.status != IncidentStatus::Resolved);
        open.map(|incident| (incident.kind, incident.detail)).collect()
    }
}

fn desk_on(
    db: Db,
    clock: &ManualClock,
    market: &Arc<dyn MarketData>,
    exchanges: &Arc<FakeExchanges>,
    file: &std::path::Path,
    process: &str,
) -> Desk {
    Desk {
        store: Arc::new(SqlStore::new(db)),
        clock: Arc::new(clock.clone()),
        markets: Markets {
            simulation: Arc::clone(market),
            live: HashMap::from([(VenueKind::Testnet, Arc::clone(market))]),
        },
        background: countersign::services::background::Background::here(),
        ai: None,
        advisors: Arc::new(BuiltInAdvisors::new()),
        prompts: Arc::new(countersign::adapters::llm::prompt::Templates),
        bundles: Arc::new(countersign::adapters::bundle_codec::JsonBundles),
        venues: Arc::new(OneVenue(Arc::new(SimulationVenue::new(Arc::clone(market))))),
        exchanges: Some(Arc::clone(exchanges) as Arc<dyn Exchanges>),
        vault: Arc::new(NoVault),
        postponed: Default::default(),
        stop: StopGate::new(Arc::new(FileStopSwitch::beside(file))),
        stop_recording: tokio::sync::Mutex::new(()),
        live: LiveFeed::default(),
        installation: InstallationTag::parse("a1b2c3").unwrap(),
        given_quotes: GivenQuotes::default(),
        policy: Policy::default(),
        process: process.to_owned(),
        submit_wake: Notify::new(),
    }
}

/// Runs each story on SQLite and on PostgreSQL, as two tests.
macro_rules! on_accounts {
    ($(async fn $name:ident($house:ident) $body:block)+) => {$(
        mod $name {
            #[allow(unused_imports, reason = "a story may need none of its module's imports")]
            use super::*;

            async fn story($house: $crate::reconciliation::house::House) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                story($crate::reconciliation::house::House::on($crate::support::Database::Sqlite).await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                if let Some(house) = $crate::reconciliation::house::House::postgres().await {
                    story(house).await;
                }
            }
        }
    )+};
}
pub(crate) use on_accounts;
