//! What differs, and a person's word on it.

use super::exchange::{Reply, dec};
use super::house::{House, on_accounts};
use countersign::domain::ids::TraderId;
use countersign::domain::incident::IncidentKind;
use countersign::domain::order::{OrderStatus, Purpose};
use countersign::domain::reconciliation::{DifferenceKind, DifferenceStatus, RunOutcome};
use countersign::domain::signal::{PositionSide, Side};
use countersign::domain::venue_kind::VenueKind;
use countersign::ports::exchange::ExchangeAccount;
use countersign::ports::store::Page;
use countersign::services::reconcile::{SettleError, adopt, explain};

async fn held(house: &House, model: TraderId) -> Vec<(String, String)> {
    let positions = house.desk.store.open_positions(VenueKind::Testnet).await.unwrap();
    let of = positions.into_iter().filter(|position| position.trader_id == model);
    of.map(|position| (position.coin.to_string(), position.quantity.to_string())).collect()
}

on_accounts! {
    async fn a_manual_trade_is_told_halts_entries_and_overwrites_nothing(house) {
        let (model, exchange) = house.trading(&[("USDT", "1000"), ("BTC", "1")]).await;
        house.buy(model, &exchange, Reply::Filled).await;
        let before = held(&house, model).await;
        exchange.manual_trade(Side::Sell, "0.01");
        let run = house.reconcile(&exchange).await;
        assert_eq!(run.outcome, RunOutcome::Differs, "{}", run.summary);
        let found = house.differences(exchange.fingerprint()).await;
        assert_eq!(found.len(), 1, "told once, not as drift of two assets as well: {found:?}");
        assert_eq!((found[0].finding.kind, found[0].status), (DifferenceKind::ForeignTrade, DifferenceStatus::Open));
        assert!(found[0].finding.exchange.contains("sell 0.01 BTC at 43250"), "{}", found[0].finding.exchange);
        assert_eq!(house.unresolved().await[0].0, IncidentKind::ReconciliationDrift);
        assert!(house.halted(&exchange).await.unwrap().contains("1 difference"));
        assert_eq!(held(&house, model).await, before, "our books stay as they are");
        // Exits go on: nothing asks whether entries are halted.
        let exit = house.send(model, &exchange, Purpose::Exit(PositionSide::Long), Reply::Filled).await;
        assert_eq!(house.order(exit).await.status(), OrderStatus::Filled);
        let run = house.reconcile(&exchange).await;
        assert_eq!((run.outcome, house.differences(exchange.fingerprint()).await.len()), (RunOutcome::Differs, 1));
        assert_eq!(house.unresolved().await.len(), 1, "and not raised again by every run");
    }

    async fn adopting_needs_a_reason_writes_lines_and_stays_visible(house) {
        let (_, exchange) = house.trading(&[("USDT", "1000"), ("BTC", "1")]).await;
        exchange.manual_trade(Side::Sell, "0.01");
        house.reconcile(&exchange).await;
        let id = house.differences(exchange.fingerprint()).await[0].id;
        for empty in ["", "  \n "] {
            assert!(matches!(adopt(&house.desk, id, empty, "ann").await, Err(SettleError::ReasonMissing)));
        }
        assert!(matches!(adopt(&house.desk, id, &"x".repeat(501), "ann").await, Err(SettleError::ReasonMissing)));
        assert!(house.halted(&exchange).await.is_some());
        adopt(&house.desk, id, " I sold it by hand ", "ann").await.unwrap();
        assert_eq!(house.halted(&exchange).await, None);
        assert_eq!(house.unresolved().await, []);
        let lines = house.desk.store.adjustments(exchange.fingerprint()).await.unwrap();
        let amounts: Vec<_> = lines.iter().map(|line| (line.asset.as_str(), line.amount)).collect();
        assert_eq!(amounts.len(), 2);
        assert!(amounts.contains(&("BTC", dec("-0.01"))) && amounts.contains(&("USDT", dec("432.0675"))), "{amounts:?}");
        assert!(lines.iter().all(|line| line.by == "ann" && line.reason == "I sold it by hand"));
        let run = house.reconcile(&exchange).await;
        assert_eq!(run.outcome, RunOutcome::Agreed, "{}", run.summary);
        let past = house.desk.store.past_differences(exchange.fingerprint(), 10).await.unwrap();
        assert_eq!((past.len(), past[0].status), (1, DifferenceStatus::Adopted));
        let audit = house.desk.store.audit(Page::first(1)).await.unwrap();
        assert_eq!(audit[0].action, "reconciliation.adopt");
        assert!(audit[0].detail.contains("-0.01 BTC") && audit[0].detail.contains("I sold it by hand"), "{}", audit[0].detail);
        let again = adopt(&house.desk, id, "once more", "bob").await.unwrap_err();
        assert!(matches!(again, SettleError::AlreadySettled(_)), "{again}");
        assert_eq!(house.desk.store.adjustments(exchange.fingerprint()).await.unwrap().len(), 2);
    }

    async fn an_explanation_holds_until_the_figure_changes(house) {
        let (_, exchange) = house.trading(&[("USDT", "1000")]).await;
        exchange.deposit("USDT", "25");
        house.reconcile(&exchange).await;
        let found = house.differences(exchange.fingerprint()).await;
        assert_eq!((found[0].finding.kind, found[0].finding.subject.as_str()), (DifferenceKind::Balance, "USDT"));
        explain(&house.desk, found[0].id, "a deposit, to be taken out again", "ann").await.unwrap();
        assert_eq!(house.halted(&exchange).await, None);
        let run = house.reconcile(&exchange).await;
        assert_eq!(run.outcome, RunOutcome::Agreed, "{}", run.summary);
        exchange.deposit("USDT", "1");
        house.reconcile(&exchange).await;
        assert!(house.halted(&exchange).await.is_some(), "another figure is another question");
        assert_eq!(house.unresolved().await.len(), 1);
        exchange.deposit("USDT", "-26");
        house.reconcile(&exchange).await;
        assert_eq!(house.differences(exchange.fingerprint()).await, []);
        let past = house.desk.store.past_differences(exchange.fingerprint(), 10).await.unwrap();
        assert_eq!(past[0].status, DifferenceStatus::Gone);
        assert_eq!(house.unresolved().await, [], "recovery ends it");
    }

    async fn a_foreign_order_can_be_explained_but_not_adopted(house) {
        let (_, exchange) = house.trading(&[("USDT", "1000")]).await;
        exchange.rest("web_1", "0.5");
        house.reconcile(&exchange).await;
        let found = house.differences(exchange.fingerprint()).await;
        assert_eq!(found[0].finding.kind, DifferenceKind::ForeignOrder);
        assert!(matches!(adopt(&house.desk, found[0].id, "mine", "ann").await, Err(SettleError::NothingToAdopt)));
        explain(&house.desk, found[0].id, "mine", "ann").await.unwrap();
        exchange.execute_resting("web_1");
        house.reconcile(&exchange).await;
        let found = house.differences(exchange.fingerprint()).await;
        assert_eq!(found.len(), 1, "the order is gone, its trade is there: {found:?}");
        assert_eq!(found[0].finding.kind, DifferenceKind::ForeignTrade);
    }

    async fn a_fill_that_we_missed_is_booked_from_the_trades(house) {
        let (model, exchange) = house.trading(&[("USDT", "1000")]).await;
        let id = house.buy(model, &exchange, Reply::Rests).await;
        assert_eq!(house.order(id).await.status(), OrderStatus::Accepted);
        let run = house.reconcile(&exchange).await;
        assert_eq!(run.outcome, RunOutcome::Agreed, "ours rests on both sides: {}", run.summary);
        let name = house.order(id).await.client_order_id.to_string();
        exchange.execute_resting(&name);
        let run = house.reconcile(&exchange).await;
        assert_eq!(run.outcome, RunOutcome::Agreed, "{}", run.summary);
        assert_eq!(house.order(id).await.status(), OrderStatus::Filled);
        assert_eq!(house.desk.store.fills(id).await.unwrap().len(), 1);
        assert_eq!(house.differences(exchange.fingerprint()).await, []);
    }

    async fn an_order_of_ours_that_the_exchange_does_not_know_is_told_and_ends_when_adopted(house) {
        let (model, exchange) = house.trading(&[("USDT", "1000")]).await;
        let id = house.buy(model, &exchange, Reply::Rests).await;
        exchange.lose_order(house.order(id).await.client_order_id.as_str());
        house.reconcile(&exchange).await;
        let found = house.differences(exchange.fingerprint()).await;
        assert_eq!(found[0].finding.kind, DifferenceKind::OrderMissing);
        assert_eq!(house.order(id).await.status(), OrderStatus::Accepted, "nothing is guessed");
        adopt(&house.desk, found[0].id, "support says it was purged", "ann").await.unwrap();
        assert_eq!(house.order(id).await.status(), OrderStatus::Canceled);
        assert_eq!(house.reconcile(&exchange).await.outcome, RunOutcome::Agreed);
    }

    async fn balances_wait_while_an_outcome_is_unknown(house) {
        let (model, exchange) = house.trading(&[("USDT", "1000")]).await;
        let id = house.buy(model, &exchange, Reply::LostAfter(8_000)).await;
        let run = house.reconcile(&exchange).await;
        assert!(run.summary.contains("balances wait for 1 order"), "{}", run.summary);
        assert_eq!(run.outcome, RunOutcome::Agreed, "no false alarm");
        house.follow(20_000).await;
        assert_eq!(house.order(id).await.status(), OrderStatus::Filled);
        let run = house.reconcile(&exchange).await;
        assert_eq!((run.outcome, run.summary.as_str()), (RunOutcome::Agreed, "nothing unexplained"));
    }
}
