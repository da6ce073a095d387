//! Orders whose reply was lost.

use super::exchange::{FakeExchange, Reply};
use super::house::{House, on_accounts};
use countersign::domain::absence::{CANNOT_LAND_AFTER_MS, ProbeAnswer, SELDOM_EVERY_MS};
use countersign::domain::ids::OrderId;
use countersign::domain::incident::IncidentKind;
use countersign::domain::order::{OrderState, OrderStatus};
use countersign::domain::time::MINUTE_MS;
use countersign::services::resolve_unknown::{ResolveError, probe_now, resolve_due, unknown_orders};

async fn probes(house: &House, id: OrderId) -> Vec<countersign::domain::absence::Probe> {
    house.desk.store.probes(&[id]).await.unwrap().remove(&id).unwrap_or_default()
}

on_accounts! {
    async fn an_order_hidden_for_three_seconds_is_adopted_once_and_never_believed_absent(house) {
        let (model, exchange) = house.trading(&[("USDT", "1000")]).await;
        let id = house.buy(model, &exchange, Reply::LostAfter(3_000)).await;
        house.follow(2_500).await;
        assert_eq!(house.order(id).await.status(), OrderStatus::Unknown, "no such order, but that proves nothing");
        let seen = probes(&house, id).await;
        assert_eq!((seen.len(), seen[0].answer), (1, ProbeAnswer::NotFound));
        assert!(seen[0].count >= 2, "{seen:?}");
        assert_eq!(house.unresolved().await[0].0, IncidentKind::OrderOutcomeUnknown);
        house.follow(30_000).await;
        let order = house.order(id).await;
        assert_eq!((order.status(), order.filled), (OrderStatus::Filled, order.intent.quantity));
        assert_eq!(house.desk.store.fills(id).await.unwrap().len(), 1);
        assert_eq!(house.unresolved().await, []);
        let view = house.desk.store.open_positions(order.intent.venue).await.unwrap();
        assert_eq!(view.len(), 1, "adopted once");
        assert_eq!(house.reconcile(&exchange).await.outcome.as_str(), "agreed");
    }

    async fn an_order_that_never_arrived_is_proven_absent_and_not_before_it_cannot_arrive_any_more(house) {
        let (model, exchange) = house.trading(&[("USDT", "1000")]).await;
        let id = house.buy(model, &exchange, Reply::LostBefore).await;
        house.follow(CANNOT_LAND_AFTER_MS - 500).await;
        assert_eq!(house.order(id).await.status(), OrderStatus::Unknown);
        let calls = exchange.take_calls();
        assert_eq!((calls["query"], calls.get("orders_since")), (6, None), "{calls:?}");
        house.follow(15_000).await;
        let order = house.order(id).await;
        let OrderState::Rejected { code, .. } = &order.state else { panic!("{:?}", order.state) };
        assert_eq!(code, "NEVER_REACHED");
        assert_eq!(house.unresolved().await, []);
        let events = house.desk.store.order_events(id).await.unwrap();
        let names: Vec<&str> = events.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["submit", "lose", "probe", "probe", "prove_absent"], "repeated answers are one line");
        let attempts = house.desk.store.attempts(id).await.unwrap();
        assert!(attempts[0].outcome.contains("proven absent"), "{attempts:?}");
        assert_eq!(attempts.len(), 1, "nothing was sent again");
    }

    async fn an_exchange_that_does_not_answer_proves_nothing(house) {
        let (model, exchange) = house.trading(&[("USDT", "1000")]).await;
        let id = house.buy(model, &exchange, Reply::LostBefore).await;
        exchange.set_down(true);
        house.follow(10 * MINUTE_MS).await;
        assert_eq!(house.order(id).await.status(), OrderStatus::Unknown);
        let seen = probes(&house, id).await;
        assert_eq!((seen.len(), seen[0].answer), (1, ProbeAnswer::NoAnswer));
        assert!((25..40).contains(&seen[0].count), "asked by the schedule: {}", seen[0].count);
        exchange.set_down(false);
        house.follow(SELDOM_EVERY_MS).await;
        assert_eq!(house.order(id).await.status(), OrderStatus::Unknown, "one answer is not enough, however late");
        house.follow(3 * SELDOM_EVERY_MS).await;
        assert_eq!(house.order(id).await.status(), OrderStatus::Rejected);
    }

    async fn a_probe_by_hand_counts_by_the_same_rules(house) {
        let (model, exchange) = house.trading(&[("USDT", "1000")]).await;
        let id = house.buy(model, &exchange, Reply::LostBefore).await;
        for _ in 0..10 {
            assert_eq!(probe_now(&house.desk, id, "ann").await.unwrap().status(), OrderStatus::Unknown);
        }
        let seen = probes(&house, id).await;
        assert_eq!((seen[0].count, seen[0].spaced), (10, 1), "ten clicks at once are one answer");
        let events = house.desk.store.order_events(id).await.unwrap();
        assert!(events.iter().any(|(name, event)| name == "probe" && event.detail.contains("asked by ann")));
        let late = house.buy(model, &exchange, Reply::LostAfter(0)).await;
        assert_eq!(probe_now(&house.desk, late, "ann").await.unwrap().status(), OrderStatus::Filled);
        let again = probe_now(&house.desk, late, "ann").await.unwrap_err();
        assert!(matches!(again, ResolveError::NotUnknown { status: OrderStatus::Filled, .. }), "{again}");
    }

    async fn an_order_whose_report_does_not_fit_is_asked_about_at_growing_pauses(house) {
        let (model, exchange) = house.trading(&[("USDT", "1000")]).await;
        let id = house.buy(model, &exchange, Reply::LostAfter(0)).await;
        // More was executed than was ordered: our books cannot take it.
        exchange.double_fill();
        exchange.take_calls();
        house.follow(10 * MINUTE_MS).await;
        assert_eq!(house.order(id).await.status(), OrderStatus::Unknown);
        let calls = exchange.take_calls()["query"];
        assert!((25..40).contains(&calls), "by the schedule: {calls}");
        let seen = probes(&house, id).await;
        assert_eq!((seen.len(), seen[0].answer), (1, ProbeAnswer::Found));
        assert!(seen[0].detail.contains("does not fit"), "{seen:?}");
    }

    async fn an_order_whose_keys_are_gone_waits_and_says_so(house) {
        let (model, exchange) = house.trading(&[("USDT", "1000")]).await;
        let id = house.buy(model, &exchange, Reply::LostAfter(0)).await;
        let other = house.model("Other").await;
        house.connect(other, &exchange).await;
        house.disconnect(model).await;
        house.follow(5_000).await;
        assert_eq!(house.order(id).await.status(), OrderStatus::Unknown);
        assert!(probes(&house, id).await[0].detail.contains("no keys"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_unresolved_orders_are_looked_up_in_lists_and_not_one_by_one() {
    let house = House::on(crate::support::Database::Sqlite).await;
    let (model, exchange) = house.trading(&[("USDT", "1000000")]).await;
    let mut ids = Vec::new();
    for number in 0..1_000 {
        let reply = if number % 10 == 0 { Reply::LostAfter(0) } else { Reply::LostBefore };
        ids.push(house.buy(model, &exchange, reply).await);
    }
    exchange.take_calls();
    house.clock.advance_ms(1_000);
    assert_eq!(resolve_due(&house.desk).await.unwrap(), 100);
    let calls = exchange.take_calls();
    assert!(calls.values().sum::<usize>() <= 5, "one round: {calls:?}");
    assert_eq!(unknown_orders(&house.desk).await.unwrap().len(), 900);
    for _ in 0..5 {
        house.clock.advance_ms(10_000);
        resolve_due(&house.desk).await.unwrap();
    }
    let calls = exchange.take_calls();
    assert!(calls.values().sum::<usize>() <= 25, "until all are settled: {calls:?}");
    assert_eq!(unknown_orders(&house.desk).await.unwrap().len(), 0);
    assert_eq!(house.unresolved().await, []);
    assert_eq!(house.reconcile(&exchange).await.outcome.as_str(), "agreed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_that_the_lists_show_late_is_found_by_them() {
    let house = House::on(crate::support::Database::Sqlite).await;
    let (model, exchange) = house.trading(&[("USDT", "1000")]).await;
    let mut ids = Vec::new();
    for _ in 0..6 {
        ids.push(house.buy(model, &exchange, Reply::LostAfter(12_000)).await);
    }
    house.follow(11_000).await;
    assert_eq!(unknown_orders(&house.desk).await.unwrap().len(), 6);
    house.follow(20_000).await;
    for id in ids {
        assert_eq!(house.order(id).await.status(), OrderStatus::Filled);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn models_with_different_accounts_are_asked_for_at_their_own() {
    let house = House::on(crate::support::Database::Sqlite).await;
    let (model, exchange) = house.trading(&[("USDT", "1000")]).await;
    let other = house.model("Other").await;
    let elsewhere = FakeExchange::new("another key", &house.clock, &[("USDT", "5")]);
    house.connect(other, &elsewhere).await;
    let id = house.buy(other, &elsewhere, Reply::LostAfter(0)).await;
    exchange.take_calls();
    house.follow(1_000).await;
    assert_eq!(house.order(id).await.status(), OrderStatus::Filled);
    assert_eq!(exchange.take_calls().get("query"), None);
    assert_eq!(house.desk.store.open_orders(Some(model)).await.unwrap().len(), 0);
}
