//! Equity curves grow old.

use crate::support::House;
use countersign::domain::cycle::EquitySnapshot;
use countersign::domain::time::{DAY_MS, MINUTE_MS, Timestamp};
use countersign::domain::venue_kind::{AutomationLevel, VenueKind};
use countersign::ports::store::Changes;
use countersign::services::thin_curves::thin_curves;

on_each_database!(a_curve_keeps_every_point_while_young_then_one_an_hour_then_one_a_day);

/// A day of points, one every quarter of an hour.
const QUARTERS: i64 = 96;

async fn a_curve_keeps_every_point_while_young_then_one_an_hour_then_one_a_day(house: House) {
    let model = house.model("Sage", AutomationLevel::Manual, &[]).await;
    let store = &house.desk.store;
    let book = store.book(model.id, VenueKind::Simulation).await.unwrap().unwrap();
    let newest = store.last_snapshot(book.id).await.unwrap().expect("a book begins with a point");
    let day = |days_ago: i64| {
        let start = newest.at.day_start().plus_ms(-days_ago * DAY_MS);
        (0..QUARTERS).map(move |quarter| EquitySnapshot { at: start.plus_ms(quarter * 15 * MINUTE_MS), ..newest })
    };
    let snapshots = [800, 799, 100, 99, 80, 1].into_iter().flat_map(day).collect();
    store.commit(Changes { snapshots, ..Changes::default() }).await.unwrap();

    for _ in 0..2 {
        assert!(thin_curves(&house.desk).await.unwrap(), "one round is enough here");
        let curve = store.equity_history(book.id, Timestamp(0), u32::MAX).await.unwrap();
        let kept = |days_ago: i64| {
            let start = newest.at.day_start().plus_ms(-days_ago * DAY_MS);
            curve.iter().filter(|point| point.at.day_start() == start).count()
        };
        assert_eq!([800, 799, 100, 99, 80, 1].map(kept), [1, 1, 24, 24, 96, 96]);
        assert_eq!(curve.last().map(|point| point.at), Some(newest.at));
        let last_of_day = newest.at.day_start().plus_ms(-799 * DAY_MS - 15 * MINUTE_MS);
        assert_eq!(curve[0].at, last_of_day, "the newest of a span stays");
    }
}
