//! Sealed keys, the vault key in use, and arms.

use super::harness::on_both;
use countersign::domain::arming::Arm;
use countersign::domain::credential::{AccountFingerprint, CheckCode, Credential, KeyCheck, KeyPermissions, Sealed};
use countersign::domain::ids::TraderId;
use countersign::domain::time::Timestamp;
use countersign::domain::venue_kind::{ExchangeEnvironment, ExchangeType};
use countersign::ports::store::{Changes, CommitError, Coordination, Reads, Store, VaultKeyStep};
use countersign::ports::vault::VAULT_KEY_IN_USE;

fn credential(environment: ExchangeEnvironment) -> Credential {
    Credential {
        trader_id: TraderId(1),
        environment,
        exchange_type: ExchangeType::Binance,
        api_key: Sealed(vec![0, 1, 255]),
        api_secret: Sealed((0..=255).collect()),
        key_last4: "Eh8A".into(),
        fingerprint: AccountFingerprint::of_key(environment, "key"),
        check: None,
        saved_at: Timestamp(5),
        version: 7,
    }
}

fn saving(credential: &Credential, expected: Option<i64>) -> Changes {
    Changes { saved_credentials: vec![(credential.clone(), expected)], ..Changes::default() }
}

on_both! {
    async fn a_sealed_pair_comes_back_as_it_was(db) {
        let store = db.desk().await;
        let mut testnet = credential(ExchangeEnvironment::Testnet);
        let mainnet = credential(ExchangeEnvironment::Mainnet);
        store.commit(saving(&testnet, None)).await.unwrap();
        store.commit(saving(&mainnet, None)).await.unwrap();
        testnet.version = 8;
        testnet.check = Some(KeyCheck {
            code: CheckCode::KeyCanWithdraw,
            message: "It can withdraw.".into(),
            permissions: KeyPermissions {
                can_trade: true,
                ip_restricted: None,
                can_withdraw: Some(true),
                granted: vec!["SPOT".into(), "a \"quoted\" word".into()],
            },
            at: Timestamp(9),
        });
        store.commit(saving(&testnet, Some(7))).await.unwrap();
        assert_eq!(store.credentials(Some(TraderId(1))).await.unwrap(), [testnet.clone(), mainnet.clone()]);
        assert_eq!(store.credential(TraderId(1), ExchangeEnvironment::Testnet).await.unwrap(), Some(testnet));
        assert_eq!(store.credentials(Some(TraderId(2))).await.unwrap(), []);
        let deletes = |version| Changes {
            deleted_credentials: vec![(TraderId(1), ExchangeEnvironment::Testnet, version)],
            ..Changes::default()
        };
        assert!(matches!(store.commit(deletes(7)).await, Err(CommitError::Conflict(_))));
        store.commit(deletes(8)).await.unwrap();
        assert_eq!(store.credentials(None).await.unwrap(), [mainnet]);
    }

    async fn whoever_comes_second_writes_nothing(db) {
        let store = db.desk().await;
        let mut pair = credential(ExchangeEnvironment::Testnet);
        store.commit(saving(&pair, None)).await.unwrap();
        assert!(matches!(store.commit(saving(&pair, None)).await, Err(CommitError::Conflict(_))));
        pair.version = 8;
        store.commit(saving(&pair, Some(7))).await.unwrap();
        assert!(matches!(store.commit(saving(&pair, Some(7))).await, Err(CommitError::Conflict(_))));
    }

    async fn what_is_sealed_under_a_key_that_was_replaced_is_not_written(db) {
        let store = db.desk().await;
        let step = |from: Option<&str>, to: &str| Changes {
            vault_key: Some(VaultKeyStep { from: from.map(str::to_owned), to: to.to_owned() }),
            ..saving(&credential(ExchangeEnvironment::Testnet), None)
        };
        assert!(store.commit(step(Some("old"), "old")).await.is_err(), "none is in use yet");
        store.commit(step(None, "old")).await.unwrap();
        let rotation = Changes {
            vault_key: Some(VaultKeyStep { from: Some("old".into()), to: "new".into() }),
            ..Changes::default()
        };
        store.commit(rotation).await.unwrap();
        assert_eq!(store.meta(VAULT_KEY_IN_USE).await.unwrap().as_deref(), Some("new"));
        let late = Changes {
            saved_credentials: vec![(credential(ExchangeEnvironment::Mainnet), None)],
            ..step(Some("old"), "old")
        };
        assert!(matches!(store.commit(late).await, Err(CommitError::Conflict(VAULT_KEY_IN_USE))));
        assert!(store.credential(TraderId(1), ExchangeEnvironment::Mainnet).await.unwrap().is_none());
    }

    async fn an_arm_is_replaced_and_taken_away(db) {
        let store = db.desk().await;
        let account = AccountFingerprint::of_key(ExchangeEnvironment::Mainnet, "key");
        let first = Arm::for_hours(TraderId(1), account.clone(), "ada", Timestamp(5), 1);
        let second = Arm::for_hours(TraderId(1), account, "bob", Timestamp(6), 2);
        for arm in [&first, &second] {
            store.commit(Changes { arms: vec![arm.clone()], ..Changes::default() }).await.unwrap();
        }
        assert_eq!(store.arms().await.unwrap(), [second]);
        for _ in 0..2 {
            store.commit(Changes { disarmed: vec![TraderId(1)], ..Changes::default() }).await.unwrap();
        }
        assert_eq!(store.arms().await.unwrap(), []);
    }
}
