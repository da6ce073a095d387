//! One decision, many hands.

use super::house::{orders_of, sender, waiting};
use super::on_shared;
use countersign::domain::decision::{Decision, DecisionStatus};
use countersign::domain::money::Quantity;
use countersign::domain::order::OrderStatus;
use countersign::services::decide::{self, ApproveRequest, DecideError, EditRequest, Modifications};
use countersign::services::desk::Desk;
use countersign::services::submit_order::submit_due;
use std::sync::Arc;
use tokio::sync::Barrier;

/// Hands that approve at once.
const HANDS: usize = 50;
/// Orders in which approve, reject, edit and expire meet.
const SEEDS: u64 = 24;

fn approval(decision: &Decision, by: &str) -> ApproveRequest {
    ApproveRequest {
        id: decision.id,
        version: Some(decision.version),
        digest: decision.digest().map(|digest| digest.as_str().to_owned()),
        modifications: None,
        by: by.to_owned(),
    }
}

/// A step of a generator that repeats itself: the same seed, the same order of events.
fn draw(state: &mut u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *state >> 33
}

on_shared! {
    async fn fifty_approvals_at_once_are_one_order(shared) {
        let desks = [shared.process("one").await, shared.process("two").await];
        let (_, decision) = waiting(&desks[0], "Sage").await;
        let start = Arc::new(Barrier::new(HANDS));
        let hands: Vec<_> = (0..HANDS).map(|hand| {
            let (desk, start) = (Arc::clone(&desks[hand % 2]), Arc::clone(&start));
            let request = approval(&decision, &format!("hand {hand}"));
            tokio::spawn(async move {
                start.wait().await;
                decide::approve(&desk, &request).await
            })
        }).collect();
        let mut ordered = Vec::new();
        for hand in hands {
            match hand.await.unwrap() {
                Ok((_, order)) => ordered.push(order),
                Err(DecideError::AlreadyDecided(row)) => assert_eq!(row.status(), DecisionStatus::Ordered),
                Err(other) => panic!("neither the order nor the true row: {other}"),
            }
        }
        assert_eq!(ordered.len(), 1, "one of them was first");
        let orders = orders_of(&desks[0], decision.id).await;
        assert_eq!(orders.iter().map(|order| order.id).collect::<Vec<_>>(), ordered);

        // Both processes send what is in the outbox at once: it leaves once.
        let senders = [sender(&desks[0]).await, sender(&desks[1]).await];
        let (one, two) = tokio::join!(submit_due(&desks[0], &senders[0]), submit_due(&desks[1], &senders[1]));
        one.unwrap();
        two.unwrap();
        let order = orders_of(&desks[0], decision.id).await.remove(0);
        assert_eq!((order.status(), order.attempts), (OrderStatus::Filled, 1));
        assert_eq!(desks[0].store.attempts(order.id).await.unwrap().len(), 1);
    }

    async fn approve_reject_edit_and_expire_at_the_same_moment_leave_one_truth(shared) {
        let desks = [shared.process("one").await, shared.process("two").await];
        let mut seen = std::collections::BTreeSet::new();
        for seed in 0..SEEDS {
            let (trader, decision) = waiting(&desks[0], &format!("Model {seed}")).await;
            let expires_at = decision.state.expires_at().unwrap();
            // The last moment at which an approval counts, or the first at which it does not.
            let early = i64::from(seed % 3 != 0);
            shared.clock.advance_ms(expires_at.since(countersign::ports::clock::Clock::now(&shared.clock)) - early);
            let start = Arc::new(Barrier::new(8));
            let mut state = seed;
            let mut hands = Vec::new();
            for hand in 0..8usize {
                let (desk, start, clock) = (Arc::clone(&desks[hand % 2]), Arc::clone(&start), shared.clock.clone());
                let (row, pause) = (decision.clone(), draw(&mut state) % 40);
                let deed = (hand as u64 + draw(&mut state)) % 4;
                hands.push(tokio::spawn(async move {
                    start.wait().await;
                    for _ in 0..pause {
                        tokio::task::yield_now().await;
                    }
                    act(&desk, &row, if hand == 0 { 3 } else { deed }, &clock).await;
                }));
            }
            for hand in hands {
                hand.await.unwrap();
            }
            decide::expire_due(&desks[1]).await.unwrap();
            let row = desks[0].store.decision(decision.id).await.unwrap().unwrap();
            let orders = orders_of(&desks[0], decision.id).await;
            assert!(!row.status().is_waiting(), "seed {seed}: {}", row.status());
            assert_eq!(orders.len(), usize::from(row.status() == DecisionStatus::Ordered), "seed {seed}: {}", row.status());
            if let Some(order) = orders.first() {
                assert_eq!(Some(order.intent.quantity), row.quantity, "seed {seed}: what was approved is what is sent");
            }
            let events = desks[0].store.decision_events(decision.id).await.unwrap();
            let ends = events.iter().filter(|(_, event)| ["approved", "rejected", "expired", "denied_at_approval"].contains(&event.name));
            assert_eq!(ends.count(), 1, "seed {seed}");
            seen.insert(row.status());
            countersign::services::models::delete(&desks[0], trader.id, &trader.name, "ann").await.ok();
        }
        assert!(seen.len() > 1, "the seeds tell nothing apart: {seen:?}");
    }
}

/// Whatever comes of it, the row tells.
async fn act(desk: &Desk, row: &Decision, deed: u64, clock: &crate::support::ManualClock) {
    let refused = match deed {
        0 => decide::approve(desk, &ApproveRequest { version: None, digest: None, ..approval(row, "ann") }).await.err(),
        1 => decide::reject(desk, row.id, None, "no", "bob").await.err(),
        2 => {
            let quantity = Some(Quantity::parse("0.0012").unwrap());
            let modifications = Modifications { quantity, ..Modifications::default() };
            let edit = EditRequest { id: row.id, version: None, modifications, by: "cid".to_owned() };
            decide::edit(desk, &edit).await.err()
        }
        _ => {
            clock.advance_ms(1);
            decide::expire_due(desk).await.unwrap();
            None
        }
    };
    if let Some(DecideError::Store(error)) = refused {
        panic!("the store gave in: {error:?}");
    }
}
