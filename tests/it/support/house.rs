//! The whole program, but nothing moves by itself: prices stand still, no worker runs, orders are sent as soon as they
//! are journaled unless the story holds them back.

use super::Stage;
use super::app::{Database, TestApp, Workers};
use countersign::domain::access::Role;
use countersign::domain::cycle::CycleTrigger;
use countersign::domain::decision::Decision;
use countersign::domain::ids::{InstallationTag, TraderId};
use countersign::domain::market::{Coin, Quote};
use countersign::domain::money::{Price, Quantity};
use countersign::domain::signal::Signal;
use countersign::domain::time::DAY_MS;
use countersign::domain::trader::Trader;
use countersign::domain::venue_kind::{AutomationLevel, Axes};
use countersign::ports::advisor::Proposal;
use countersign::services::desk::Desk;
use countersign::services::models::{self, NewModel};
use countersign::services::run_cycle::{CycleRequest, run};
use countersign::services::submit_order::submit_due;
use countersign::settings::Settings;
use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::task::JoinHandle;

/// Longer than any story lasts on its own clock.
const LEASE_MS: i64 = 365 * DAY_MS;

pub struct House {
    app: TestApp,
    sends: Arc<AtomicBool>,
    sender: JoinHandle<()>,
}

impl Deref for House {
    type Target = TestApp;

    fn deref(&self) -> &TestApp {
        &self.app
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.sender.abort();
    }
}

impl Stage for House {
    async fn on(database: Database) -> Self {
        Self::with(database, |_| {}, |_| {}).await
    }
}

impl House {
    /// With settings of choice and a last word on the desk. The administrator `admin` is there: the first-start page
    /// stays open until somebody is.
    pub async fn with(
        database: Database,
        change: impl FnOnce(&mut Settings),
        arrange: impl FnOnce(&mut Desk) + Send,
    ) -> Self {
        let arrange = |desk: &mut Desk| {
            desk.installation = InstallationTag::parse("a1b2c3").unwrap();
            arrange(desk);
        };
        let app = TestApp::open(database, Workers::Absent, change, arrange).await;
        app.create("admin", Role::Admin).await;
        let sends = Arc::new(AtomicBool::new(true));
        let sender = tokio::spawn(send(Arc::clone(&app.desk), Arc::clone(&sends)));
        Self { app, sends, sender }
    }

    /// From now on orders stay where they are journaled.
    pub fn hold_orders(&self) {
        self.sends.store(false, Ordering::SeqCst);
    }

    /// Lets time pass.
    pub fn pass_minutes(&self, minutes: i64) {
        self.clock.advance_ms(minutes * 60_000);
    }

    /// Ends the server as people end it, and waits until it has.
    pub async fn stop(&mut self) {
        self.app.stop().await;
    }

    pub async fn model(&self, name: &str, level: AutomationLevel, settings: &[(&str, &str)]) -> Trader {
        let axes = Axes { automation_level: level, ..Axes::default() };
        let settings = settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let new = NewModel { name: name.into(), provider_id: 1, model_name: "random".into(), settings, axes };
        models::create(&self.desk, new, "ann").await.unwrap()
    }

    /// Sends a decision in, at a price, and gives back what became of it.
    pub async fn propose(&self, trader: TraderId, coin: &str, proposal: Proposal, price: &str) -> Decision {
        let coin = Coin::parse(coin).unwrap();
        let request = CycleRequest {
            trader_id: trader,
            trigger: CycleTrigger::Api,
            decisions: Some(vec![(coin.clone(), Ok(proposal))]),
            prices: vec![(coin, Price::parse(price).unwrap())],
            propose_only: false,
            actor: "bot".into(),
        };
        let cycle = run(&self.desk, request).await.unwrap();
        self.desk.store.decisions_of_cycle(cycle).await.unwrap().remove(0)
    }

    /// A price that comes from outside, as with decisions sent in.
    pub fn price(&self, trader: TraderId, coin: &str, price: &str) {
        let at = self.desk.markets.simulation.now();
        let quote = Quote { price: Price::parse(price).unwrap(), at };
        self.desk.given_quotes.put(trader, Coin::parse(coin).unwrap(), quote);
    }

    /// A model that asks, and a purchase that waits.
    pub async fn waiting(&self, name: &str) -> (Trader, Decision) {
        let model = self.model(name, AutomationLevel::SemiAutomated, &[]).await;
        let decision = self.propose(model.id, "BTC", buy("0.01", "Rising on volume."), "43250").await;
        assert_eq!(decision.status().as_str(), "pending", "{}", decision.risk.reasons());
        (model, decision)
    }
}

/// Sends what is in the outbox, as the submitter does.
async fn send(desk: Arc<Desk>, sends: Arc<AtomicBool>) {
    let now = desk.clock.now();
    let name = format!("process:{}", desk.process);
    let lease = desk.store.acquire_lease(&name, &desk.process, now, now.plus_ms(LEASE_MS), None).await;
    let lease = lease.unwrap().unwrap();
    loop {
        desk.submit_wake.notified().await;
        if sends.load(Ordering::SeqCst) {
            submit_due(&desk, &lease).await.unwrap();
        }
    }
}

pub fn buy(quantity: &str, why: &str) -> Proposal {
    Proposal {
        signal: Signal::BuyToEnter,
        quantity: Some(Quantity::parse(quantity).unwrap()),
        equity_pct: None,
        leverage: 1,
        confidence: "0.72".parse().ok(),
        profit_target: Price::parse("45000").ok(),
        stop_loss: Price::parse("42000").ok(),
        justification: why.into(),
        explanation: BTreeMap::from([("EMA 9".to_owned(), "43,180.20".to_owned())]),
    }
}
