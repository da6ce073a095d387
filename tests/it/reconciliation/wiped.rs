//! A test network that was wiped: recognised, said, and begun anew by a person.

use super::exchange::{Reply, dec};
use super::house::on_accounts;
use countersign::domain::ledger::LedgerAccount;
use countersign::domain::order::OrderStatus;
use countersign::domain::reconciliation::{AccountState, RunOutcome};
use countersign::domain::venue_kind::VenueKind;
use countersign::ports::exchange::ExchangeAccount;
use countersign::ports::store::Page;
use countersign::services::reconcile::{SettleError, begin_anew};

on_accounts! {
    async fn a_wiped_exchange_is_recognised_and_nothing_is_changed_by_itself(house) {
        let (model, exchange) = house.trading(&[("USDT", "1000")]).await;
        house.buy(model, &exchange, Reply::Filled).await;
        assert_eq!(house.reconcile(&exchange).await.outcome, RunOutcome::Agreed);
        let early = begin_anew(&house.desk, exchange.fingerprint(), "why not", "ann").await;
        assert!(matches!(early, Err(SettleError::NotWiped)), "{early:?}");
        exchange.wipe(&[("USDT", "10000"), ("BTC", "1")]);
        let run = house.reconcile(&exchange).await;
        assert_eq!(run.outcome, RunOutcome::Wiped, "{}", run.summary);
        assert!(house.halted(&exchange).await.unwrap().contains("begin anew"));
        assert!(house.unresolved().await[0].1.contains("wipe"), "it is said");
        assert_eq!(house.differences(exchange.fingerprint()).await, [], "and not taken for drift");
        assert_eq!(house.desk.store.open_positions(VenueKind::Testnet).await.unwrap().len(), 1);
        house.reconcile(&exchange).await;
        assert_eq!(house.unresolved().await.len(), 1);
    }

    async fn beginning_anew_writes_off_what_was_held_and_trades_on(house) {
        let (model, exchange) = house.trading(&[("USDT", "1000")]).await;
        house.buy(model, &exchange, Reply::Filled).await;
        let resting = house.buy(model, &exchange, Reply::Rests).await;
        house.reconcile(&exchange).await;
        exchange.wipe(&[("USDT", "10000"), ("BTC", "1")]);
        house.reconcile(&exchange).await;
        let cash = house.desk.store.book(model, VenueKind::Testnet).await.unwrap().unwrap().cash;
        assert!(matches!(
            begin_anew(&house.desk, exchange.fingerprint(), " ", "ann").await,
            Err(SettleError::ReasonMissing)
        ));
        begin_anew(&house.desk, exchange.fingerprint(), "the monthly wipe", "ann").await.unwrap();
        assert_eq!(house.halted(&exchange).await, None);
        assert_eq!(house.unresolved().await, []);
        assert_eq!(house.desk.store.open_positions(VenueKind::Testnet).await.unwrap(), []);
        assert_eq!(house.order(resting).await.status(), OrderStatus::Expired);
        let book = house.desk.store.book(model, VenueKind::Testnet).await.unwrap().unwrap();
        assert_eq!((book.cash, book.realized.decimal()), (cash, dec("-43.20675")), "what it cost is lost, cash stays");
        let sums = house.desk.store.ledger_sums(book.id).await.unwrap();
        let margin = sums.iter().find(|(account, ..)| *account == LedgerAccount::Margin);
        assert_eq!(margin.map(|line| line.3), Some(dec("0")), "the ledger says so too: {sums:?}");
        let audit = house.desk.store.audit(Page::first(1)).await.unwrap();
        assert_eq!(audit[0].action, "reconciliation.begin_anew");
        assert!(audit[0].detail.contains("1 positions written off: the monthly wipe"), "{}", audit[0].detail);
        // The exchange counts its trades from the start: the same numbers again are other trades.
        house.clock.advance_ms(1_000);
        for _ in 0..3 {
            house.buy(model, &exchange, Reply::Filled).await;
        }
        let run = house.reconcile(&exchange).await;
        assert_eq!(run.outcome, RunOutcome::Agreed, "{}", run.summary);
        assert_eq!(house.desk.store.own_movements(exchange.fingerprint()).await.unwrap().1, 3);
        let known = house.desk.store.known_accounts().await.unwrap();
        assert_eq!(known[0].state, AccountState::Agreed);
        assert!(known[0].since > known[0].first_contact, "a new baseline, the same account");
    }
}
