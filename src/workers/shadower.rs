//! Shows shadows the records of the traders that they follow, each at its own pace: one that waits for its provider
//! delays no other, and no trader.

use super::Workers;
use crate::domain::ids::ShadowId;
use crate::domain::shadow::SHADOWS_MAX;
use crate::services::desk::Desk;
use crate::services::follow_record::{FollowError, follow};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::{AbortHandle, JoinSet};

/// How often new records are looked for. Nothing that trades waits for them.
const LOOK_EVERY: Duration = Duration::from_secs(2);

pub(super) fn start(workers: &mut Workers, desk: Arc<Desk>) {
    let shutdown = workers.shutdown().clone();
    workers.task("shadower", move |pulse| async move {
        let mut running = Running::default();
        while !shutdown.has_begun() {
            pulse.beat();
            let round = async {
                running.reap();
                for shadow in desk.store.active_shadows().await?.into_iter().take(SHADOWS_MAX) {
                    running.launch(&desk, shadow.id);
                }
                Ok(())
            };
            super::supervisor::run_round("shadower", round).await;
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                () = shutdown.begun() => {}
            }
        }
        // What is being asked is given up: it is asked again after the next start, and nothing depends on it.
        running.tasks.abort_all();
    });
}

/// Shadows that are being shown a record in this process.
#[derive(Default)]
struct Running {
    tasks: JoinSet<()>,
    by_shadow: HashMap<ShadowId, AbortHandle>,
}

impl Running {
    fn launch(&mut self, desk: &Arc<Desk>, shadow: ShadowId) {
        if self.by_shadow.contains_key(&shadow) {
            return;
        }
        let desk = Arc::clone(desk);
        let handle = self.tasks.spawn(async move {
            match follow(&desk, shadow).await {
                Ok(_) | Err(FollowError::Overtaken) => {}
                Err(error) => crate::observe::shadow_not_shown(shadow, &error),
            }
        });
        self.by_shadow.insert(shadow, handle);
    }

    fn reap(&mut self) {
        while self.tasks.try_join_next().is_some() {}
        self.by_shadow.retain(|_, handle| !handle.is_finished());
    }
}
