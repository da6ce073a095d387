//! Sends what is in the outbox, as soon as it is there: each account in its own lane, so that an exchange that does not
//! answer delays nobody else's orders.

use super::Workers;
use super::process_lease::ProcessLease;
use super::supervisor::run_round;
use crate::domain::account::AccountName;
use crate::services::desk::Desk;
use crate::services::submit_order::{due, submit_lane};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::{AbortHandle, JoinSet};

/// A look into the outbox even without a wake-up: another process may have journaled an order and died.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How long orders in flight may take once the end has begun: longer than the longest wait for an order's answer.
const DRAIN_WITHIN: Duration = Duration::from_secs(20);

pub(super) fn start(workers: &mut Workers, desk: Arc<Desk>, lease: Arc<ProcessLease>) {
    let shutdown = workers.shutdown().clone();
    workers.task("submitter", move |pulse| async move {
        let mut lanes = Lanes::default();
        while !shutdown.has_begun() {
            pulse.beat();
            run_round("submitter", lanes.round(&desk, &lease)).await;
            tokio::select! {
                () = desk.submit_wake.notified() => {}
                () = lanes.one_ended() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
                () = shutdown.begun() => {}
            }
        }
        lanes.drain().await;
        lease.done_sending();
    });
}

/// Accounts whose orders are being sent by this process.
#[derive(Default)]
struct Lanes {
    tasks: JoinSet<()>,
    busy: HashMap<AccountName, AbortHandle>,
}

impl Lanes {
    /// Starts a lane for each account that has orders and none under way.
    async fn round(&mut self, desk: &Arc<Desk>, lease: &ProcessLease) -> anyhow::Result<()> {
        while self.tasks.try_join_next().is_some() {}
        self.busy.retain(|_, lane| !lane.is_finished());
        let Some(sender) = lease.hold().await? else { return Ok(()) };
        for (account, orders) in due(desk).await? {
            if self.busy.contains_key(&account) {
                continue;
            }
            let (desk, sender) = (Arc::clone(desk), sender.clone());
            let lane = self.tasks.spawn(async move { submit_lane(&desk, &sender, orders).await });
            self.busy.insert(account, lane);
        }
        Ok(())
    }

    /// Waits until a lane is free again: its account may have more orders. For ever when none is busy.
    async fn one_ended(&mut self) {
        if self.tasks.join_next().await.is_none() {
            std::future::pending::<()>().await;
        }
    }

    async fn drain(mut self) {
        let all = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(DRAIN_WITHIN, all).await.is_err() {
            crate::observe::orders_abandoned(self.busy.len());
        }
    }
}
