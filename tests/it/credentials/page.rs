//! The keys on the settings page, without scripts and with them.

use super::house::{KEY, OTHER_KEY, OTHER_SECRET, SECRET, keys, testnet_pair};
use countersign::domain::access::Role;
use countersign::domain::credential::KeyPermissions;
use countersign::domain::venue_kind::ExchangeEnvironment::Testnet;
use countersign::ports::exchange::ExchangeError;

fn secrets_in(body: &str) -> bool {
    [KEY, SECRET, OTHER_KEY, OTHER_SECRET].iter().any(|secret| body.contains(&secret[..10]))
}

in_each_house! {
    async fn a_key_is_saved_verified_and_deleted_without_scripts(house) {
        let mut admin = house.admin().await;
        let id = house.model("Sage").await;
        let (page, form) = (format!("/models/{id}/settings"), format!("/models/{id}/credentials/testnet"));
        let empty = admin.get(&page).await.body;
        for words in [
            "Binance testnet key",
            "none saved",
            "name=\"testnet_api_secret\" type=\"password\" autocomplete=\"off\"",
            "Missing for live: exchange credentials for testnet",
        ] {
            assert!(empty.contains(words), "{words}: {empty}");
        }
        house.waiting(&mut admin, id).await;
        let pair = [("testnet_api_key", KEY), ("testnet_api_secret", SECRET)];
        let saved = admin.post_form(&form, &pair).await;
        assert_eq!((saved.status, saved.header("location")), (303, page.as_str()), "{}", saved.body);
        let shown = admin.get(&page).await.body;
        for words in ["saved and sealed", "1 waiting decision or unsent order was cancelled", "saved, not verified", "…Eh8A"] {
            assert!(shown.contains(words), "{words}: {shown}");
        }
        assert!(!shown.contains("Missing for live"), "{shown}");
        assert!(!secrets_in(&shown));

        assert_eq!(admin.post_form(&format!("{form}/verify"), &[]).await.status, 303);
        let shown = admin.get(&page).await.body;
        for words in ["verified, can trade", "named addresses only", "SPOT", "Replace testnet key"] {
            assert!(shown.contains(words), "{words}: {shown}");
        }
        let asked = admin.get(&format!("{form}/delete")).await.body;
        assert!(asked.contains("Delete the testnet key of Sage?"), "{asked}");
        assert_eq!(admin.post_form(&format!("{form}/delete"), &[]).await.status, 303);
        assert!(house.credential(id, Testnet).await.is_none());
        assert!(admin.get(&page).await.body.contains("The testnet key is deleted."));
    }

    async fn a_refused_form_comes_back_empty_and_says_so(house) {
        let admin = house.admin().await;
        let id = house.model("Sage").await;
        let form = format!("/models/{id}/credentials/testnet");
        for (pair, says) in [
            ([("testnet_api_key", KEY), ("testnet_api_secret", &SECRET[..40])], "Secret must be the 64"),
            ([("testnet_api_key", &KEY[..20]), ("testnet_api_secret", SECRET)], "API key must be the 64"),
            ([("testnet_api_key", KEY), ("testnet_api_secret", "")], "saved together"),
            ([("testnet_api_key", KEY), ("api_secret", SECRET)], "paste key and secret once more"),
        ] {
            for htmx in [false, true] {
                let mut admin = if htmx { admin.clone().with_header("HX-Request", "true") } else { admin.clone() };
                let refused = admin.post_form(&form, &pair).await;
                assert_eq!(refused.status, 422, "{}", refused.body);
                for words in [says, "Nothing was saved. The fields are empty on purpose", "id=\"credentials\""] {
                    assert!(refused.body.contains(words), "{words}: {}", refused.body);
                }
                assert!(!secrets_in(&refused.body));
            }
        }
        assert!(house.credential(id, Testnet).await.is_none());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_scripts_the_panel_says_what_was_done_and_what_was_found() {
    let house = super::house::House::open(crate::support::Database::Sqlite, |_| {}).await;
    let id = house.model("Sage").await;
    let form = format!("/models/{id}/credentials/testnet");
    let mut admin = house.admin().await.with_header("HX-Request", "true");
    let spaced = format!("{KEY} ");
    let saved = admin.post_form(&form, &[("testnet_api_key", &spaced), ("testnet_api_secret", SECRET)]).await;
    assert_eq!(saved.status, 200);
    assert!(saved.body.contains("Spaces or line breaks were removed") && saved.body.contains("id=\"axes\""));
    *house.exchanges.answer.lock().unwrap() =
        Ok(KeyPermissions { can_trade: true, can_withdraw: Some(true), ..KeyPermissions::default() });
    let checked = admin.post_form(&format!("{form}/verify"), &[]).await;
    assert_eq!(checked.status, 200);
    assert!(checked.body.contains("refused: it can withdraw or transfer"), "{}", checked.body);
    assert!(checked.body.contains("did not pass its last check"), "the toggles know too: {}", checked.body);
    *house.exchanges.answer.lock().unwrap() = Err(ExchangeError::ClockSkew("9 s".into()));
    let checked = admin.post_form(&format!("{form}/verify"), &[]).await;
    assert!(checked.body.contains("Set this machine&#39;s clock"), "{}", checked.body);
    assert!(!secrets_in(&checked.body));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operators_verify_and_viewers_look() {
    let house = super::house::House::open(crate::support::Database::Sqlite, |_| {}).await;
    let mut admin = house.admin().await;
    let id = house.model("Sage").await;
    admin.api("POST", &keys(id), testnet_pair()).await;
    let form = format!("/models/{id}/credentials/testnet");
    let pair = [("testnet_api_key", KEY), ("testnet_api_secret", SECRET)];
    let mut ann = house.person("ann", Role::Operator).await;
    let page = ann.get(&format!("/models/{id}/settings")).await.body;
    assert!(
        page.contains("Only an administrator may save or delete") && !page.contains("testnet_api_secret"),
        "{page}"
    );
    assert_eq!(ann.post_form(&form, &pair).await.status, 403);
    assert_eq!(ann.post_form(&format!("{form}/delete"), &[]).await.status, 403);
    assert_eq!(ann.post_form(&format!("{form}/verify"), &[]).await.status, 303);
    let mut eve = house.person("eve", Role::Viewer).await;
    assert_eq!(eve.post_form(&format!("{form}/verify"), &[]).await.status, 403);
    assert_eq!(eve.get(&format!("/models/{id}/settings")).await.status, 200);
    assert_eq!(admin.post_form(&format!("/models/{id}/credentials/moon"), &pair).await.status, 404);
    assert_eq!(admin.get(&format!("/models/{id}/credentials/moon/delete")).await.status, 404);
}
