//! What the venue remembers: the same order again, a restart, a cancel, and its bounds.

use super::*;

#[tokio::test]
async fn sending_the_same_name_again_answers_the_same_and_executes_nothing() {
    let desk = Desk::with_volume("10");
    let order = buy("3");
    let first = desk.accepted(&order).await;
    desk.at(NOON.plus_ms(10_000), "50");
    assert_eq!(desk.accepted(&order).await, first);
    let (one, other) = tokio::join!(desk.accepted(&order), desk.accepted(&order));
    assert_eq!((&one, &other), (&first, &first));
}

#[tokio::test]
async fn after_a_restart_an_open_order_goes_on_from_its_row_and_never_reuses_a_trade_id() {
    let mut desk = Desk::with_volume("10");
    let order = buy("3");
    let row = booked(order.clone(), &desk.accepted(&order).await.fills);
    desk.restart();
    let report = desk.found(&row).await;
    assert_eq!((report.status.clone(), report.fills.len(), report.venue_order_id), (VenueStatus::Open, 0, 7));

    let slot = NOON.floor_to(FIVE);
    desk.trade(slot.plus_ms(FIVE), "100", "50");
    desk.at(slot.plus_ms(FIVE + 1), "100");
    let report = desk.found(&row).await;
    assert_eq!(report.status, VenueStatus::Filled);
    assert_eq!((report.fills[0].trade_id, figures(&report.fills[0]).1), (70_002, "2".to_owned()));
}

#[tokio::test]
async fn after_a_restart_the_slot_that_runs_is_not_filled_twice() {
    let mut desk = Desk::with_volume("10");
    let order = buy("5");
    let first = desk.accepted(&order).await.fills;
    let slot = NOON.floor_to(FIVE);
    desk.trade(slot.plus_ms(FIVE), "100", "10");
    desk.at(slot.plus_ms(FIVE + 1), "100");
    let fills = desk.found(&booked(order.clone(), &first)).await.fills;
    assert_eq!(fills.len(), 2);
    let row = booked(order, &fills);
    desk.restart();
    assert!(desk.found(&row).await.fills.is_empty());
    desk.trade(slot.plus_ms(2 * FIVE), "100", "10");
    desk.at(slot.plus_ms(2 * FIVE), "100");
    assert_eq!(desk.found(&row).await.fills.iter().map(|f| f.trade_id).collect::<Vec<_>>(), [70_003]);
}

#[tokio::test]
async fn an_order_carried_on_by_another_process_is_taken_from_its_row() {
    let desk = Desk::with_volume("10");
    let order = buy("5");
    let mut row = booked(order.clone(), &desk.accepted(&order).await.fills);
    row.filled = quantity("2.5");
    let report = desk.found(&row).await;
    assert!(report.fills.is_empty(), "what the row has is not told again: {report:?}");
    desk.trade(NOON.floor_to(FIVE).plus_ms(FIVE), "100", "100");
    desk.at(NOON.plus_ms(FIVE), "100");
    let report = desk.found(&row).await;
    assert_eq!((report.status.clone(), figures(&report.fills[0]).1), (VenueStatus::Filled, "2.5".to_owned()));
}

#[tokio::test]
async fn an_order_that_was_never_acknowledged_is_proven_absent() {
    let mut desk = Desk::with_volume("10");
    let order = buy("3");
    assert_eq!(desk.query(&order).await, QueryOutcome::NotFound { is_final: true });
    desk.accepted(&order).await;
    assert!(matches!(desk.query(&order).await, QueryOutcome::Found(_)), "this process knows");
    desk.restart();
    let mut lost = order;
    lost.apply(OrderEvent::Lose { why: "restart".into() }, Timestamp(9)).expect("legal");
    assert_eq!(desk.query(&lost).await, QueryOutcome::NotFound { is_final: true });
    assert!(matches!(desk.cancel(&lost).await, CancelOutcome::Refused { .. }));
}

#[tokio::test]
async fn a_cancel_keeps_the_fills_and_ends_the_rest() {
    let desk = Desk::with_volume("10");
    let order = buy("3");
    let first = desk.accepted(&order).await;
    let row = booked(order, &first.fills);
    let CancelOutcome::Canceled(report) = desk.cancel(&row).await else { panic!("not cancelled") };
    assert_eq!(report.fills, first.fills);
    assert!(matches!(report.status, VenueStatus::Canceled(_)));
    desk.trade(NOON.floor_to(FIVE).plus_ms(FIVE), "100", "100");
    desk.at(NOON.plus_ms(FIVE), "100");
    assert_eq!(desk.found(&row).await, report, "nothing fills after a cancel");
    assert_eq!(desk.cancel(&row).await, CancelOutcome::Canceled(report), "asked twice, it answers the same");

    let done = order_filled(&desk).await;
    assert!(matches!(desk.cancel(&done).await, CancelOutcome::Refused { .. }));
}

async fn order_filled(desk: &Desk) -> Order {
    let done = order(8, Purpose::Entry(LONG), "0.5");
    let report = desk.accepted(&done).await;
    assert_eq!(report.status, VenueStatus::Filled);
    booked(done, &report.fills)
}

#[tokio::test]
async fn a_cancel_requested_before_a_restart_is_honoured_after_it() {
    let mut desk = Desk::with_volume("10");
    let order = buy("3");
    let mut row = booked(order.clone(), &desk.accepted(&order).await.fills);
    row.apply(OrderEvent::RequestCancel, Timestamp(9)).expect("legal");
    desk.restart();
    let report = desk.found(&row).await;
    assert!(matches!(report.status, VenueStatus::Canceled(_)) && report.fills.is_empty(), "{report:?}");
}

#[tokio::test]
async fn an_order_that_the_market_cannot_fill_in_a_month_expires() {
    let desk = Desk::with_volume("0");
    let order = buy("1");
    let row = booked(order.clone(), &desk.accepted(&order).await.fills);
    desk.at(NOON.plus_ms(9_997 * FIVE), "100");
    assert_eq!(desk.found(&row).await.status, VenueStatus::Open);
    desk.at(NOON.plus_ms(9_999 * FIVE), "100");
    assert!(matches!(desk.found(&row).await.status, VenueStatus::Expired(_)));
}

#[tokio::test]
async fn the_book_forgets_finished_orders_first_and_stays_bounded() {
    let desk = Desk::with_volume("10");
    let open = order(1, Purpose::Entry(LONG), "3");
    desk.accepted(&open).await;
    for id in 2..=2_100 {
        desk.accepted(&order(id, Purpose::Entry(LONG), "0.5")).await;
    }
    assert_eq!(desk.venue.book().len(), 2_000);
    assert!(matches!(desk.query(&open).await, QueryOutcome::Found(_)));
}

#[tokio::test]
async fn the_raw_answer_is_json_with_figures_as_text() {
    let desk = Desk::with_volume("10");
    let report = desk.accepted(&buy("3")).await;
    let raw: serde_json::Value = serde_json::from_str(&report.raw).expect("json");
    assert_eq!((&raw["status"], &raw["executedQty"]), (&"PARTIALLY_FILLED".into(), &"1".into()));
    assert_eq!(raw["fills"][0]["price"], "100.05");
}
