//! A desk in the past: market and clock are moved by hand, and the workers' rounds are called in a fixed order.

use super::books::Tally;
use crate::support::OneVenue;
use countersign::adapters::advisors::BuiltInAdvisors;
use countersign::adapters::market::replay::{ReplayConfig, ReplayMarket};
use countersign::adapters::simulation::SimulationVenue;
use countersign::adapters::stop_switch::FileStopSwitch;
use countersign::adapters::store::{Db, SqlStore, connect, migrate};
use countersign::domain::book::{BookView, Marks};
use countersign::domain::cycle::CycleTrigger;
use countersign::domain::fill::Fill;
use countersign::domain::ids::{InstallationTag, TraderId};
use countersign::domain::market::Symbol;
use countersign::domain::money::Money;
use countersign::domain::order::Order;
use countersign::domain::position::Position;
use countersign::domain::time::{DAY_MS, HOUR_MS, Timestamp};
use countersign::domain::trader::Trader;
use countersign::domain::venue_kind::{AutomationLevel, Axes, VenueKind};
use countersign::ports::clock::Clock;
use countersign::ports::market_data::MarketData;
use countersign::ports::store::{Lease, OrderFilter, Page};
use countersign::services::decide::expire_due;
use countersign::services::desk::{Desk, GivenQuotes, Markets, Policy, StopGate};
use countersign::services::live_feed::LiveFeed;
use countersign::services::models::{self, NewModel};
use countersign::services::observe_equity::observe_all;
use countersign::services::protect::{Watch, watch};
use countersign::services::run_cycle::{CycleError, CycleRequest, run};
use countersign::services::submit_order::{follow_up, submit_due};
use sea_orm::ConnectionTrait;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use tempfile::TempDir;
use tokio::sync::{Mutex, Notify};

/// Rounds of sending after which something is wrong.
const SEND_ROUNDS: usize = 10;

struct HandClock(AtomicI64);

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

/// A desk in the past, with nothing running by itself.
pub struct Past {
    pub desk: Desk,
    pub traders: Vec<Trader>,
    db: Db,
    tally: Tally,
    market: Arc<ReplayMarket>,
    clock: Arc<HandClock>,
    lease: Lease,
    watch: Watch,
    _dir: TempDir,
}

impl Past {
    pub async fn at(candles: &Path, start: i64) -> Self {
        let config = ReplayConfig { dir: candles.to_owned(), start_at: Some(Timestamp(start)), speed: 1 };
        let market = Arc::new(ReplayMarket::load_manual(&config).unwrap());
        let source: Arc<dyn MarketData> = Arc::clone(&market) as _;
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("past.sqlite");
        let db = connect(&format!("sqlite:{}", file.display())).await.unwrap();
        migrate(&db).await.unwrap();
        // Months of commits, and no power cut that they must survive.
        db.writer.execute_unprepared("PRAGMA synchronous = OFF").await.unwrap();
        let clock = Arc::new(HandClock(AtomicI64::new(start)));
        let desk = Desk {
            store: Arc::new(SqlStore::new(db.clone())),
            clock: Arc::clone(&clock) as _,
            markets: Markets { simulation: Arc::clone(&source), live: HashMap::new() },
            background: countersign::services::background::Background::here(),
            ai: None,
            advisors: Arc::new(BuiltInAdvisors::new()),
            prompts: Arc::new(countersign::adapters::llm::prompt::Templates),
            bundles: Arc::new(countersign::adapters::bundle_codec::JsonBundles),
            venues: Arc::new(OneVenue(Arc::new(SimulationVenue::new(source)))),
            stop: StopGate::new(Arc::new(FileStopSwitch::beside(&file))),
            stop_recording: Mutex::new(()),
            live: LiveFeed::default(),
            installation: InstallationTag::parse("a1b2c3").unwrap(),
            given_quotes: GivenQuotes::default(),
            policy: Policy::default(),
            process: "past".into(),
            submit_wake: Notify::new(),
            postponed: Default::default(),
            vault: Arc::new(countersign::ports::vault::NoVault),
            exchanges: None,
        };
        let (now, far) = (Timestamp(start), Timestamp(i64::MAX / 4));
        let lease = desk.store.acquire_lease("process:past", "past", now, far, None).await.unwrap().unwrap();
        let (traders, tally, watch) = (Vec::new(), Tally::default(), Watch::default());
        Self { desk, traders, db, tally, market, clock, lease, watch, _dir: dir }
    }

    pub async fn model(&mut self, advisor: &str, settings: &[(&str, &str)]) -> TraderId {
        let axes = Axes { automation_level: AutomationLevel::FullyAutomated, ..Axes::default() };
        let settings = settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let new = NewModel { name: advisor.into(), provider_id: 1, model_name: advisor.into(), settings, axes };
        let trader = models::create(&self.desk, new, "ann").await.unwrap();
        let id = trader.id;
        self.traders.push(trader);
        id
    }

    /// Three models that leave each other alone; the first stops itself when it does badly.
    pub async fn three_models(&mut self) {
        self.model("ema_cross", &[]).await;
        let off = ("auto_pause_enabled", "false");
        self.model("rsi_mean_reversion", &[off, ("max_leverage", "3"), ("max_drawdown_pct", "90")]).await;
        // It draws lots every hour: two coins make thousands of orders already.
        self.model("random", &[off, ("max_drawdown_pct", "90"), ("supported_assets", "BTC,ETH")]).await;
    }

    pub fn move_to(&self, at: Timestamp) {
        self.market.advance_to(at);
        self.clock.0.store(at.0, Ordering::SeqCst);
    }

    /// One hour as the workers would live it, in a fixed order.
    async fn hour(&mut self, at: Timestamp) {
        self.move_to(at);
        self.guard().await;
        expire_due(&self.desk).await.unwrap();
        for trader in &self.traders {
            let request = CycleRequest::ask(trader.id, CycleTrigger::Schedule, "countersign");
            match run(&self.desk, request).await {
                Ok(_) | Err(CycleError::AutoPaused(_)) => {}
                Err(error) => panic!("{} at {at:?}: {error}", trader.name),
            }
        }
        self.send().await;
        if at.0 % DAY_MS == 0 {
            assert_eq!(observe_all(&self.desk).await.unwrap(), self.traders.len());
        }
    }

    pub async fn guard(&mut self) -> usize {
        watch(&self.desk, &mut self.watch).await.unwrap()
    }

    pub async fn send(&self) {
        for round in 0.. {
            assert!(round < SEND_ROUNDS, "the outbox never empties");
            if submit_due(&self.desk, &self.lease).await.unwrap() == 0 {
                break;
            }
        }
        follow_up(&self.desk).await.unwrap();
    }

    pub async fn view(&self, trader: TraderId) -> BookView {
        let book = self.desk.store.book(trader, VenueKind::Simulation).await.unwrap().unwrap();
        self.desk.store.book_view(book.id, self.market.now().day_start()).await.unwrap().unwrap()
    }

    async fn marks(&self, view: &BookView) -> Marks {
        let symbols: Vec<Symbol> = view.positions.iter().map(|position| position.symbol.clone()).collect();
        let quotes = self.market.quotes(&symbols).await.unwrap();
        let mark = |position: &Position| Some((position.coin.clone(), quotes.get(&position.symbol)?.price));
        view.positions.iter().filter_map(mark).collect()
    }

    pub async fn equity(&self, trader: TraderId) -> Money {
        let view = self.view(trader).await;
        view.value(&self.marks(&view).await).unwrap().equity
    }

    /// Adds the books up: each from its own reading of the ledger, from the fold and from the positions.
    pub async fn books_add_up(&mut self) {
        self.tally.read_on(&self.db).await;
        let mut held = self.desk.store.open_positions(VenueKind::Simulation).await.unwrap();
        for book in self.desk.store.books().await.unwrap() {
            let (positions, others) = held.into_iter().partition(|position| position.book_id == book.id);
            held = others;
            let (open_orders, waiting) = (Vec::new(), Vec::new());
            let view = BookView { book, positions, open_orders, waiting, entries_today: 0 };
            self.tally.agrees_with(&view, &self.marks(&view).await);
        }
        assert!(held.is_empty(), "positions without a book: {held:?}");
    }

    /// The store's own sums of a ledger say the same as the lines.
    pub async fn ledgers_say_the_same(&self) {
        for trader in &self.traders {
            let book = self.view(trader.id).await.book.id;
            let sums = self.desk.store.ledger_sums(book).await.unwrap();
            let sums = sums.into_iter().filter(|(_, _, _, sum)| !sum.is_zero()).map(|(account, coin, _, sum)| {
                (account.as_str().to_owned(), coin.map(|coin| coin.as_str().to_owned()), sum.normalize())
            });
            let mut sums: Vec<_> = sums.collect();
            sums.sort();
            assert_eq!(sums, self.tally.of_book(book.0), "{}", trader.name);
        }
    }

    /// Plays whole hours after `start`, adding the books up after each.
    pub async fn play(&mut self, start: i64, hours: i64) {
        for hour in 1..=hours {
            self.hour(Timestamp(start + hour * HOUR_MS)).await;
            self.books_add_up().await;
        }
        self.ledgers_say_the_same().await;
    }

    /// Every order with its fills, oldest first.
    pub async fn history(&self) -> Vec<(Order, Vec<Fill>)> {
        let (mut all, mut before) = (Vec::new(), None);
        loop {
            let page = Page { before, limit: Page::MAX_LIMIT };
            let orders = self.desk.store.orders(OrderFilter::default(), page).await.unwrap();
            let Some(last) = orders.last() else { break };
            before = Some(last.id.0);
            for order in orders {
                let fills = self.desk.store.fills(order.id).await.unwrap();
                all.push((order, fills));
            }
        }
        all.reverse();
        all
    }
}
