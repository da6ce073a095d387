//! What other processes on the same database do reaches this one's open pages too: a look every few seconds at what has
//! moved, only while a page is open here and another process is alive.
//!
//! Two processes may finish two writes in another order than they began them, and then a line of history can be passed
//! over. Nothing is lost by that: an event only hastens a reading, and pages read again by themselves now and then.

use crate::domain::ids::TraderId;
use crate::ports::store::{HistoryMark, StoreError};
use crate::services::desk::Desk;
use crate::services::live_feed::Topic;

/// Lines of history read in one look; what is left is read in the next.
const LINES_MAX: u32 = 200;

/// Remembers what was seen last.
#[derive(Debug, Default)]
pub struct OthersFollower {
    seen: Option<Seen>,
}

#[derive(Debug)]
struct Seen {
    history: HistoryMark,
    markers: Markers,
}

/// Small figures that change with what has no history line.
#[derive(Debug, PartialEq, Eq)]
struct Markers {
    traders: Vec<(TraderId, i64)>,
    incidents: i64,
    unread: i64,
    is_stopped: bool,
}

impl OthersFollower {
    /// One look. The first one after a while only notes where things stand: pages opened since have read them.
    ///
    /// # Errors
    /// When the store fails; the next look goes on from the same place.
    pub async fn look(&mut self, desk: &Desk) -> Result<(), StoreError> {
        if desk.live.listeners() == 0 || !desk.store.others_live(&desk.process, desk.clock.now()).await? {
            self.seen = None;
            return Ok(());
        }
        let touched = desk.store.touched_since(self.seen.as_ref().map(|seen| seen.history), LINES_MAX).await?;
        let markers = Markers::read(desk).await?;
        let tell = |topic, id| desk.live.publish(topic, id, None);
        for decision in &touched.decisions {
            tell(Topic::Decision, Some(decision.0));
        }
        for order in &touched.orders {
            tell(Topic::Order, Some(order.0));
        }
        if !touched.orders.is_empty() {
            tell(Topic::Fill, None);
            tell(Topic::Equity, None);
        }
        if let Some(before) = self.seen.as_ref().map(|seen| &seen.markers) {
            let changed = [
                (Topic::Model, before.traders != markers.traders),
                (Topic::Incident, before.incidents != markers.incidents),
                (Topic::Notification, before.unread != markers.unread),
                (Topic::Health, before.is_stopped != markers.is_stopped),
            ];
            changed.into_iter().filter(|(_, changed)| *changed).for_each(|(topic, _)| tell(topic, None));
        }
        self.seen = Some(Seen { history: touched.mark, markers });
        Ok(())
    }
}

impl Markers {
    async fn read(desk: &Desk) -> Result<Self, StoreError> {
        let traders = desk.store.traders(false).await?;
        Ok(Self {
            traders: traders.iter().map(|trader| (trader.id, trader.version)).collect(),
            incidents: desk.store.open_incidents().await?,
            unread: desk.store.unread_notifications().await?,
            is_stopped: desk.stop.in_force().await.is_some(),
        })
    }
}
