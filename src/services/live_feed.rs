//! Tells open pages that something changed. It carries no data: whoever listens reads again.

use crate::domain::ids::TraderId;
use serde::Serialize;
use tokio::sync::broadcast;

/// Messages kept for a slow listener; one that falls further behind simply reads everything again.
const CAPACITY: usize = 256;

/// What changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    /// A decision.
    Decision,
    /// An order.
    Order,
    /// A fill, and with it positions and cash.
    Fill,
    /// Equity.
    Equity,
    /// An incident.
    Incident,
    /// A notification.
    Notification,
    /// A model's axes, state or settings.
    Model,
    /// Health of market, workers or stop.
    Health,
}

impl Topic {
    /// The event's name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Decision => "decision",
            Self::Order => "order",
            Self::Fill => "fill",
            Self::Equity => "equity",
            Self::Incident => "incident",
            Self::Notification => "notification",
            Self::Model => "model",
            Self::Health => "health",
        }
    }
}

/// One message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct LiveEvent {
    /// What changed.
    #[serde(skip)]
    pub topic: Topic,
    /// The changed row, if it is one.
    pub id: Option<i64>,
    /// Whose.
    pub model_id: Option<TraderId>,
}

/// The feed of this process.
#[derive(Clone, Debug)]
pub struct LiveFeed(broadcast::Sender<LiveEvent>);

impl Default for LiveFeed {
    fn default() -> Self {
        Self(broadcast::channel(CAPACITY).0)
    }
}

impl LiveFeed {
    /// Tells every listener.
    pub fn publish(&self, topic: Topic, id: Option<i64>, model_id: Option<TraderId>) {
        // Nobody listening is no error.
        let _ = self.0.send(LiveEvent { topic, id, model_id });
    }

    /// How many listen now.
    pub fn listeners(&self) -> usize {
        self.0.receiver_count()
    }

    /// Listens from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<LiveEvent> {
        self.0.subscribe()
    }
}
