//! Runs each active model at its own interval of market time.

use super::Workers;
use crate::domain::cycle::CycleTrigger;
use crate::domain::ids::TraderId;
use crate::domain::trader::Trader;
use crate::services::desk::Desk;
use crate::services::reconcile::may_run;
use crate::services::run_cycle::{CycleError, CycleRequest, is_due, run};
use crate::services::settle::SELF;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::{AbortHandle, JoinSet};

/// How often due models are looked for.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Cycles at the same time in this process. Nearly all of them wait for language models, which costs some 200 kB each:
/// there are many more places than one silent provider's models take, so that others still find one.
const CYCLES_MAX: usize = 256;
/// How long cycles in flight may take once the end has begun.
const DRAIN_WITHIN: Duration = Duration::from_secs(20);

pub(super) fn start(workers: &mut Workers, desk: Arc<Desk>) {
    let shutdown = workers.shutdown().clone();
    workers.task("scheduler", move |pulse| async move {
        let mut running = Running::default();
        while !shutdown.has_begun() {
            pulse.beat();
            let round = async {
                running.reap();
                for trader in due(&desk).await? {
                    running.launch(&desk, trader.id);
                }
                Ok(())
            };
            super::supervisor::run_round("scheduler", round).await;
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                () = shutdown.begun() => {}
            }
        }
        running.drain().await;
    });
}

/// Active models whose time has come.
async fn due(desk: &Desk) -> anyhow::Result<Vec<Trader>> {
    if desk.stop.in_force().await.is_some() {
        return Ok(Vec::new());
    }
    let mut traders = desk.store.traders(false).await?;
    traders.retain(|trader| is_due(desk, trader));
    // Live models wait until their account is reconciled; simulation waits for nothing.
    let mut ready = Vec::with_capacity(traders.len());
    for trader in traders {
        if may_run(desk, trader.id, trader.axes.venue_kind()).await? {
            ready.push(trader);
        }
    }
    Ok(ready)
}

/// Cycles in flight in this process.
#[derive(Default)]
struct Running {
    tasks: JoinSet<TraderId>,
    by_trader: HashMap<TraderId, AbortHandle>,
}

impl Running {
    fn launch(&mut self, desk: &Arc<Desk>, trader: TraderId) {
        if self.by_trader.len() >= CYCLES_MAX || self.by_trader.contains_key(&trader) {
            return;
        }
        let desk = Arc::clone(desk);
        let handle = self.tasks.spawn(async move {
            match run(&desk, CycleRequest::ask(trader, CycleTrigger::Schedule, SELF)).await {
                // Somebody else runs it, or it was paused between the look and the run: nothing to tell.
                Ok(_)
                | Err(CycleError::Running | CycleError::NotDue | CycleError::Paused { .. } | CycleError::Stopped) => {}
                Err(error) => crate::observe::scheduled_cycle_failed(trader, &error),
            }
            trader
        });
        self.by_trader.insert(trader, handle);
    }

    fn reap(&mut self) {
        while self.tasks.try_join_next().is_some() {}
        self.by_trader.retain(|_, handle| !handle.is_finished());
    }

    async fn drain(mut self) {
        let all = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(DRAIN_WITHIN, all).await.is_err() {
            crate::observe::cycles_abandoned(self.by_trader.len());
        }
    }
}
