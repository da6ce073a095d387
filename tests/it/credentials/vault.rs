//! A vault without its key: the desk runs, live trading does not, and an incident says why until it is mended.

use super::house::{House, keys, testnet_pair, validate};
use countersign::domain::venue_kind::ExchangeEnvironment::Testnet;
use serde_json::{Value, json};

/// Severity and state of the incident about a locked vault.
async fn locked(house: &House) -> (String, String) {
    let incidents = house.incidents().await.into_iter();
    let mut about = incidents.filter(|(kind, ..)| kind == "EXCHANGE_NOT_CONFIGURED");
    about.next().map(|(_, severity, state)| (severity, state)).unwrap()
}

in_each_house! {
    async fn a_lost_key_is_an_incident_until_it_is_back(house) {
        let mut admin = house.admin().await;
        let id = house.model("Sage").await;
        assert_eq!(admin.api("POST", &keys(id), testnet_pair()).await.status, 200);
        let sealed = house.credential(id, Testnet).await.unwrap();

        let house = house.restart(|dir| std::fs::rename(dir.join("vault.key"), dir.join("lost")).unwrap()).await;
        assert_eq!(locked(&house).await, ("high".to_owned(), "open".to_owned()));
        let mut admin = house.admin().await;
        let page = admin.get(&format!("/models/{id}/settings")).await.body;
        assert!(page.contains("The vault is locked, so live trading is off."), "{page}");
        assert_eq!(admin.api("POST", &validate(id), Value::Null).await.json()["code"], "vault_locked");
        let refused = admin.api("POST", &keys(id), testnet_pair()).await;
        assert_eq!((refused.status, refused.code().as_str()), (503, "vault_locked"));
        assert_eq!(admin.get("/").await.status, 200);
        assert_eq!(house.credential(id, Testnet).await.unwrap(), sealed);

        let house = house.restart(|dir| std::fs::rename(dir.join("lost"), dir.join("vault.key")).unwrap()).await;
        assert_eq!(locked(&house).await.1, "resolved", "mended is over");
        let mut admin = house.admin().await;
        assert_eq!(admin.api("POST", &validate(id), Value::Null).await.json()["valid"], true);
    }

    async fn after_deleting_what_cannot_be_opened_a_new_key_is_made(house) {
        let mut admin = house.admin().await;
        let id = house.model("Sage").await;
        admin.api("POST", &keys(id), testnet_pair()).await;
        let house = house.restart(|dir| std::fs::write(dir.join("vault.key"), "ab".repeat(32)).unwrap()).await;
        let mut admin = house.admin().await;
        assert_eq!(admin.api("POST", &validate(id), Value::Null).await.json()["code"], "vault_locked");
        assert_eq!(admin.api("DELETE", &keys(id), Value::Null).await.status, 200);
        let house = house.restart(|_| {}).await;
        let mut admin = house.admin().await;
        assert_eq!(admin.api("POST", &keys(id), testnet_pair()).await.status, 200);
        assert_eq!(admin.api("POST", &validate(id), Value::Null).await.json()["valid"], json!(true));
    }

    async fn a_row_that_was_moved_to_another_model_does_not_open(house) {
        let mut admin = house.admin().await;
        let (one, two) = (house.model("Sage").await, house.model("Drifter").await);
        admin.api("POST", &keys(one), testnet_pair()).await;
        let mut moved = house.credential(one, Testnet).await.unwrap();
        moved.trader_id = countersign::domain::ids::TraderId(two);
        let changes = countersign::ports::store::Changes {
            saved_credentials: vec![(moved, None)],
            ..countersign::ports::store::Changes::default()
        };
        house.desk.store.commit(changes).await.unwrap();
        assert_eq!(admin.api("POST", &validate(two), Value::Null).await.json()["code"], "vault_locked");
        assert_eq!(admin.api("POST", &validate(one), Value::Null).await.json()["code"], "ok");
    }
}
