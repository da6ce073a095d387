//! The endpoints, in the exact words of the contract.

use super::house::{KEY, OTHER_KEY, OTHER_SECRET, SECRET, keys, mainnet_pair, testnet_pair, trades_only, validate};
use countersign::domain::access::TokenScope;
use countersign::domain::credential::KeyPermissions;
use countersign::domain::venue_kind::ExchangeEnvironment::{Mainnet, Testnet};
use countersign::ports::exchange::ExchangeError;
use countersign::ports::store::Page;
use serde_json::{Value, json};

in_each_house! {
    async fn a_pair_is_saved_told_of_verified_and_deleted(house) {
        let mut admin = house.admin().await;
        let id = house.model("Sage").await;
        let nothing = json!({
            "configured": false, "has_mainnet": false, "has_testnet": false, "exchange_type": "binance",
            "last_validated": null, "is_active": false, "testnet_key_last4": null, "mainnet_key_last4": null,
        });
        assert_eq!(admin.api("GET", &keys(id), Value::Null).await.json(), nothing);
        let unset = admin.api("POST", &validate(id), Value::Null).await.json();
        assert_eq!((&unset["valid"], &unset["code"]), (&json!(false), &json!("not_configured")));

        let saved = admin.api("POST", &keys(id), testnet_pair()).await;
        assert_eq!(saved.status, 200, "{}", saved.body);
        assert_eq!(saved.json(), json!({ "success": true, "message": "Exchange credentials saved successfully" }));
        let told = admin.api("GET", &keys(id), Value::Null).await.json();
        assert_eq!(told["configured"], true);
        assert_eq!((&told["has_testnet"], &told["has_mainnet"]), (&json!(true), &json!(false)));
        assert_eq!((&told["testnet_key_last4"], &told["is_active"]), (&json!("Eh8A"), &json!(true)));
        assert_eq!(told["last_validated"], Value::Null);

        let checked = admin.api("POST", &validate(id), Value::Null).await.json();
        assert_eq!(checked["valid"], true, "{checked}");
        assert_eq!(checked["code"], "ok");
        assert_eq!(checked["permissions"]["granted"], json!(["SPOT"]));
        assert_eq!(house.exchanges.opened.lock().unwrap().as_slice(), [(KEY.to_owned(), SECRET.to_owned())]);
        let told = admin.api("GET", &keys(id), Value::Null).await.json();
        assert_eq!(told["last_validated"], "2026-01-01T00:00:00.000Z");

        let replaced = json!({ "testnet_api_key": OTHER_KEY, "testnet_api_secret": OTHER_SECRET });
        assert_eq!(admin.api("POST", &keys(id), replaced).await.status, 200);
        let told = admin.api("GET", &keys(id), Value::Null).await.json();
        assert_eq!((&told["last_validated"], &told["testnet_key_last4"]), (&Value::Null, &json!("Pp66")));

        let deleted = admin.api("DELETE", &keys(id), Value::Null).await;
        assert_eq!(deleted.json(), json!({ "success": true, "message": "Exchange credentials deleted" }));
        assert_eq!(admin.api("GET", &keys(id), Value::Null).await.json(), nothing);
        assert_eq!(admin.api("DELETE", &keys(id), Value::Null).await.status, 200, "gone is gone");
        let kinds: Vec<(String, String, String)> = house.incidents().await;
        let kinds: Vec<(&str, &str)> = kinds.iter().map(|(kind, severity, _)| (kind.as_str(), severity.as_str())).collect();
        assert_eq!(kinds[..3], [
            ("CREDENTIALS_DELETED", "medium"),
            ("CREDENTIALS_UPDATED", "medium"),
            ("CREDENTIALS_UPDATED", "medium"),
        ]);
        let audit = house.desk.store.audit(Page::first(10)).await.unwrap();
        let actions: Vec<&str> = audit.iter().map(|line| line.action.as_str()).collect();
        assert_eq!(actions[..4], ["credentials.delete", "credentials.save", "credentials.verify", "credentials.save"]);
    }

    async fn one_pair_never_touches_the_other(house) {
        let mut admin = house.admin().await;
        let id = house.model("Sage").await;
        admin.api("POST", &keys(id), testnet_pair()).await;
        let testnet = house.credential(id, Testnet).await.unwrap();
        let both = json!({
            "api_key": OTHER_KEY, "api_secret": OTHER_SECRET, "testnet_api_key": "", "testnet_api_secret": "",
            "exchange_type": "binance",
        });
        assert_eq!(admin.api("POST", &keys(id), both).await.status, 200, "empty counts as not sent");
        assert_eq!(house.credential(id, Testnet).await.unwrap(), testnet);
        let path = format!("{}?environment=mainnet", keys(id));
        assert_eq!(admin.api("DELETE", &path, Value::Null).await.status, 200);
        assert_eq!(house.credential(id, Testnet).await.unwrap(), testnet);
        assert!(house.credential(id, Mainnet).await.is_none());
    }

    async fn what_is_no_pair_is_refused_by_name_without_an_echo(house) {
        let mut admin = house.admin().await;
        let id = house.model("Sage").await;
        let pem = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIGsGZmUVCjYzdcUBoMOgbZIdlvS1JpDUa1T/x4/p8HZV\n-----END PRIVATE KEY-----";
        for (body, field, says) in [
            (json!({}), "testnet_api_key", "is required"),
            (json!({ "testnet_api_key": "", "api_secret": "" }), "testnet_api_key", "is required"),
            (json!({ "testnet_api_key": KEY }), "testnet_api_secret", "saved together"),
            (json!({ "api_secret": SECRET }), "api_key", "saved together"),
            (json!({ "testnet_api_key": &KEY[..40], "testnet_api_secret": SECRET }), "testnet_api_key", "has 40 characters"),
            (json!({ "testnet_api_key": KEY, "testnet_api_secret": &SECRET[..12] }), "testnet_api_secret", "has 12 characters"),
            (json!({ "testnet_api_key": pem, "testnet_api_secret": KEY }), "testnet_api_key", "swapped"),
            (json!({ "testnet_api_key": KEY, "testnet_api_secret": KEY }), "testnet_api_secret", "same as the API key"),
            (json!({ "testnet_api_key": KEY.replace('v', "ν"), "testnet_api_secret": SECRET }), "testnet_api_key", "plain ASCII"),
            (json!({ "testnet_api_key": KEY, "testnet_api_secret": SECRET, "api_key": KEY, "api_secret": OTHER_SECRET }), "api_key", "other environment"),
            (json!({ "testnet_api_key": [KEY], "testnet_api_secret": SECRET }), "testnet_api_key", "must be a text"),
            (json!({ "testnet_api_key": "x".repeat(2_000), "testnet_api_secret": SECRET }), "testnet_api_key", "1000 characters"),
            (json!({ "testnet_api_key": KEY, "testnet_api_secret": SECRET, "exchange_type": SECRET }), "exchange_type", "must be one of"),
            (json!({ "testnet_api_key": KEY, "testnet_api_secret": SECRET, SECRET: 1 }), "?", "is not known"),
        ] {
            let answer = admin.api("POST", &keys(id), body).await;
            assert_eq!(answer.status, 422, "{field} {says}: {}", answer.body);
            let why = answer.json()["error"]["fields"][field].as_str().unwrap_or_default().to_owned();
            assert!(why.contains(says), "{field} {says}: {}", answer.body);
            for secret in [KEY, SECRET, OTHER_SECRET] {
                assert!(!answer.body.contains(&secret[..12]), "{}", answer.body);
            }
        }
        for (path, status) in [
            (keys(999), 404),
            (format!("{}?environment=moon", keys(id)), 422),
        ] {
            assert_eq!(admin.api("DELETE", &path, Value::Null).await.status, status, "{path}");
        }
        assert_eq!(admin.api("POST", &keys(999), testnet_pair()).await.status, 404);
        assert_eq!(admin.api("POST", &validate(999), Value::Null).await.status, 404);
        assert_eq!(admin.api_text("POST", &keys(id), &format!("{{\"api_key\": \"{SECRET}\"")).await.status, 400);
        assert!(house.desk.store.credentials(None).await.unwrap().is_empty(), "all or nothing");
    }

    async fn what_a_clipboard_adds_is_removed_and_said(house) {
        let mut admin = house.admin().await;
        let id = house.model("Sage").await;
        let body = json!({ "testnet_api_key": format!(" {KEY}\n"), "testnet_api_secret": SECRET });
        let saved = admin.api("POST", &keys(id), body).await.json();
        assert_eq!(saved["warnings"], json!(["testnet_api_key: spaces or line breaks were removed"]));
        admin.api("POST", &validate(id), Value::Null).await;
        assert_eq!(house.exchanges.opened.lock().unwrap()[0].0, KEY);
    }

    async fn a_key_of_the_other_environment_is_not_taken_twice(house) {
        let mut admin = house.admin().await;
        let id = house.model("Sage").await;
        admin.api("POST", &keys(id), testnet_pair()).await;
        let refused = admin.api("POST", &keys(id), json!({ "api_key": KEY, "api_secret": SECRET })).await;
        assert_eq!(refused.status, 422);
        assert!(refused.json()["error"]["fields"]["api_key"].as_str().unwrap().contains("other environment"));
        // Two models may share one key.
        let other = house.model("Drifter").await;
        assert_eq!(admin.api("POST", &keys(other), testnet_pair()).await.status, 200);
    }

    async fn saving_and_deleting_cancel_what_waits_in_the_same_breath(house) {
        let mut admin = house.admin().await;
        let id = house.model("Sage").await;
        for method in ["POST", "DELETE"] {
            let decision = house.waiting(&mut admin, id).await;
            let body = if method == "POST" { testnet_pair() } else { Value::Null };
            assert_eq!(admin.api(method, &keys(id), body).await.status, 200);
            let path = format!("/api/decisions/{decision}");
            let decision = admin.api("GET", &path, Value::Null).await.json();
            assert_eq!(decision["status"], "cancelled", "{method}: {decision}");
            assert!(decision.to_string().contains("credentials changed"), "{decision}");
        }
        let decision = house.waiting(&mut admin, id).await;
        let refused = admin.api("POST", &keys(id), json!({ "testnet_api_key": "x", "testnet_api_secret": "y" })).await;
        assert_eq!(refused.status, 422);
        let decision = admin.api("GET", &format!("/api/decisions/{decision}"), Value::Null).await.json();
        assert_eq!(decision["status"], "pending", "a refused form changes nothing");
    }

    async fn a_model_that_is_deleted_takes_its_keys_along(house) {
        let mut admin = house.admin().await;
        let id = house.model("Sage").await;
        admin.api("POST", &keys(id), testnet_pair()).await;
        assert_eq!(admin.api("DELETE", &format!("/api/models/{id}?confirm=Sage"), Value::Null).await.status, 200);
        assert!(house.desk.store.credentials(None).await.unwrap().is_empty());
        assert_eq!(admin.api("GET", &keys(id), Value::Null).await.status, 404);
    }

    async fn only_an_administrator_saves_and_deletes(house) {
        let id = house.model("Sage").await;
        let mut operator = house.program(TokenScope::Operate).await;
        assert_eq!(operator.api("POST", &keys(id), testnet_pair()).await.status, 403);
        assert_eq!(operator.api("DELETE", &keys(id), Value::Null).await.status, 403);
        assert_eq!(operator.api("GET", &keys(id), Value::Null).await.status, 200);
        assert_eq!(operator.api("POST", &validate(id), Value::Null).await.status, 200);
        let mut reader = house.program(TokenScope::Read).await;
        assert_eq!(reader.api("POST", &validate(id), Value::Null).await.status, 403);
        let mut program = house.program(TokenScope::Admin).await;
        assert_eq!(program.api("POST", &keys(id), testnet_pair()).await.status, 200);
    }

    async fn every_way_a_check_can_end_has_its_word(house) {
        let mut admin = house.admin().await;
        let id = house.model("Sage").await;
        admin.api("POST", &keys(id), testnet_pair()).await;
        admin.api("POST", &keys(id), mainnet_pair()).await;
        let may = |can_trade, can_withdraw| Ok(KeyPermissions { can_trade, can_withdraw, ..trades_only() });
        for (environment, answer, code) in [
            ("testnet", may(true, None), "ok"),
            ("mainnet", may(true, Some(false)), "ok"),
            ("mainnet", may(true, None), "permissions_unknown"),
            ("mainnet", may(true, Some(true)), "key_can_withdraw"),
            ("testnet", may(true, Some(true)), "key_can_withdraw"),
            ("testnet", may(false, None), "cannot_trade"),
            ("testnet", Err(ExchangeError::BadKey("-2015".into())), "bad_key"),
            ("testnet", Err(ExchangeError::Refused { code: "-2014".into(), message: "API-key format invalid.".into() }), "bad_key"),
            ("testnet", Err(ExchangeError::WrongEnvironment("-2008".into())), "wrong_environment"),
            ("testnet", Err(ExchangeError::ClockSkew("by 9 s".into())), "clock_skew"),
            ("testnet", Err(ExchangeError::Unreachable("connection refused".into())), "unreachable"),
            ("testnet", Err(ExchangeError::RateLimited { why: "429".into(), retry_after_ms: 5 }), "rate_limited"),
            ("testnet", Err(ExchangeError::Unreadable("HTML".into())), "unreadable_answer"),
        ] {
            let passes = code == "ok";
            *house.exchanges.answer.lock().unwrap() = answer;
            let path = format!("{}?environment={environment}", validate(id));
            let answer = admin.api("POST", &path, Value::Null).await;
            assert_eq!(answer.status, 200);
            let json = answer.json();
            assert_eq!((&json["code"], &json["valid"]), (&json!(code), &json!(passes)), "{json}");
            assert!(json["message"].as_str().is_some_and(|words| words.len() > 20), "{json}");
        }
    }

    async fn an_exchange_that_does_not_answer_takes_nothing_back(house) {
        let mut admin = house.admin().await;
        let id = house.model("Sage").await;
        admin.api("POST", &keys(id), testnet_pair()).await;
        admin.api("POST", &validate(id), Value::Null).await;
        let before = house.credential(id, Testnet).await.unwrap();
        *house.exchanges.answer.lock().unwrap() = Err(ExchangeError::Unreachable("time-out".into()));
        assert_eq!(admin.api("POST", &validate(id), Value::Null).await.json()["valid"], false);
        assert_eq!(house.credential(id, Testnet).await.unwrap(), before);
        *house.exchanges.answer.lock().unwrap() = Err(ExchangeError::BadKey("-2015".into()));
        admin.api("POST", &validate(id), Value::Null).await;
        assert_eq!(admin.api("GET", &keys(id), Value::Null).await.json()["is_active"], false);
        assert!(!house.credential(id, Testnet).await.unwrap().is_usable(house.now()));
    }
}
