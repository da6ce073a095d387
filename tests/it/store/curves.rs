//! Equity curves are thinned inside the database.

use super::harness::on_both;
use super::samples::{BOOK, NOW, money};
use countersign::domain::cycle::EquitySnapshot;
use countersign::domain::ids::BookId;
use countersign::domain::money::Money;
use countersign::domain::time::{DAY_MS, HOUR_MS, MINUTE_MS, Timestamp};
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

    async fn what_is_old_keeps_the_newest_point_of_each_span(db) {
        let store = db.desk().await;
        // Three days of quarter hours; what is before the last day is kept by the hour.
        let points: Vec<EquitySnapshot> = (0..3 * 96).map(|quarter| point(quarter * 15)).collect();
        store.commit(Changes { snapshots: points.clone(), ..Changes::default() }).await.unwrap();
        let before = NOW.plus_ms(2 * DAY_MS).floor_to(HOUR_MS);
        let mut gone = 0;
        for _ in 0..3 {
            let batch = store.thin_curve(BOOK, before, HOUR_MS, 100).await.unwrap();
            assert!(batch <= 100, "{batch} went at once");
            gone += batch;
        }
        assert_eq!(store.thin_curve(BOOK, before, HOUR_MS, 100).await.unwrap(), 0, "a second look finds nothing");
        let span = |point: &EquitySnapshot| point.at.floor_to(HOUR_MS);
        let wanted: Vec<EquitySnapshot> = points.iter().enumerate().filter_map(|(index, point)| {
            let is_last = points.get(index + 1).is_none_or(|next| span(next) != span(point));
            (point.at >= before || is_last).then_some(*point)
        }).collect();
        assert_eq!(store.equity_history(BOOK, NOW, 1_000).await.unwrap(), wanted);
        assert_eq!(gone as usize, points.len() - wanted.len());
        assert_eq!(store.thin_curve(BookId(99), before, HOUR_MS, 100).await.unwrap(), 0);
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
