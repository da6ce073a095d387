//! Shows shadows the records of the traders that they follow, each at its own pace: one that waits for its provider
//! delays no other, and no trader.

use super::Workers;
use crate::domain::ids::ShadowId;
use crate::domain::shadow::SHADOWS_MAX;
use crate::services::desk::Desk;
use crate::services::follow_record::{FollowError, follow};
use futures_util::FutureExt;
use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, timeout};

/// How often new records are looked for. Nothing that trades waits for them.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// The pause after a shadow could not be shown a record; it doubles with each further failure.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(300);
/// How long shadows that are being asked may take once the end has begun.
const DRAIN_WITHIN: Duration = Duration::from_secs(20);

pub(super) fn start(workers: &mut Workers, desk: Arc<Desk>) {
    let shutdown = workers.shutdown().clone();
    workers.task("shadower", move |pulse| async move {
        let mut running = Running::default();
        while !shutdown.has_begun() {
            pulse.beat();
            let round = async {
                running.reap();
                for shadow in desk.store.shadows_behind().await? {
                    running.launch(&desk, shadow);
                }
                Ok(())
            };
            super::supervisor::run_round("shadower", round).await;
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                () = shutdown.begun() => {}
            }
        }
        // They give up soon by themselves, and write down what was asked: it was paid for.
        let all = async { while running.tasks.join_next().await.is_some() {} };
        if timeout(DRAIN_WITHIN, all).await.is_err() {
            crate::observe::questions_abandoned();
        }
    });
}

/// Shadows that are being shown a record in this process.
#[derive(Default)]
struct Running {
    tasks: JoinSet<(ShadowId, bool)>,
    by_shadow: HashMap<ShadowId, AbortHandle>,
    pauses: HashMap<ShadowId, Pause>,
}

/// After a failure.
struct Pause {
    until: Instant,
    next: Duration,
}

impl Running {
    fn launch(&mut self, desk: &Arc<Desk>, shadow: ShadowId) {
        let rests = self.pauses.get(&shadow).is_some_and(|pause| pause.until > Instant::now());
        if rests || self.by_shadow.len() >= SHADOWS_MAX || self.by_shadow.contains_key(&shadow) {
            return;
        }
        let desk = Arc::clone(desk);
        let handle = self.tasks.spawn(async move {
            // A defect must not ask again every other second.
            match AssertUnwindSafe(follow(&desk, shadow)).catch_unwind().await {
                Ok(Ok(_) | Err(FollowError::Overtaken)) => (shadow, true),
                Ok(Err(error)) => {
                    crate::observe::shadow_not_shown(shadow, &error);
                    (shadow, false)
                }
                Err(_) => {
                    crate::observe::worker_panicked("shadower");
                    (shadow, false)
                }
            }
        });
        self.by_shadow.insert(shadow, handle);
    }

    fn reap(&mut self) {
        let now = Instant::now();
        while let Some(ended) = self.tasks.try_join_next() {
            let Ok((shadow, is_well)) = ended else { continue };
            let before = self.pauses.remove(&shadow);
            if !is_well {
                let length = before.map_or(FIRST_PAUSE, |pause| pause.next);
                let next = (length * 2).min(PAUSE_MAX);
                self.pauses.insert(shadow, Pause { until: now + length, next });
            }
        }
        self.by_shadow.retain(|_, handle| !handle.is_finished());
        // Those of shadows that were ended meanwhile.
        self.pauses.retain(|_, pause| pause.until + 2 * PAUSE_MAX > now);
    }
}
