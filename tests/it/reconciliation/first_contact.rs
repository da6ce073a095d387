//! What an account held before us, when runs happen, and who waits for them.

use super::exchange::{FakeExchange, Reply};
use super::house::on_accounts;
use countersign::domain::incident::IncidentKind;
use countersign::domain::order::{OrderStatus, Purpose};
use countersign::domain::reconciliation::{DifferenceStatus, RECONCILE_EVERY_MS, RunOutcome, TRUTH_LASTS_MS};
use countersign::domain::signal::{PositionSide, Side};
use countersign::domain::venue_kind::VenueKind;
use countersign::ports::clock::Clock;
use countersign::ports::exchange::ExchangeAccount;
use countersign::services::reconcile::{entries_halted, is_reconciled, may_run, reconcile_due, reconcile_now};
use countersign::services::submit_order::submit_due;

on_accounts! {
    async fn what_an_account_held_at_first_contact_is_no_drift(house) {
        let model = house.model("Sage").await;
        let exchange = FakeExchange::new("key", &house.clock, &[("USDT", "1000"), ("BTC", "2"), ("DOGE", "5")]);
        exchange.manual_trade(Side::Buy, "0.01");
        exchange.rest("web_mine", "0.5");
        house.connect(model, &exchange).await;
        assert!(house.halted(&exchange).await.unwrap().contains("not reconciled yet"));
        assert!(!may_run(&house.desk, model, VenueKind::Testnet).await.unwrap());
        assert!(may_run(&house.desk, model, VenueKind::Simulation).await.unwrap());
        assert_eq!(reconcile_due(&house.desk).await.unwrap(), 1);
        assert_eq!(house.halted(&exchange).await, None);
        assert!(may_run(&house.desk, model, VenueKind::Testnet).await.unwrap());
        let noted = house.differences(exchange.fingerprint()).await;
        assert_eq!(noted.len(), 1, "the owner's resting order is noted: {noted:?}");
        assert_eq!((noted[0].status, noted[0].note.as_str()),
            (DifferenceStatus::Explained, "it rested there at first contact"));
        let run = house.reconcile(&exchange).await;
        assert_eq!(run.outcome, RunOutcome::Agreed, "{}", run.summary);
        assert_eq!(house.unresolved().await, []);
    }

    async fn what_was_journaled_before_a_restart_waits_for_the_reconciliation_and_is_sent(house) {
        let (model, _exchange) = house.trading(&[("USDT", "1000")]).await;
        let order = house.journal(model, Purpose::Entry(PositionSide::Long)).await;
        let (desk, now) = (house.process("two").await, house.clock.now());
        let sender = desk.store.acquire_lease("process:two", "two", now, now.plus_ms(i64::MAX / 4), None).await;
        let sender = sender.unwrap().unwrap();
        assert_eq!(submit_due(&desk, &sender).await.unwrap(), 1);
        assert_eq!(house.order(order.id).await.status(), OrderStatus::Initialized, "neither sent nor denied");
        assert_eq!(reconcile_due(&desk).await.unwrap(), 1);
        house.clock.advance_ms(5_000);
        assert_eq!(submit_due(&desk, &sender).await.unwrap(), 1);
        let sent = house.order(order.id).await;
        assert_eq!(sent.status(), OrderStatus::Filled, "{:?}", sent.state);
    }

    async fn commissions_in_the_coin_in_quote_and_in_bnb_are_all_expected(house) {
        let (model, exchange) = house.trading(&[("USDT", "1000"), ("BNB", "1"), ("BTC", "1")]).await;
        house.buy(model, &exchange, Reply::Filled).await;
        exchange.fees_in("BNB");
        house.buy(model, &exchange, Reply::Filled).await;
        exchange.fees_in("USDT");
        house.send(model, &exchange, Purpose::Exit(PositionSide::Long), Reply::Filled).await;
        let run = house.reconcile(&exchange).await;
        assert_eq!(run.outcome, RunOutcome::Agreed, "{}", run.summary);
        let lines = house.desk.store.account_assets(exchange.fingerprint()).await.unwrap();
        let bnb = lines.iter().find(|line| line.asset.as_str() == "BNB").unwrap();
        assert_eq!((bnb.baseline.to_string().as_str(), bnb.ours.to_string().as_str()), ("1", "-0.000001"));
        let btc = lines.iter().find(|line| line.asset.as_str() == "BTC").unwrap();
        assert_eq!(btc.ours.to_string(), "0.001009", "0.001 less a thousandth, and 0.001, less the 0.00099 sold");
    }

    async fn two_models_that_share_a_key_are_one_account(house) {
        let (sage, exchange) = house.trading(&[("USDT", "1000"), ("BTC", "1")]).await;
        house.buy(sage, &exchange, Reply::Filled).await;
        let oracle = house.model("Oracle").await;
        house.connect(oracle, &exchange).await;
        house.buy(oracle, &exchange, Reply::Filled).await;
        let run = house.reconcile(&exchange).await;
        assert_eq!(run.outcome, RunOutcome::Agreed, "{}", run.summary);
        assert_eq!(house.desk.store.own_movements(exchange.fingerprint()).await.unwrap().1, 2);
        exchange.deposit("USDT", "-7");
        house.reconcile(&exchange).await;
        for model in [sage, oracle] {
            let halted = countersign::services::reconcile::entries_halted_for(&house.desk, model, VenueKind::Testnet);
            assert!(halted.await.unwrap().unwrap().contains("1 difference"), "{model}");
        }
        assert_eq!(house.unresolved().await.len(), 1, "one account, one incident");
    }

    async fn a_model_that_changes_its_key_leaves_its_trades_with_the_old_account(house) {
        let (model, first) = house.trading(&[("USDT", "1000")]).await;
        house.buy(model, &first, Reply::Filled).await;
        let second = FakeExchange::new("another key", &house.clock, &[("USDT", "50")]);
        house.clock.advance_ms(1_000);
        house.connect(model, &second).await;
        reconcile_due(&house.desk).await.unwrap();
        house.clock.advance_ms(1_000);
        second.deposit("BTC", "1");
        house.reconcile(&second).await;
        house.send(model, &second, Purpose::Exit(PositionSide::Long), Reply::Filled).await;
        house.reconcile(&second).await;
        let found = house.differences(second.fingerprint()).await;
        assert_eq!(found.len(), 1, "the deposit, and nothing of the other account: {found:?}");
        assert_eq!(house.desk.store.own_movements(first.fingerprint()).await.unwrap().1, 1);
        assert_eq!(house.desk.store.own_movements(second.fingerprint()).await.unwrap().1, 1);
    }

    async fn an_exchange_that_does_not_answer_halts_entries_until_it_does_and_nobody_else(house) {
        let model = house.model("Sage").await;
        let exchange = FakeExchange::new("key", &house.clock, &[("USDT", "1000")]);
        let other = house.model("Other").await;
        let healthy = FakeExchange::new("another key", &house.clock, &[]);
        house.connect(model, &exchange).await;
        house.connect(other, &healthy).await;
        exchange.set_down(true);
        reconcile_due(&house.desk).await.unwrap();
        assert!(house.halted(&exchange).await.is_some());
        assert_eq!(house.halted(&healthy).await, None, "accounts do not wait for each other");
        for _ in 0..10 {
            house.clock.advance_ms(2_000);
            reconcile_due(&house.desk).await.unwrap();
        }
        let runs = house.desk.store.reconciliation_runs(exchange.fingerprint(), 50).await.unwrap();
        assert_eq!(runs.len(), 1, "not tried in every round");
        let open = house.unresolved().await;
        assert_eq!(open.len(), 1);
        assert_eq!(open[0].0, IncidentKind::ExchangeApiError, "the exchange's trouble, not a difference of books");
        assert!(open[0].1.contains("connection refused"), "{open:?}");
        exchange.set_down(false);
        house.clock.advance_ms(30_000);
        reconcile_due(&house.desk).await.unwrap();
        assert_eq!(house.halted(&exchange).await, None);
        assert_eq!(house.unresolved().await, []);
    }

    async fn old_truth_is_no_truth(house) {
        let (_, exchange) = house.trading(&[("USDT", "1000")]).await;
        exchange.take_calls();
        house.clock.advance_ms(RECONCILE_EVERY_MS - 2_000);
        assert_eq!(reconcile_due(&house.desk).await.unwrap(), 0, "not every round");
        house.clock.advance_ms(2_000);
        assert_eq!(reconcile_due(&house.desk).await.unwrap(), 1);
        exchange.set_down(true);
        house.clock.advance_ms(TRUTH_LASTS_MS + 1);
        reconcile_now(&house.desk, exchange.fingerprint(), "ann").await.unwrap();
        assert!(house.halted(&exchange).await.unwrap().contains("last reconciled"));
    }

    async fn each_process_looks_for_itself_before_it_runs_anything(house) {
        let (_, exchange) = house.trading(&[("USDT", "1000")]).await;
        let second = house.process("two").await;
        assert!(!is_reconciled(&second, exchange.fingerprint()).await.unwrap());
        assert!(entries_halted(&second, exchange.fingerprint()).await.unwrap().is_some());
        assert_eq!(reconcile_due(&second).await.unwrap(), 1);
        assert!(is_reconciled(&second, exchange.fingerprint()).await.unwrap());
        assert!(is_reconciled(&house.desk, exchange.fingerprint()).await.unwrap());
    }

    async fn an_order_under_our_name_that_we_have_no_record_of_is_an_incident(house) {
        let model = house.model("Sage").await;
        let exchange = FakeExchange::new("key", &house.clock, &[("USDT", "1000")]);
        exchange.rest("csa1b2c3-d999-1", "0.5");
        house.connect(model, &exchange).await;
        reconcile_due(&house.desk).await.unwrap();
        assert!(house.halted(&exchange).await.is_some());
        assert_eq!(house.unresolved().await[0].0, IncidentKind::ReconciliationDrift);
        exchange.lose_order("csa1b2c3-d999-1");
        house.reconcile(&exchange).await;
        assert_eq!(house.halted(&exchange).await, None, "what is no longer seen is over");
        assert_eq!(house.unresolved().await, []);
    }
}
