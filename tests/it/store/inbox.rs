//! The inbox: tabs, their counters, pages, and what waits or expires.

use super::harness::{number, on_both};
use super::samples::{BOOK, NOW, TRADER, book, decision, displayed, trader};
use countersign::adapters::store::SqlStore;
use countersign::domain::decision::{Approval, Decision, DecisionState, DecisionStatus};
use countersign::domain::digest::Digest;
use countersign::domain::ids::{DecisionId, OrderId, TraderId};
use countersign::domain::incident::Severity;
use countersign::domain::notification::{NewNotification, NotificationKind};
use countersign::domain::venue_kind::VenueKind;
use countersign::ports::store::{
    BarCounts, Changes, DecisionFilter, DecisionLine, DecisionTab, Page, Reads, Store, TabCounts,
};
use sea_orm::{ConnectionTrait, Statement};
use std::collections::BTreeMap;

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }

    fn state(&mut self) -> DecisionState {
        let digest = Digest::parse(&"a".repeat(64)).unwrap();
        let approval = Approval { by: "ada".to_owned(), at: NOW, version: 1, edited: false };
        let (by, reason) = ("ada".to_owned(), "no".to_owned());
        let expires_at = NOW.plus_ms(60_000);
        match self.roll(11) {
            0 => DecisionState::ModelError { why: reason },
            1 => DecisionState::NoAction,
            2 => DecisionState::Denied { approval: Some(approval) },
            3 => DecisionState::Displayed { expires_at },
            4 | 5 => DecisionState::PendingApproval { expires_at, digest },
            6 => DecisionState::Ordered { order: OrderId(1), approval: Some(approval) },
            7 => DecisionState::Ordered { order: OrderId(1), approval: None },
            8 => DecisionState::Rejected { by, reason },
            9 => DecisionState::Expired,
            _ => DecisionState::Superseded { by: DecisionId(1) },
        }
    }
}

async fn counted(store: &SqlStore, trader: Option<i64>) -> TabCounts {
    let mut counts = TabCounts::default();
    let of = trader.map_or_else(|| "1 = 1".to_owned(), |id| format!("trader_id = {id}"));
    let cells = [
        (&mut counts.pending, "status = 'pending'"),
        (&mut counts.approved, "status = 'ordered' AND approved_by IS NOT NULL"),
        (&mut counts.rejected, "status = 'rejected'"),
        (&mut counts.expired, "status = 'expired'"),
        (&mut counts.denied, "status = 'denied'"),
        (&mut counts.displayed, "status = 'displayed'"),
        (&mut counts.all, "1 = 1"),
    ];
    for (cell, condition) in cells {
        *cell = number(store, &format!("SELECT COUNT(*) FROM decisions WHERE {condition} AND {of}")).await;
    }
    counts
}

fn pending(id: i64) -> Decision {
    let digest = Digest::parse(&"b".repeat(64)).unwrap();
    decision(id, TRADER.0, BOOK.0, DecisionState::PendingApproval { expires_at: NOW.plus_ms(id), digest })
}

on_both! {
    async fn the_counters_equal_a_count_after_anything(db) {
        let store = db.desk().await;
        let second = Changes {
            new_traders: vec![trader(2, "Owl")],
            new_books: vec![book(2, 2, VenueKind::Simulation)],
            ..Changes::default()
        };
        store.commit(second).await.unwrap();
        let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
        let mut known: BTreeMap<i64, Decision> = BTreeMap::new();
        for round in 0..40_i64 {
            let mut changes = Changes::default();
            for n in 0..i64::try_from(dice.roll(5)).unwrap() {
                let owner = i64::try_from(dice.roll(2)).unwrap() + 1;
                changes.new_decisions.push(decision(round * 10 + n + 1, owner, owner, dice.state()));
            }
            let ids: Vec<i64> = known.keys().copied().collect();
            for _ in 0..dice.roll(6) {
                // The same decision may move twice in one commit.
                let Some(id) = ids.get(usize::try_from(dice.roll(1 + ids.len() as u64)).unwrap()) else { continue };
                let before = known[id].clone();
                let after = Decision { state: dice.state(), version: before.version + 1, ..before.clone() };
                known.insert(*id, after.clone());
                changes.updated_decisions.push((after, before.version));
            }
            known.extend(changes.new_decisions.iter().map(|decision| (decision.id.0, decision.clone())));
            store.commit(changes).await.unwrap();
        }
        for trader in [None, Some(1), Some(2)] {
            let counts = counted(&store, trader).await;
            assert_eq!(store.tab_counts(trader.map(TraderId)).await.unwrap(), counts);
            let both = (counts, store.bar_counts().await.unwrap());
            assert_eq!(store.inbox_counts(trader.map(TraderId)).await.unwrap(), both);
        }
        assert!(store.tab_counts(None).await.unwrap().all > 40);
        for tab in DecisionTab::ALL {
            let filter = DecisionFilter { trader_id: Some(TraderId(2)), tab: Some(*tab), status: None };
            let page = store.decisions(filter, Page::first(200)).await.unwrap();
            let counts = store.tab_counts(Some(TraderId(2))).await.unwrap();
            let expected = match tab {
                DecisionTab::Pending => counts.pending,
                DecisionTab::Approved => counts.approved,
                DecisionTab::Rejected => counts.rejected,
                DecisionTab::Expired => counts.expired,
                DecisionTab::Denied => counts.denied,
                DecisionTab::Displayed => counts.displayed,
                DecisionTab::All => counts.all,
            };
            assert_eq!(page.len() as i64, expected, "{tab}");
            let lines = store.decision_lines(filter, Page::first(200)).await.unwrap();
            assert_eq!(lines, page.iter().map(DecisionLine::of).collect::<Vec<_>>(), "{tab}");
        }
    }

    async fn pages_never_skip_or_repeat_while_new_rows_arrive(db) {
        let store = db.desk().await;
        let first: Vec<Decision> = (1..=25).map(pending).collect();
        store.commit(Changes { new_decisions: first, ..Changes::default() }).await.unwrap();
        let filter = DecisionFilter { tab: Some(DecisionTab::Pending), ..DecisionFilter::default() };
        let (mut seen, mut before, mut next_id) = (Vec::new(), None, 100);
        loop {
            let page = store.decisions(filter, Page { before, limit: 7 }).await.unwrap();
            let Some(last) = page.last() else { break };
            before = Some(last.id.0);
            seen.extend(page.iter().map(|decision| decision.id.0));
            store.commit(Changes { new_decisions: vec![pending(next_id)], ..Changes::default() }).await.unwrap();
            next_id += 1;
        }
        assert_eq!(seen, (1..=25).rev().collect::<Vec<_>>());
        let capped = store.decisions(filter, Page { before: None, limit: 10_000 }).await.unwrap();
        assert!(capped.len() <= Page::MAX_LIMIT as usize);
    }

    async fn the_bar_counts_what_waits_for_anybody_and_what_nobody_has_read(db) {
        let store = db.desk().await;
        assert_eq!(store.bar_counts().await.unwrap(), BarCounts::default());
        let told = |title: &str| NewNotification {
            kind: NotificationKind::ALL[0],
            severity: Severity::Low,
            title: title.to_owned(),
            body: String::new(),
            trader_id: None,
            decision_id: None,
            at: NOW,
        };
        let changes = Changes {
            new_traders: vec![trader(2, "Owl")],
            new_books: vec![book(2, 2, VenueKind::Simulation)],
            new_decisions: vec![pending(1), pending(2), displayed(3), Decision { trader_id: TraderId(2), ..pending(4) }],
            notifications: vec![told("one"), told("two")],
            ..Changes::default()
        };
        store.commit(changes).await.unwrap();
        assert_eq!(store.bar_counts().await.unwrap(), BarCounts { pending: 3, unread: 2, unknown: 0 });
        assert_eq!(store.inbox_counts(Some(TraderId(2))).await.unwrap().0.pending, 1);
        let read = Changes { notifications_read: Some((Vec::new(), NOW)), ..Changes::default() };
        store.commit(read).await.unwrap();
        assert_eq!(store.bar_counts().await.unwrap(), BarCounts { pending: 3, unread: 0, unknown: 0 });
    }

    async fn what_waits_and_what_has_expired(db) {
        let store = db.desk().await;
        let done = decision(4, TRADER.0, BOOK.0, DecisionState::Expired);
        let new_decisions = vec![pending(1), pending(2), displayed(3), done];
        store.commit(Changes { new_decisions, ..Changes::default() }).await.unwrap();
        let ids = |decisions: Vec<Decision>| decisions.into_iter().map(|decision| decision.id.0).collect::<Vec<_>>();
        assert_eq!(ids(store.waiting_decisions(None).await.unwrap()), [1, 2, 3]);
        assert_eq!(ids(store.waiting_decisions(Some(TraderId(2))).await.unwrap()), [0; 0]);
        assert_eq!(ids(store.expired_decisions(NOW, 10).await.unwrap()), [0; 0]);
        assert_eq!(ids(store.expired_decisions(NOW.plus_ms(2), 10).await.unwrap()), [1, 2]);
        assert_eq!(ids(store.expired_decisions(NOW.plus_ms(99_999), 1).await.unwrap()), [1]);
        let expired = DecisionFilter { status: Some(DecisionStatus::Expired), ..DecisionFilter::default() };
        assert_eq!(ids(store.decisions(expired, Page::first(9)).await.unwrap()), [4]);
    }
}

/// A page must not cost more the longer the inbox is: each list walks an index in order and stops at its limit.
#[tokio::test]
async fn lists_walk_an_index_and_sort_nothing() {
    let db = super::harness::TestDb::sqlite().await;
    let store = db.store().await;
    let lists = [
        ("SELECT * FROM decisions WHERE tab = ? AND id < ? ORDER BY id DESC LIMIT 50", "decisions_by_tab"),
        (
            "SELECT * FROM decisions WHERE trader_id = ? AND tab = ? AND id < ? ORDER BY id DESC LIMIT 50",
            "decisions_by_trader_tab",
        ),
        ("SELECT * FROM decisions WHERE expires_at <= ? ORDER BY expires_at, id LIMIT 50", "decisions_expiring"),
        ("SELECT * FROM decisions WHERE expires_at IS NOT NULL AND book_id = ? ORDER BY id", "decisions_waiting"),
        ("SELECT * FROM orders WHERE closed_at IS NULL ORDER BY id", "orders_open"),
        ("SELECT * FROM orders WHERE closed_at IS NULL AND book_id = ? ORDER BY id", "orders_open_by_book"),
        ("SELECT COUNT(*) FROM orders WHERE book_id = ? AND counts_as_entry = ? AND market_at >= ?", "orders_entries"),
        (
            "SELECT * FROM orders WHERE trader_id = ? AND venue = ? AND executed = ? AND id < ? ORDER BY id DESC",
            "orders_executed",
        ),
        ("SELECT * FROM cycles WHERE trader_id = ? AND id < ? ORDER BY id DESC LIMIT 50", "cycles_by_trader"),
        ("SELECT * FROM notifications WHERE read_at IS NULL ORDER BY id DESC LIMIT 50", "notifications_unread"),
    ];
    for (list, index) in lists {
        let explain = Statement::from_string(store.db().backend, format!("EXPLAIN QUERY PLAN {list}"));
        let plan = store.db().reader.query_all_raw(explain).await.unwrap();
        let plan: Vec<String> = plan.iter().map(|row| row.try_get("", "detail").unwrap()).collect();
        let plan = plan.join("; ");
        assert!(plan.contains(index) && !plan.contains("TEMP B-TREE"), "{list}: {plan}");
    }
}
