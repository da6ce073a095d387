//! Places at providers: how many questions each of them is asked at the same time.
//!
//! A trader's own questions come before those that nothing trades by: re-asks and shadows leave one place free wherever
//! a provider has more than one.

use crate::domain::ai_cost::AiPurpose;
use crate::domain::ids::ProviderId;
use crate::domain::provider::Provider;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// The places of each provider, in this process.
#[derive(Debug, Default)]
pub struct Places(Mutex<HashMap<ProviderId, Room>>);

/// The right to ask a provider; it ends with the value.
#[derive(Debug)]
pub struct Place {
    _one: OwnedSemaphorePermit,
    _aside: Option<OwnedSemaphorePermit>,
}

#[derive(Clone, Debug)]
struct Room {
    limit: u32,
    all: Arc<Semaphore>,
    /// Those that questions beside the cycles may take.
    aside: Arc<Semaphore>,
}

impl Room {
    fn new(limit: u32) -> Self {
        let aside = limit.saturating_sub(1).max(1);
        Self { limit, all: Arc::new(Semaphore::new(limit as usize)), aside: Arc::new(Semaphore::new(aside as usize)) }
    }
}

impl Places {
    /// A place, as soon as one is free; none when that takes longer than the provider may take to answer.
    pub async fn take(&self, provider: &Provider, purpose: AiPurpose) -> Option<Place> {
        let room = self.room(provider);
        let taken = async {
            // Questions beside the cycles wait for each other first, so that no more of them than they may take stand in
            // the queue of all.
            let aside = match purpose {
                AiPurpose::Cycle => None,
                AiPurpose::Reask | AiPurpose::Shadow => Some(room.aside.acquire_owned().await.ok()?),
            };
            Some(Place { _one: room.all.acquire_owned().await.ok()?, _aside: aside })
        };
        timeout(Duration::from_secs(provider.timeout_seconds.into()), taken).await.ok().flatten()
    }

    fn room(&self, provider: &Provider) -> Room {
        // Nothing can panic while the map is held, so a poisoned one is as good.
        let mut rooms = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let limit = provider.max_concurrency.max(1);
        let room = rooms.entry(provider.id).or_insert_with(|| Room::new(limit));
        if room.limit != limit {
            *room = Room::new(limit);
        }
        room.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::provider::ProviderKind;
    use crate::domain::time::Timestamp;

    fn provider(id: i64, max_concurrency: u32) -> Provider {
        Provider {
            id: ProviderId(id),
            name: "Router".to_owned(),
            kind: ProviderKind::Other,
            base_url: "http://127.0.0.1:1/v1".to_owned(),
            api_key: None,
            key_last4: None,
            price: None,
            max_concurrency,
            timeout_seconds: 60,
            created_at: Timestamp(0),
            deleted_at: None,
            version: 1,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn each_provider_has_its_own_places_and_nobody_waits_for_ever() {
        let places = Places::default();
        let first = places.take(&provider(1, 1), AiPurpose::Cycle).await;
        assert!(first.is_some());
        assert!(places.take(&provider(2, 1), AiPurpose::Cycle).await.is_some(), "another provider");
        let begun = tokio::time::Instant::now();
        assert!(places.take(&provider(1, 1), AiPurpose::Cycle).await.is_none());
        assert_eq!(begun.elapsed(), Duration::from_secs(60), "as long as an answer may take");
        drop(first);
        assert!(places.take(&provider(1, 1), AiPurpose::Cycle).await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_place_is_kept_free_for_traders_where_there_are_two() {
        let places = Places::default();
        let three = provider(1, 3);
        let shadow = places.take(&three, AiPurpose::Shadow).await;
        let reask = places.take(&three, AiPurpose::Reask).await;
        assert!(shadow.is_some() && reask.is_some());
        assert!(places.take(&three, AiPurpose::Shadow).await.is_none(), "the last place is no shadow's");
        assert!(places.take(&three, AiPurpose::Cycle).await.is_some());
        let one = provider(2, 1);
        assert!(places.take(&one, AiPurpose::Shadow).await.is_some(), "where there is one place, it is shared");
    }

    #[tokio::test(start_paused = true)]
    async fn a_queue_of_shadows_delays_a_trader_by_one_of_them() {
        let places = Arc::new(Places::default());
        let row = provider(1, 1);
        let held = places.take(&row, AiPurpose::Shadow).await;
        let waiting = |purpose| {
            let (places, row) = (Arc::clone(&places), row.clone());
            tokio::spawn(async move { places.take(&row, purpose).await })
        };
        let shadows = [waiting(AiPurpose::Shadow), waiting(AiPurpose::Shadow)];
        tokio::task::yield_now().await;
        let trader = waiting(AiPurpose::Cycle);
        tokio::task::yield_now().await;
        drop(held);
        assert!(trader.await.unwrap().is_some());
        for shadow in shadows {
            assert!(shadow.await.unwrap().is_some(), "and they come after it");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_changed_limit_counts_at_once() {
        let places = Places::default();
        let _held = places.take(&provider(1, 1), AiPurpose::Cycle).await;
        assert!(places.take(&provider(1, 2), AiPurpose::Cycle).await.is_some());
    }
}
