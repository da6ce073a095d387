//! A reconciliation's lease: short, renewed while it works, and worth something.

use super::house::on_accounts;
use countersign::ports::clock::Clock;
use countersign::ports::exchange::ExchangeAccount;
use countersign::services::lease_keeper::LEASE_MS;
use countersign::services::reconcile::{ReconcileError, reconcile_now};
use std::sync::Arc;
use std::time::Duration;

on_accounts! {
    async fn a_run_that_takes_long_keeps_its_lease_and_one_that_lost_it_writes_nothing(house) {
        let (_, exchange) = house.trading(&[("USDT", "1000")]).await;
        let account = exchange.fingerprint().clone();
        let other = house.process("two").await;
        let before = house.desk.store.reconciliation_runs(&account, 10).await.unwrap();
        exchange.deposit("USDT", "5");
        exchange.asked.notified().await;
        let silent = exchange.gate.write().await;
        let (desk, of) = (Arc::clone(&house.desk), account.clone());
        let run = tokio::spawn(async move { reconcile_now(&desk, &of, "ann").await });
        exchange.asked.notified().await;

        let name = format!("reconcile:{account}");
        let until = async || house.desk.store.lease(&name).await.unwrap().unwrap().until;
        assert!(until().await <= house.clock.now().plus_ms(20_000), "a killed process halts nobody for long");
        for _ in 0..4 {
            house.clock.advance_ms(LEASE_MS / 2);
            let next = house.clock.now().plus_ms(LEASE_MS);
            let looking = async {
                while until().await < next {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            };
            tokio::time::timeout(Duration::from_secs(30), looking).await.expect("it is renewed");
            let second = reconcile_now(&other, &account, "bob").await;
            assert!(matches!(second, Err(ReconcileError::Running)), "{second:?}");
        }

        let later = house.clock.now().plus_ms(10 * LEASE_MS);
        assert!(other.store.acquire_lease(&name, "two", later, later, None).await.unwrap().is_some());
        house.clock.advance_ms(LEASE_MS / 2);
        let ended = run.await.unwrap();
        assert!(matches!(ended, Err(ReconcileError::Overtaken)), "although the exchange is still silent: {ended:?}");
        drop(silent);
        assert_eq!(house.desk.store.reconciliation_runs(&account, 10).await.unwrap(), before);
        assert_eq!(house.differences(&account).await, []);
    }
}
