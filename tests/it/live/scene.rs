//! A house that trades on a paper exchange whose prices a story sets. Workers' rounds are played by hand, so that a story
//! says when somebody looks; client, wire, exchange and books are the real ones.

use crate::campaign::check::check;
use crate::campaign::world::{ANN, House, Owner, Story, exchange_with, purchase};
use crate::support::hand_market::HandMarket;
use countersign::adapters::paper_exchange::PaperExchange;
use countersign::domain::money::Price;
use countersign::domain::order::Order;
use countersign::domain::position::Position;
use countersign::domain::trader::Trader;
use countersign::domain::venue_kind::VenueKind;
use countersign::ports::advisor::Proposal;
use countersign::ports::market_data::MarketData;
use countersign::services::protect::close_position;
use serde_json::Value;
use std::sync::Arc;
use tempfile::TempDir;

pub struct Scene {
    pub market: Arc<HandMarket>,
    pub exchange: PaperExchange,
    pub owner: Owner,
    pub house: House,
    pub trader: Trader,
    pub story: Story,
    pub dir: TempDir,
}

impl Scene {
    /// A live model that has been reconciled once; `options` are those of its account at the exchange.
    pub async fn open(options: &str) -> Self {
        let market = HandMarket::new();
        let exchange = exchange_with(&(Arc::clone(&market) as Arc<dyn MarketData>), options).await;
        let dir = tempfile::tempdir().unwrap();
        let house = House::open(dir.path(), &exchange.url(), |_| {}).await;
        let trader = house.furnish("market").await;
        let owner = Owner::of(&exchange);
        Self { market, exchange, owner, house, trader, story: Story::default(), dir }
    }

    /// An approved purchase of 0.01 BTC, with a stop at 48,000 and a target at 53,000. It is not sent yet.
    pub async fn approved(&self) -> Order {
        let (stop_loss, profit_target) = (Price::parse("48000").ok(), Price::parse("53000").ok());
        let proposal = Proposal { stop_loss, profit_target, ..purchase("0.01") };
        let decision = self.house.propose_with(self.trader.id, proposal).await;
        assert!(self.house.approve(decision.id, &self.story).await, "{}", self.story.told());
        self.house.desk.store.open_orders(Some(self.trader.id)).await.unwrap().remove(0)
    }

    /// The purchase is sent, and the position is there.
    pub async fn holding(&self) -> Position {
        self.approved().await;
        self.house.send().await;
        self.held().await.unwrap_or_else(|| panic!("nothing was bought: {}", self.story.told()))
    }

    pub async fn held(&self) -> Option<Position> {
        self.house.desk.store.open_positions(VenueKind::Testnet).await.unwrap().pop()
    }

    /// The price of BTC from now on.
    pub async fn price(&self, price: &str) {
        self.market.btc_at(price);
        self.exchange.tick_now().await;
    }

    /// Closes by hand what is held.
    pub async fn close(&self) {
        close_position(&self.house.desk, &self.trader, &crate::campaign::world::btc(), ANN).await.unwrap();
        self.house.send().await;
    }

    /// Orders of a side that the exchange ever took.
    pub async fn at_exchange(&self, side: &str) -> Vec<Value> {
        self.owner.orders().await.into_iter().filter(|order| order["side"] == side).collect()
    }

    /// Reconciliation finds nothing, and every line of our books is the exchange's.
    pub async fn books_agree(&self) {
        let run = self.house.agreed(self.trader.id, &self.story).await.unwrap();
        assert_eq!(self.house.desk.store.current_differences(&run.fingerprint).await.unwrap(), [], "no drift");
        check(&self.house, &self.owner, self.trader.id, &self.story)
            .await
            .unwrap_or_else(|problems| panic!("{problems}"));
    }

    pub async fn end(self) {
        self.exchange.stop().await;
    }
}
