//! What is written comes back unchanged.

use super::harness::TestDb;
use super::samples::{BOOK, NOW, TRADER, book, cycle, displayed, entry, fill, position, trader};
use countersign::domain::ids::{CycleId, OrderId};
use countersign::domain::venue_kind::VenueKind;
use countersign::ports::store::{Changes, Reads, Store};

pub async fn everything_of_a_cycle(db: &TestDb) {
    let store = db.desk().await;
    assert_eq!(store.trader(TRADER).await.unwrap(), Some(trader(1, "Sage")));
    assert_eq!(store.book(TRADER, VenueKind::Simulation).await.unwrap(), Some(book(1, 1, VenueKind::Simulation)));
    assert_eq!(store.cycle(CycleId(1)).await.unwrap(), Some(cycle(1, 1)));
    let order = entry(1);
    store
        .commit(Changes {
            new_decisions: vec![displayed(1), displayed(2)],
            new_orders: vec![order.clone()],
            new_fills: vec![fill(1, &order, 77)],
            positions: vec![position(1, "BTC")],
            ..Changes::default()
        })
        .await
        .unwrap();
    let view = store.book_view(BOOK, NOW.day_start()).await.unwrap().unwrap();
    assert_eq!(view.waiting, [displayed(1), displayed(2)]);
    assert_eq!(view.open_orders, [order.clone()]);
    assert_eq!(view.positions, [position(1, "BTC")]);
    assert_eq!(view.entries_today, 1);
    assert_eq!(store.fills(OrderId(1)).await.unwrap(), [fill(1, &order, 77)]);
    assert_eq!(store.outbox(10).await.unwrap(), [order]);
    assert_eq!(store.tab_counts(None).await.unwrap().displayed, 2);
}

#[tokio::test]
async fn what_is_written_comes_back_unchanged() {
    everything_of_a_cycle(&TestDb::sqlite().await).await;
}
