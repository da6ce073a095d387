//! Two processes on one database: one runs a model, the other keeps out, and who slept too long is fenced off.

use super::house::{model, orders_of, sent_in};
use super::on_shared;
use countersign::domain::cycle::{CycleOutcome, CycleTrigger};
use countersign::domain::venue_kind::AutomationLevel;
use countersign::ports::clock::Clock;
use countersign::ports::store::Page;
use countersign::services::cycle_parts::cycle_lease;
use countersign::services::lease_keeper::LEASE_MS;
use countersign::services::run_cycle::{CycleError, CycleRequest, run};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

const ALL: Page = Page { before: None, limit: 200 };

/// Looks until it is so.
async fn seen(what: &str, mut look: impl AsyncFnMut() -> bool) {
    let looking = async {
        while !look().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), looking).await.unwrap_or_else(|_| panic!("never saw {what}"));
}

on_shared! {
    async fn two_processes_never_run_one_model_twice(shared) {
        let desks = [shared.process("one").await, shared.process("two").await];
        let trader = model(&desks[0], "Sage", AutomationLevel::SemiAutomated).await;
        let mut runs = tokio::task::JoinSet::new();
        for n in 0..10usize {
            let (desk, id) = (Arc::clone(&desks[n % 2]), trader.id);
            runs.spawn(async move { run(&desk, CycleRequest::ask(id, CycleTrigger::Schedule, "scheduler")).await });
        }
        // One of them thinks; all others are told so while it does.
        for _ in 0..9 {
            let other = runs.join_next().await.unwrap().unwrap();
            assert!(matches!(other, Err(CycleError::Running)), "{other:?}");
        }
        shared.thinker.goes_on.add_permits(1);
        let cycle = runs.join_next().await.unwrap().unwrap().unwrap();
        assert_eq!(shared.thinker.asked.load(Ordering::SeqCst), 1);
        assert_eq!(desks[1].store.decisions_of_cycle(cycle).await.unwrap().len(), 1);
        assert_eq!(desks[1].store.cycles(trader.id, ALL).await.unwrap().len(), 1);
        let free = run(&desks[1], sent_in(trader.id)).await;
        assert!(free.is_ok(), "the model is free again: {free:?}");
    }

    async fn a_scheduled_run_that_another_process_just_made_is_not_made_again(shared) {
        let (first, second) = (shared.process("first").await, shared.process("second").await);
        let trader = model(&first, "Sage", AutomationLevel::SemiAutomated).await;
        let scheduled = || CycleRequest::ask(trader.id, CycleTrigger::Schedule, "scheduler");
        shared.thinker.goes_on.add_permits(2);
        // Both saw that it is due; the second comes to it when the first is through.
        run(&first, scheduled()).await.unwrap();
        let late = run(&second, scheduled()).await;
        assert!(matches!(late, Err(CycleError::NotDue)), "{late:?}");
        assert_eq!(second.store.cycles(trader.id, ALL).await.unwrap().len(), 1);
        let asked_for = run(&second, sent_in(trader.id)).await;
        assert!(asked_for.is_ok(), "a person or program may run it at any time: {asked_for:?}");
    }

    async fn a_model_that_thinks_for_long_keeps_its_lease_and_loses_it_to_nobody(shared) {
        let (slow, quick) = (shared.process("slow").await, shared.process("quick").await);
        let trader = model(&slow, "Sage", AutomationLevel::SemiAutomated).await;
        let (desk, id) = (Arc::clone(&slow), trader.id);
        let thinks =
            tokio::spawn(async move { run(&desk, CycleRequest::ask(id, CycleTrigger::Schedule, "scheduler")).await });
        shared.thinker.begins.notified().await;
        let name = cycle_lease(trader.id);
        for _ in 0..6 {
            shared.clock.advance_ms(LEASE_MS / 2);
            let now = shared.clock.now();
            let renewed = async || quick.store.lease(&name).await.unwrap().unwrap().until >= now.plus_ms(LEASE_MS);
            seen("the lease renewed", renewed).await;
            let other = run(&quick, sent_in(trader.id)).await;
            assert!(matches!(other, Err(CycleError::Running)), "{other:?}");
        }
        shared.thinker.goes_on.add_permits(1);
        assert!(thinks.await.unwrap().is_ok());
        assert!(run(&quick, sent_in(trader.id)).await.is_ok(), "free at once");
    }

    async fn a_cycle_whose_lease_was_taken_ends_although_its_model_still_thinks(shared) {
        let (slow, quick) = (shared.process("slow").await, shared.process("quick").await);
        let trader = model(&slow, "Sage", AutomationLevel::SemiAutomated).await;
        let (desk, id) = (Arc::clone(&slow), trader.id);
        let thinks =
            tokio::spawn(async move { run(&desk, CycleRequest::ask(id, CycleTrigger::Schedule, "scheduler")).await });
        shared.thinker.begins.notified().await;
        let later = shared.clock.now().plus_ms(10 * LEASE_MS);
        let taken = quick.store.acquire_lease(&cycle_lease(trader.id), "quick", later, later, None).await.unwrap();
        assert!(taken.is_some());
        shared.clock.advance_ms(LEASE_MS / 2);
        let outcome = thinks.await.unwrap();
        assert!(matches!(outcome, Err(CycleError::Overtaken(_))), "{outcome:?}");
        assert_eq!(quick.store.cycles(trader.id, ALL).await.unwrap().len(), 0, "nothing is written");
    }

    async fn a_process_that_slept_through_its_lease_writes_nothing(shared) {
        let (slow, quick) = (shared.process("slow").await, shared.process("quick").await);
        let trader = model(&slow, "Sage", AutomationLevel::FullyAutomated).await;
        let (desk, id) = (Arc::clone(&slow), trader.id);
        let sleeper =
            tokio::spawn(async move { run(&desk, CycleRequest::ask(id, CycleTrigger::Schedule, "scheduler")).await });
        shared.thinker.begins.notified().await;
        // Its clock stands still: it has not noticed.
        let later = shared.clock.now().plus_ms(LEASE_MS);
        let name = cycle_lease(trader.id);
        let taken = quick.store.acquire_lease(&name, "quick", later, later, None).await.unwrap().unwrap();
        quick.store.release_lease(&taken).await.unwrap();
        let theirs = run(&quick, sent_in(trader.id)).await.unwrap();
        let decision = quick.store.decisions_of_cycle(theirs).await.unwrap().remove(0);
        let before = quick.store.trader(trader.id).await.unwrap();

        shared.thinker.goes_on.add_permits(1);
        let outcome = sleeper.await.unwrap();
        assert!(matches!(outcome, Err(CycleError::Overtaken(_))), "{outcome:?}");
        let cycles = quick.store.cycles(trader.id, ALL).await.unwrap();
        assert_eq!(cycles.iter().map(|cycle| cycle.id).collect::<Vec<_>>(), [theirs]);
        assert_eq!(cycles[0].outcome, CycleOutcome::Completed);
        assert_eq!(orders_of(&quick, decision.id).await.len(), 1);
        assert_eq!(quick.store.outbox(100).await.unwrap().len(), 1, "only the order of the cycle that holds");
        assert_eq!(quick.store.trader(trader.id).await.unwrap(), before);
    }
}
