//! Equity curves are thinned inside the database.

use super::harness::on_both;
use super::samples::{BOOK, NOW, money};
use countersign::domain::cycle::EquitySnapshot;
use countersign::domain::money::Money;
use countersign::domain::time::{MINUTE_MS, Timestamp};
use countersign::ports::store::{Changes, Reads, Store};
use rust_decimal::Decimal;

fn point(minute: i64) -> EquitySnapshot {
    let equity = Money::new(Decimal::from(10_000 + minute));
    EquitySnapshot { book_id: BOOK, at: NOW.plus_ms(minute * MINUTE_MS), equity, cash: money("1.5") }
}

on_both! {
    async fn a_long_curve_keeps_its_shape_and_its_newest_point(db) {
        let store = db.desk().await;
        let snapshots: Vec<EquitySnapshot> = (0..10_007).map(point).collect();
        store.commit(Changes { snapshots, ..Changes::default() }).await.unwrap();
        for limit in [1, 2, 50, 333] {
            let curve = store.equity_history(BOOK, NOW, limit).await.unwrap();
            assert!(curve.len() <= limit as usize && curve.len() * 2 > limit as usize, "{limit}: {}", curve.len());
            assert_eq!(curve.last(), Some(&point(10_006)));
            assert!(curve.is_sorted_by_key(|point| point.at));
            let widest = curve.windows(2).map(|pair| pair[1].at.since(pair[0].at)).max().unwrap_or_default();
            assert!(widest <= 2 * 10_007 * MINUTE_MS / i64::from(limit), "{limit}: a gap of {widest} ms");
        }
        assert_eq!(store.last_snapshot(BOOK).await.unwrap(), Some(point(10_006)));
    }

    async fn a_short_curve_is_given_whole(db) {
        let store = db.desk().await;
        assert_eq!(store.equity_history(BOOK, Timestamp(0), 50).await.unwrap(), []);
        assert_eq!(store.last_snapshot(BOOK).await.unwrap(), None);
        let snapshots: Vec<EquitySnapshot> = (0..20).map(point).collect();
        store.commit(Changes { snapshots: snapshots.clone(), ..Changes::default() }).await.unwrap();
        assert_eq!(store.equity_history(BOOK, NOW, 20).await.unwrap(), snapshots);
        let from = NOW.plus_ms(15 * MINUTE_MS);
        assert_eq!(store.equity_history(BOOK, from, 50).await.unwrap(), &snapshots[15..]);
        assert_eq!(store.equity_history(BOOK, from, 0).await.unwrap(), []);
    }
}
