//! A venue with its surroundings, as a case sees them.

use super::journal::{Journal, Terms};
use super::{paper, recorded, simulation};
use async_trait::async_trait;
use countersign::domain::instrument::Instrument;
use countersign::domain::order::Order;
use countersign::domain::signal::Side;
use countersign::domain::trader_settings::TraderSettings;
use countersign::ports::store::JournaledOrder;
use countersign::ports::venue::{
    CancelOutcome, OrderContext, QueryOutcome, SubmitOutcome, Venue, VenueFill, VenueReport,
};
use rust_decimal::Decimal;

/// The three places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Simulation,
    Paper,
    Recorded,
}

/// What goes wrong with the answer to the next order that is placed.
#[derive(Clone, Copy, Debug)]
pub enum Trouble {
    /// It is a success, and no JSON.
    Unreadable,
    /// The order was taken; the connection closes without an answer.
    Lost,
    /// The order was taken; the server says 503.
    ServerError,
    /// Proven not taken: too many orders, wait two seconds.
    TooMany,
    /// Proven not taken: the timestamp was off.
    ClockOff,
}

/// What surrounds a venue.
#[async_trait]
pub trait Bench: Send + Sync {
    /// Where orders go.
    fn venue(&self) -> &dyn Venue;

    /// What an execution of this side must have cost, and in which asset.
    fn fee(&self, side: Side, fill: &VenueFill) -> (Decimal, &'static str);

    /// Whether "no such order" is the last word there.
    fn absence_is_final(&self) -> bool;

    /// The next order meets a market with far less than it wants.
    async fn thin(&self);

    /// Brings about that this order lies open there, a part of it filled.
    async fn lies_open(&self, order: &JournaledOrder, context: OrderContext<'_>);

    /// The next order that is placed meets trouble.
    async fn troubles(&self, trouble: Trouble);

    /// How many orders of a name the venue has ever taken; `None` where it keeps no list.
    async fn taken(&self, name: &str) -> Option<usize>;

    /// The end of a case: what was left undone is a failure.
    async fn end(&self);
}

/// A case's stage: a venue, and a store that journals for it.
pub struct Stage {
    pub bench: Box<dyn Bench>,
    pub journal: Journal,
    settings: TraderSettings,
    instrument: Instrument,
}

impl Stage {
    pub async fn at(place: Place, case: &str) -> Self {
        let bench: Box<dyn Bench> = match place {
            Place::Simulation => Box::new(simulation::open()),
            Place::Paper => Box::new(paper::open().await),
            Place::Recorded => Box::new(recorded::open(case).await),
        };
        let journal = Journal::open(bench.venue().kind()).await;
        let instrument = crate::support::hand_market::instrument("BTC");
        Self { bench, journal, settings: TraderSettings::default(), instrument }
    }

    pub const fn context(&self) -> OrderContext<'_> {
        OrderContext { settings: &self.settings, instrument: &self.instrument, given_quote: None }
    }

    pub async fn submit(&self, order: &JournaledOrder) -> SubmitOutcome {
        self.bench.venue().submit(order, self.context()).await
    }

    /// Journals an order and sends it; the venue must take it.
    pub async fn accepted(&self, terms: Terms<'_>) -> (Order, VenueReport) {
        let journaled = self.journal.submit(terms).await;
        match self.submit(&journaled).await {
            SubmitOutcome::Accepted(report) => (journaled.into_order(), report),
            other => panic!("not accepted: {other:?}"),
        }
    }

    pub async fn query(&self, order: &Order) -> QueryOutcome {
        self.bench.venue().query(order, self.context()).await
    }

    pub async fn found(&self, order: &Order) -> VenueReport {
        match self.query(order).await {
            QueryOutcome::Found(report) => report,
            other => panic!("not found: {other:?}"),
        }
    }

    pub async fn cancel(&self, order: &Order) -> CancelOutcome {
        self.bench.venue().cancel(order, self.context()).await
    }

    /// Where the venue lists its orders, it has taken so many of this name.
    pub async fn has_taken(&self, name: &str, times: usize) {
        if let Some(taken) = self.bench.taken(name).await {
            assert_eq!(taken, times, "orders called {name}");
        }
    }
}
