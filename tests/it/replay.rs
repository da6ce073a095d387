//! Months of real hours through the real services: whatever the market did, the books add up at every step, protection
//! acts, and the same past gives the same result to the last digit.
//!
//! The candles are not part of this project. `COUNTERSIGN_MARKETDATA` names a directory with the folders `spot_1h` and
//! `perp_5m` (one file per coin); without it these stories are skipped. `COUNTERSIGN_REPLAY=full` plays six months
//! instead of [`DAYS`].

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails, in helpers too")]

use countersign::adapters::advisors::BuiltInAdvisors;
use countersign::adapters::market::replay::{ReplayConfig, ReplayMarket};
use countersign::adapters::simulation::SimulationVenue;
use countersign::adapters::stop_switch::FileStopSwitch;
use countersign::adapters::store::{SqlStore, connect, migrate};
use countersign::domain::book::{BookView, Marks};
use countersign::domain::cycle::CycleTrigger;
use countersign::domain::fill::Fill;
use countersign::domain::ids::{InstallationTag, TraderId};
use countersign::domain::ledger::LedgerAccount;
use countersign::domain::market::{Coin, Symbol};
use countersign::domain::money::{Money, Price, Quantity};
use countersign::domain::order::{Order, OrderCause, OrderStatus, Purpose};
use countersign::domain::position::Position;
use countersign::domain::protection::liquidation_price;
use countersign::domain::signal::{PositionSide, Signal};
use countersign::domain::time::{DAY_MS, HOUR_MS, Timestamp};
use countersign::domain::trader::Trader;
use countersign::domain::venue_kind::{AutomationLevel, Axes, VenueKind};
use countersign::ports::advisor::Proposal;
use countersign::ports::clock::Clock;
use countersign::ports::market_data::MarketData;
use countersign::ports::store::{Lease, OrderFilter, Page};
use countersign::ports::venue::{Venue, VenueDirectory};
use countersign::services::desk::{Desk, GivenQuotes, Markets, Policy, StopGate};
use countersign::services::live_feed::LiveFeed;
use countersign::services::models::{self, NewModel};
use countersign::services::observe_equity::observe_all;
use countersign::services::protect::{Watch, watch};
use countersign::services::run_cycle::{CycleError, CycleRequest, run};
use countersign::services::submit_order::{follow_up, submit_due};
use rust_decimal::Decimal;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use tempfile::TempDir;
use tokio::sync::{Mutex, Notify};

/// How many days of hourly candles are played unless six months are asked for.
const DAYS: i64 = 8;
/// Six months.
const DAYS_FULL: i64 = 183;
/// The first hour played: two weeks after the first candle of `spot_1h`, 2024-05-15 00:00 UTC.
const SPOT_START: i64 = 1_715_731_200_000;
/// The first hour played of `perp_5m`: 2025-07-20 00:00 UTC.
const PERP_START: i64 = 1_752_969_600_000;
/// The books are added up after so many hours.
const CHECK_HOURS: i64 = 6;
/// Rounds of sending after which something is wrong.
const SEND_ROUNDS: usize = 10;

struct HandClock(AtomicI64);

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

struct OneVenue(Arc<dyn Venue>);

impl VenueDirectory for OneVenue {
    fn find(&self, kind: VenueKind) -> Option<Arc<dyn Venue>> {
        (kind == self.0.kind()).then(|| Arc::clone(&self.0))
    }
}

/// A desk in the past, with nothing running by itself.
struct Past {
    desk: Desk,
    market: Arc<ReplayMarket>,
    clock: Arc<HandClock>,
    lease: Lease,
    watch: Watch,
    traders: Vec<Trader>,
    _dir: TempDir,
}

impl Past {
    async fn at(candles: &Path, start: i64) -> Self {
        let config = ReplayConfig { dir: candles.to_owned(), start_at: Some(Timestamp(start)), speed: 1 };
        let market = Arc::new(ReplayMarket::load_manual(&config).unwrap());
        let source: Arc<dyn MarketData> = Arc::clone(&market) as _;
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("past.sqlite");
        let db = connect(&format!("sqlite:{}", file.display())).await.unwrap();
        migrate(&db).await.unwrap();
        let clock = Arc::new(HandClock(AtomicI64::new(start)));
        let desk = Desk {
            store: Arc::new(SqlStore::new(db)),
            clock: Arc::clone(&clock) as _,
            markets: Markets { simulation: Arc::clone(&source), live: HashMap::new() },
            advisors: Arc::new(BuiltInAdvisors::new()),
            venues: Arc::new(OneVenue(Arc::new(SimulationVenue::new(source)))),
            stop: StopGate::new(Arc::new(FileStopSwitch::beside(&file))),
            stop_recording: Mutex::new(()),
            live: LiveFeed::default(),
            installation: InstallationTag::parse("a1b2c3").unwrap(),
            given_quotes: GivenQuotes::default(),
            policy: Policy::default(),
            vault: Arc::new(countersign::ports::vault::NoVault),
            exchanges: None,
            process: "past".into(),
            submit_wake: Notify::new(),
        };
        let (now, far) = (Timestamp(start), Timestamp(i64::MAX / 4));
        let lease = desk.store.acquire_lease("process:past", "past", now, far, None).await.unwrap().unwrap();
        Self { desk, market, clock, lease, watch: Watch::default(), traders: Vec::new(), _dir: dir }
    }

    async fn model(&mut self, advisor: &str, settings: &[(&str, &str)]) -> TraderId {
        let axes = Axes { automation_level: AutomationLevel::FullyAutomated, ..Axes::default() };
        let settings = settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let new = NewModel { name: advisor.into(), provider_id: 1, model_name: advisor.into(), settings, axes };
        let trader = models::create(&self.desk, new, "ann").await.unwrap();
        let id = trader.id;
        self.traders.push(trader);
        id
    }

    /// Three models that leave each other alone; the first stops itself when it does badly.
    async fn three_models(&mut self) {
        self.model("ema_cross", &[]).await;
        let off = ("auto_pause_enabled", "false");
        self.model("rsi_mean_reversion", &[off, ("max_leverage", "3"), ("max_drawdown_pct", "90")]).await;
        self.model("random", &[off, ("max_drawdown_pct", "90")]).await;
    }

    fn move_to(&self, at: Timestamp) {
        self.market.advance_to(at);
        self.clock.0.store(at.0, Ordering::SeqCst);
    }

    /// One hour as the workers would live it, in a fixed order.
    async fn hour(&mut self, at: Timestamp) {
        self.move_to(at);
        self.guard().await;
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

    async fn guard(&mut self) -> usize {
        watch(&self.desk, &mut self.watch).await.unwrap()
    }

    async fn send(&self) {
        for round in 0.. {
            assert!(round < SEND_ROUNDS, "the outbox never empties");
            if submit_due(&self.desk, &self.lease).await.unwrap() == 0 {
                break;
            }
        }
        follow_up(&self.desk).await.unwrap();
    }

    async fn view(&self, trader: TraderId) -> BookView {
        let book = self.desk.store.book(trader, VenueKind::Simulation).await.unwrap().unwrap();
        self.desk.store.book_view(book.id, self.market.now().day_start()).await.unwrap().unwrap()
    }

    async fn marks(&self, view: &BookView) -> Marks {
        let symbols: Vec<Symbol> = view.positions.iter().map(|position| position.symbol.clone()).collect();
        let quotes = self.market.quotes(&symbols).await.unwrap();
        let mark = |position: &Position| Some((position.coin.clone(), quotes.get(&position.symbol)?.price));
        view.positions.iter().filter_map(mark).collect()
    }

    async fn equity(&self, trader: TraderId) -> Money {
        let view = self.view(trader).await;
        view.value(&self.marks(&view).await).unwrap().equity
    }

    /// Everything that must be true of a book at any moment, from the ledger, the fold and the positions.
    async fn books_add_up(&self) {
        for trader in &self.traders {
            self.book_adds_up(trader.id).await;
        }
    }

    async fn book_adds_up(&self, trader: TraderId) {
        let view = self.view(trader).await;
        let sums = self.desk.store.ledger_sums(view.book.id).await.unwrap();
        let at = self.market.now();
        let mut assets: BTreeMap<Coin, Decimal> = BTreeMap::new();
        let mut accounts: BTreeMap<(&str, Option<Coin>), Decimal> = BTreeMap::new();
        for (account, coin, asset, amount) in sums {
            *assets.entry(asset).or_default() += amount;
            *accounts.entry((account.as_str(), coin)).or_default() += amount;
        }
        for (asset, sum) in &assets {
            assert_eq!(*sum, Decimal::ZERO, "{asset} of model {trader} at {at:?}");
        }
        let of = |account: LedgerAccount, coin: Option<&Coin>| {
            accounts.get(&(account.as_str(), coin.cloned())).copied().unwrap_or_default()
        };
        let book = &view.book;
        assert_eq!(book.cash.decimal(), of(LedgerAccount::Cash, None), "cash of model {trader} at {at:?}");
        assert_eq!(book.fees.decimal(), of(LedgerAccount::Fees, None), "fees of model {trader} at {at:?}");
        let results = of(LedgerAccount::RealizedPnl, None) + of(LedgerAccount::Insurance, None);
        assert_eq!(book.realized.decimal(), -results, "results of model {trader} at {at:?}");
        let coins: Vec<&Coin> = accounts.keys().filter_map(|(_, coin)| coin.as_ref()).collect();
        for coin in coins {
            let (mut held, mut margin) = (Decimal::ZERO, Decimal::ZERO);
            if let Some(position) = view.position(coin) {
                let quantity = position.quantity.decimal();
                held = if position.side == PositionSide::Long { quantity } else { -quantity };
                margin = position.margin.decimal();
            }
            assert_eq!(of(LedgerAccount::Holding, Some(coin)), held, "{coin} of model {trader} at {at:?}");
            assert_eq!(of(LedgerAccount::Margin, Some(coin)), margin, "{coin} margin of model {trader} at {at:?}");
        }
        let marks = self.marks(&view).await;
        let valuation = view.value(&marks).expect("every held coin has a price");
        let values: Money = view.positions.iter().map(|position| position.value(marks[&position.coin])).sum();
        assert_eq!(valuation.equity, book.cash + values, "equity of model {trader} at {at:?}");
        // The same from the other end: what came in, what was won and lost, what is open.
        let won = book.initial_capital + book.realized - book.fees + valuation.unrealized;
        assert_eq!(valuation.equity, won, "history of model {trader} at {at:?}");
    }

    /// Every order with its fills, oldest first.
    async fn history(&self) -> Vec<(Order, Vec<Fill>)> {
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

    /// Plays whole hours after `start`, adding the books up on the way.
    async fn play(&mut self, start: i64, hours: i64) {
        for hour in 1..=hours {
            self.hour(Timestamp(start + hour * HOUR_MS)).await;
            if hour % CHECK_HOURS == 0 || hour == hours {
                self.books_add_up().await;
            }
        }
    }
}

fn candles(folder: &str) -> Option<PathBuf> {
    let found = std::env::var_os("COUNTERSIGN_MARKETDATA").map(|root| PathBuf::from(root).join(folder));
    let found = found.filter(|dir| dir.is_dir());
    if found.is_none() {
        println!("skipped: COUNTERSIGN_MARKETDATA names no directory with {folder}");
    }
    found
}

#[tokio::test]
async fn months_of_real_hours_keep_every_book_in_balance() {
    let Some(dir) = candles("spot_1h") else { return };
    let full = std::env::var("COUNTERSIGN_REPLAY").is_ok_and(|word| word == "full");
    let days = if full { DAYS_FULL } else { DAYS };
    let mut past = Past::at(&dir, SPOT_START).await;
    past.three_models().await;
    past.play(SPOT_START, days * 24).await;

    let history = past.history().await;
    for trader in &past.traders {
        let filled = history
            .iter()
            .filter(|(order, _)| order.intent.trader_id == trader.id && order.status() == OrderStatus::Filled);
        let count = filled.count();
        println!("{}: {count} orders filled, equity {}", trader.name, past.equity(trader.id).await);
        assert!(count >= 5, "{} traded {count} times in {days} days", trader.name);
    }
    let executed = |wanted: &dyn Fn(&Order) -> bool| {
        history.iter().filter(|(order, fills)| wanted(order) && !fills.is_empty()).count()
    };
    assert!(
        executed(&|order| order.intent.purpose == Purpose::Entry(PositionSide::Short)) > 0,
        "nothing was sold short"
    );
    assert!(executed(&|order| matches!(order.intent.cause, OrderCause::Protective(_))) > 0, "no stop was executed");
    let lost =
        history.iter().filter(|(order, _)| matches!(order.status(), OrderStatus::Unknown | OrderStatus::Rejected));
    assert_eq!(lost.count(), 0, "orders were lost or refused by the fill model");
}

#[tokio::test]
async fn the_same_past_gives_the_same_fills_and_equity_to_the_last_digit() {
    let Some(dir) = candles("perp_5m") else { return };
    let mut results = Vec::new();
    for _ in 0..2 {
        let mut past = Past::at(&dir, PERP_START).await;
        past.three_models().await;
        past.play(PERP_START, 2 * 24).await;
        let mut equity = Vec::new();
        for trader in &past.traders {
            equity.push(past.equity(trader.id).await);
        }
        results.push((past.history().await, equity));
    }
    let (first, second) = (&results[0], &results[1]);
    assert!(first.0.len() > 20, "only {} orders", first.0.len());
    assert_eq!(first.0, second.0);
    assert_eq!(first.1, second.1);
}

const QUIET_HOURS: i64 = 4;

/// A made-up BTC: quiet at 100,000, then one hour with this low and this close, then quiet at the close.
fn made_up(low: &str, close: &str) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let row = |hour: i64, open: &str, low: &str, close: &str| {
        format!("{},{open},102000,{low},{close},1000000\n", SPOT_START + (hour - 2) * HOUR_MS)
    };
    let mut text: String = (0..2 + QUIET_HOURS).map(|hour| row(hour, "100000", "100000", "100000")).collect();
    text += &row(2 + QUIET_HOURS, "100000", low, close);
    text += &row(3 + QUIET_HOURS, close, close, close);
    std::fs::write(dir.path().join("BTCUSDT-1h.csv"), text).unwrap();
    dir
}

fn long(quantity: &str, leverage: u32, stop: Option<&str>) -> Proposal {
    Proposal {
        signal: Signal::BuyToEnter,
        quantity: Some(Quantity::parse(quantity).unwrap()),
        leverage,
        confidence: None,
        profit_target: None,
        stop_loss: stop.map(|stop| Price::parse(stop).unwrap()),
        justification: "It can only go up.".into(),
        explanation: BTreeMap::new(),
    }
}

/// Buys in the quiet hours, lives through the bad one, and gives back the position before and after.
async fn lives_through(candles: &TempDir, proposal: Proposal) -> (Past, Position, Position) {
    let mut past = Past::at(candles.path(), SPOT_START).await;
    let settings = [("max_leverage", "10"), ("max_position_size_pct", "100"), ("supported_assets", "BTC")];
    let trader = past.model("random", &settings).await;
    let request = CycleRequest {
        trader_id: trader,
        trigger: CycleTrigger::Api,
        decisions: Some(vec![(Coin::parse("BTC").unwrap(), Ok(proposal))]),
        prices: Vec::new(),
        propose_only: false,
        actor: "bot".into(),
    };
    run(&past.desk, request).await.unwrap();
    past.send().await;
    let before = past.view(trader).await.positions.pop().expect("the entry was filled");
    for hour in 1..=QUIET_HOURS {
        past.move_to(Timestamp(SPOT_START + hour * HOUR_MS));
        assert_eq!(past.guard().await, 0, "nothing happened yet");
    }
    past.move_to(Timestamp(SPOT_START + (QUIET_HOURS + 1) * HOUR_MS));
    assert_eq!(past.guard().await, 1, "protection never sleeps");
    assert_eq!(past.guard().await, 0, "once is enough");
    past.send().await;
    past.books_add_up().await;
    let after = past.desk.store.position(before.id).await.unwrap().unwrap();
    (past, before, after)
}

#[tokio::test]
async fn a_leveraged_position_is_liquidated_at_its_price_and_costs_its_margin_at_most() {
    // Through the liquidation price and back within the hour, and straight through to the ground.
    for (low, close, is_gap) in [("80000", "99000", false), ("50000", "50000", true)] {
        let (past, before, after) = lives_through(&made_up(low, close), long("0.05", 5, None)).await;
        let limit = liquidation_price(&before).unwrap();
        let (order, fills) = past.history().await.pop().unwrap();
        assert_eq!(order.intent.cause, OrderCause::Liquidation(before.id));
        assert_eq!(order.status(), OrderStatus::Filled);
        assert!(fills.iter().all(|fill| fill.price <= limit), "{fills:?} is better than {limit}");
        assert!(after.is_closed());
        let lost = -after.net_result();
        assert!(lost > Money::ZERO && lost <= before.margin + after.fees, "lost {lost} of {}", before.margin);
        assert_eq!(after.realized == -before.margin, is_gap, "the margin is used up by a gap only");
        let view = past.view(before.trader_id).await;
        assert_eq!(view.book.cash, view.book.initial_capital - lost);
        let sums = past.desk.store.ledger_sums(view.book.id).await.unwrap();
        let insured = sums.iter().any(|(account, _, _, sum)| *account == LedgerAccount::Insurance && !sum.is_zero());
        assert_eq!(insured, is_gap, "the venue bears what goes beyond the margin");
    }
}

#[tokio::test]
async fn a_stop_met_inside_a_candle_never_fills_better_than_the_stop() {
    for (low, close, best) in [("94000", "101000", "95000"), ("94000", "94500", "94500")] {
        let (past, before, after) = lives_through(&made_up(low, close), long("0.05", 1, Some("95000"))).await;
        let (order, fills) = past.history().await.pop().unwrap();
        assert_eq!(order.intent.cause, OrderCause::Protective(before.id));
        assert!(after.is_closed());
        let best = Price::parse(best).unwrap();
        assert!(!fills.is_empty() && fills.iter().all(|fill| fill.price < best), "{fills:?} is better than {best}");
    }
}
