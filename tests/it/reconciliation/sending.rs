//! Orders that cannot leave.

use super::exchange::Reply;
use super::house::on_accounts;
use crate::support;
use async_trait::async_trait;
use countersign::domain::instrument::InstrumentList;
use countersign::domain::market::{Candle, CandleInterval, Quote, Symbol};
use countersign::domain::order::{Order, OrderState, OrderStatus, Purpose};
use countersign::domain::signal::PositionSide;
use countersign::domain::time::{DAY_MS, Timestamp};
use countersign::ports::clock::Clock;
use countersign::ports::market_data::{MarketData, MarketDataError, MarketSource};
use countersign::services::decide::{ApproveRequest, approve};
use countersign::services::desk::Desk;
use countersign::services::submit_order::{OUTBOX_BATCH, due, submit_due};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

on_accounts! {
    async fn an_order_that_cannot_leave_waits_with_growing_pauses_and_uses_up_no_attempt(house) {
        let (model, exchange) = house.trading(&[("USDT", "1000")]).await;
        house.buy(model, &exchange, Reply::Filled).await;
        let id = house.journal(model, Purpose::Exit(PositionSide::Long)).await.id;
        exchange.cut_off(true);
        exchange.take_calls();
        for _ in 0..240 {
            house.clock.advance_ms(500);
            submit_due(&house.desk, &house.sender).await.unwrap();
        }
        let tries = exchange.take_calls()["submit"];
        assert!((8..=13).contains(&tries), "two minutes with pauses of 1, 2, 4, 8 and then 15 s: {tries}");
        let order = house.order(id).await;
        assert_eq!((order.status(), order.attempts), (OrderStatus::Initialized, 0));
        assert_eq!(house.desk.store.attempts(id).await.unwrap(), [], "nothing left");
        let events = house.desk.store.order_events(id).await.unwrap();
        assert_eq!(events.last().unwrap().0, "not_sent");

        exchange.cut_off(false);
        house.clock.advance_ms(15_000);
        submit_due(&house.desk, &house.sender).await.unwrap();
        let order = house.order(id).await;
        assert_eq!((order.status(), order.attempts), (OrderStatus::Filled, 1));
        assert_eq!(exchange.take_calls()["submit"], 1, "once");
    }

    async fn orders_that_are_held_back_do_not_stand_in_the_way_of_others(house) {
        let model = house.model("Sage").await;
        let now = house.clock.now();
        for _ in 0..2 * OUTBOX_BATCH {
            let held = house.journal(model, Purpose::Exit(PositionSide::Long)).await;
            house.desk.postponed.put(&held, now, DAY_MS);
        }
        let free = house.journal(model, Purpose::Exit(PositionSide::Long)).await;
        let lanes = due(&house.desk).await.unwrap();
        let ids: Vec<_> = lanes.iter().flat_map(|(_, orders)| orders).map(|order| order.id).collect();
        assert_eq!(ids, [free.id]);
    }
}

/// A market that can be switched off.
struct Moody {
    inner: Arc<dyn MarketData>,
    is_down: Arc<AtomicBool>,
}

impl Moody {
    fn mood(&self) -> Result<(), MarketDataError> {
        let is_down = self.is_down.load(Ordering::SeqCst);
        if is_down { Err(MarketDataError::Unavailable("no answer".to_owned())) } else { Ok(()) }
    }
}

#[async_trait]
impl MarketData for Moody {
    fn source(&self) -> MarketSource {
        self.inner.source()
    }

    fn now(&self) -> Timestamp {
        self.inner.now()
    }

    async fn instruments(&self) -> Result<Arc<InstrumentList>, MarketDataError> {
        self.mood()?;
        self.inner.instruments().await
    }

    async fn quotes(&self, symbols: &[Symbol]) -> Result<BTreeMap<Symbol, Quote>, MarketDataError> {
        self.mood()?;
        self.inner.quotes(symbols).await
    }

    async fn candles(
        &self,
        symbol: &Symbol,
        interval: CandleInterval,
        limit: usize,
    ) -> Result<Arc<[Candle]>, MarketDataError> {
        self.mood()?;
        self.inner.candles(symbol, interval, limit).await
    }
}

/// Approves a purchase, lets the submitter look while there are no prices, and again after so many minutes; the market
/// answers by then or still does not.
async fn approved_without_prices(minutes: i64, answers_then: bool) -> Order {
    let is_down = Arc::new(AtomicBool::new(false));
    let mood = Arc::clone(&is_down);
    let arrange = move |desk: &mut Desk| {
        let inner = Arc::clone(&desk.markets.simulation);
        desk.markets.simulation = Arc::new(Moody { inner, is_down: mood });
    };
    let house = support::House::with(support::Database::Sqlite, |_| {}, arrange).await;
    house.hold_orders();
    let (_, decision) = house.waiting("Sage").await;
    let by = "ann".to_owned();
    let request = ApproveRequest { id: decision.id, version: None, digest: None, modifications: None, by };
    let (_, id) = approve(&house.desk, &request).await.unwrap();
    let now = house.clock.now();
    let sender = house.desk.store.acquire_lease("process:test", "test", now, now.plus_ms(DAY_MS), None).await;
    let sender = sender.unwrap().unwrap();
    is_down.store(true, Ordering::SeqCst);
    submit_due(&house.desk, &sender).await.unwrap();
    let waits = house.desk.store.order(id).await.unwrap().unwrap();
    assert_eq!((waits.status(), waits.attempts), (OrderStatus::Initialized, 0));
    is_down.store(!answers_then, Ordering::SeqCst);
    house.pass_minutes(minutes);
    house.price(waits.intent.trader_id, "BTC", "43250");
    submit_due(&house.desk, &sender).await.unwrap();
    house.desk.store.order(id).await.unwrap().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_purchase_waits_for_prices_until_its_time_is_over() {
    let sent = approved_without_prices(1, true).await;
    assert_eq!(sent.status(), OrderStatus::Filled);
    let late = approved_without_prices(24 * 60, false).await;
    let OrderState::Denied { reason } = &late.state else { panic!("{:?}", late.state) };
    assert_eq!(reason, "it could not be sent in time");
}
