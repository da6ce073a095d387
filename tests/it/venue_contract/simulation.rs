//! The fill model, on a market made by hand.

use super::bench::{Bench, Trouble};
use crate::support::hand_market::HandMarket;
use async_trait::async_trait;
use countersign::adapters::simulation::SimulationVenue;
use countersign::domain::signal::Side;
use countersign::ports::market_data::MarketData;
use countersign::ports::store::JournaledOrder;
use countersign::ports::venue::{OrderContext, SubmitOutcome, Venue, VenueFill};
use rust_decimal::{Decimal, RoundingStrategy};
use std::sync::Arc;

pub struct Simulation {
    market: Arc<HandMarket>,
    venue: SimulationVenue,
}

pub fn open() -> Simulation {
    let market = HandMarket::new();
    let venue = SimulationVenue::new(Arc::clone(&market) as Arc<dyn MarketData>);
    Simulation { market, venue }
}

#[async_trait]
impl Bench for Simulation {
    fn venue(&self) -> &dyn Venue {
        &self.venue
    }

    /// A thousandth of the value, rounded up.
    fn fee(&self, _: Side, fill: &VenueFill) -> (Decimal, &'static str) {
        let fee = (fill.price * fill.quantity).decimal() / Decimal::ONE_THOUSAND;
        (fee.round_dp_with_strategy(8, RoundingStrategy::AwayFromZero), "USDT")
    }

    fn absence_is_final(&self) -> bool {
        true
    }

    /// A tenth of what was traded can be had: 3 BTC.
    async fn thin(&self) {
        self.market.trades("30");
    }

    async fn lies_open(&self, order: &JournaledOrder, context: OrderContext<'_>) {
        self.thin().await;
        let outcome = self.venue.submit(order, context).await;
        assert!(matches!(outcome, SubmitOutcome::Accepted(_)), "{outcome:?}");
    }

    async fn troubles(&self, trouble: Trouble) {
        panic!("nothing stands between us and the fill model that could bring {trouble:?}");
    }

    async fn taken(&self, _: &str) -> Option<usize> {
        None
    }

    async fn end(&self) {}
}
