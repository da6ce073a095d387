//! Replacing the vault key: a real process ends at every step, and nothing that was saved is lost.

use super::house::{keys, mainnet_pair, testnet_pair};
use crate::support::process::{Serving, complaint, run};
use crate::support::{Client, Database, PASSWORD, postgres};
use countersign::app::House as Store;
use countersign::ports::vault::RotationStep;
use countersign::settings::{DatabaseUrl, Settings};
use serde_json::{Value, json};
use std::path::Path;
use tempfile::tempdir;

/// Tells the process below what to do: data directory, database, file with the new key, and the step to end at.
const ORDERS: &str = "COUNTERSIGN_TEST_ROTATION";
/// The process below, as the test harness calls it.
const CHILD: &str = "credentials::rotation::a_process_that_ends_at_a_step";

#[tokio::test]
#[ignore = "the story below runs it as a process of its own"]
async fn a_process_that_ends_at_a_step() {
    let Ok(orders) = std::env::var(ORDERS) else { return };
    let [dir, url, file, step] = serde_json::from_str::<[String; 4]>(&orders).unwrap();
    let settings = Settings::for_data_dir(Path::new(&dir), DatabaseUrl::parse(&url).unwrap());
    let store = Store::open(&settings.store).await.unwrap();
    let ends_here = |at: RotationStep| {
        if format!("{at:?}") == step {
            std::process::abort();
        }
    };
    store.rotate_vault_key(&settings.store, Path::new(&file), &ends_here).await.unwrap();
}

/// Runs the process above; answers whether it was ended.
async fn ended_at(settings: &Settings, file: &Path, step: RotationStep) -> bool {
    let dir = settings.store.data_dir.to_string_lossy().into_owned();
    let url = settings.store.database_url.expose().to_owned();
    let orders = json!([dir, url, file.to_string_lossy(), format!("{step:?}")]);
    let mut child = tokio::process::Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", CHILD, "--ignored"]).env(ORDERS, orders.to_string());
    let status = child.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).status().await.unwrap();
    !status.success()
}

async fn openable(settings: &Settings) -> (usize, usize) {
    let store = Store::open(&settings.store).await.unwrap();
    let counts = store.count_openable_keys(&settings.store).await.unwrap();
    store.close().await;
    counts
}

in_each_house! {
    async fn whichever_step_a_process_ends_at_every_key_still_opens(house) {
        let mut admin = house.admin().await;
        for name in ["Sage", "Drifter"] {
            let id = house.model(name).await;
            assert_eq!(admin.api("POST", &keys(id), testnet_pair()).await.status, 200);
            assert_eq!(admin.api("POST", &keys(id), mainnet_pair()).await.status, 200);
        }
        for (name, key) in [("Router", Some("sk-of-router-0001")), ("Home", Some("sk-of-home-000002")), ("Bare", None)] {
            let body = json!({ "name": name, "base_url": "https://host.example/v1", "api_key": key });
            assert_eq!(admin.api("POST", "/api/providers", body).await.status, 201);
        }
        let (_dir, settings) = house.end().await;
        let current = settings.store.data_dir.join("vault.key");
        let outside = tempdir().unwrap();
        for (number, step) in RotationStep::ALL.iter().enumerate() {
            let file = outside.path().join("new.key");
            std::fs::write(&file, format!("{}\n", format!("{:02x}", number + 1).repeat(32))).unwrap();
            assert!(ended_at(&settings, &file, *step).await, "{step:?} was never reached");
            assert_eq!(openable(&settings).await, (6, 0), "after an end at {step:?}");
            let store = Store::open(&settings.store).await.unwrap();
            let rotated = store.rotate_vault_key(&settings.store, &file, &|_| {}).await.unwrap();
            store.close().await;
            assert_eq!((rotated.credentials, rotated.providers), (4, 2));
            assert_eq!(std::fs::read(&current).unwrap(), std::fs::read(&file).unwrap(), "{step:?}");
            assert!(!settings.store.data_dir.join("vault.key.next").exists());
            assert_eq!(openable(&settings).await, (6, 0), "after trying again from {step:?}");
        }
    }

    async fn another_key_after_an_unfinished_rotation_loses_nothing(house) {
        let mut admin = house.admin().await;
        let id = house.model("Sage").await;
        assert_eq!(admin.api("POST", &keys(id), testnet_pair()).await.status, 200);
        let (_dir, settings) = house.end().await;
        let outside = tempdir().unwrap();
        let (one, two) = (outside.path().join("one"), outside.path().join("two"));
        std::fs::write(&one, "11".repeat(32)).unwrap();
        std::fs::write(&two, "22".repeat(32)).unwrap();
        for step in [RotationStep::Staged, RotationStep::Committed] {
            assert!(ended_at(&settings, &one, step).await);
            assert!(ended_at(&settings, &two, RotationStep::Staged).await);
            assert_eq!(openable(&settings).await, (1, 0), "{step:?}");
        }
        let store = Store::open(&settings.store).await.unwrap();
        store.rotate_vault_key(&settings.store, &two, &|_| {}).await.unwrap();
        store.close().await;
        assert_eq!(openable(&settings).await, (1, 0));
    }
}

/// The command beside a running server and after it.
async fn the_command(database: Database) {
    let dir = tempdir().unwrap();
    let mut place = vec!["--data-dir".to_owned(), "data".to_owned()];
    if let Database::Postgres(url) = &database {
        place.extend(["--database-url".to_owned(), url.clone()]);
    }
    let call = async |command: &[&str], input: &str| {
        let args: Vec<&str> = command.iter().copied().chain(place.iter().map(String::as_str)).collect();
        run(dir.path(), &args, input).await
    };
    let serve = ["serve", "--listen", "127.0.0.1:0", "--market", "synthetic"];
    let serve: Vec<&str> = serve.into_iter().chain(place.iter().map(String::as_str)).collect();
    let server = Serving::start(dir.path(), &serve).await;
    assert!(call(&["admin", "create", "--username", "ada", "--password-stdin"], PASSWORD).await.status.success());
    let mut ada = Client::new(&server.url);
    ada.login("ada", PASSWORD).await;
    let model = json!({ "name": "Sage", "provider_id": 1, "model_name": "buy_and_hold" });
    let id = ada.api("POST", "/api/models", model).await.json()["id"].as_i64().unwrap();
    assert_eq!(ada.api("POST", &keys(id), testnet_pair()).await.status, 200);

    std::fs::write(dir.path().join("new.key"), format!("{}\n", "5a".repeat(32))).unwrap();
    let rotate = ["keys", "rotate", "--new-key-file", "new.key"];
    // The server's first task is to take its lease; until then nobody can know of it.
    let mut beside = call(&rotate, "").await;
    for _ in 0..20 {
        if !beside.status.success() {
            break;
        }
        beside = call(&rotate, "").await;
    }
    assert_eq!(beside.status.code(), Some(1));
    assert!(complaint(&beside).contains("a server runs on this database"), "{}", complaint(&beside));
    assert!(server.terminate().await);

    for (file, says) in [("missing.key", "cannot be read"), ("weak.key", "64 hex digits")] {
        std::fs::write(dir.path().join("weak.key"), "hunter2-hunter2").unwrap();
        let refused = call(&["keys", "rotate", "--new-key-file", file], "").await;
        assert_eq!(refused.status.code(), Some(1));
        let words = complaint(&refused);
        assert!(words.contains(says) && !words.contains("hunter2"), "{words}");
    }
    let rotated = call(&rotate, "").await;
    let words = String::from_utf8_lossy(&rotated.stdout).into_owned();
    assert!(rotated.status.success(), "{}", complaint(&rotated));
    assert!(words.contains("wrapped anew: 1") && words.contains("1 open with it, 0 do not"), "{words}");
    assert!(!words.contains("5a5a"), "{words}");
    let server = Serving::start(dir.path(), &serve).await;
    let mut ada = Client::new(&server.url);
    ada.login("ada", PASSWORD).await;
    let told = ada.api("GET", &keys(id), Value::Null).await.json();
    assert_eq!((&told["configured"], &told["testnet_key_last4"]), (&json!(true), &json!("Eh8A")));
    let incidents = ada.api("GET", "/api/incidents", Value::Null).await.body;
    assert!(incidents.contains("CREDENTIALS_UPDATED") && !incidents.contains("vault is locked"), "{incidents}");
    assert!(server.terminate().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_waits_for_the_server_to_end_on_sqlite() {
    the_command(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_waits_for_the_server_to_end_on_postgres() {
    if let Some(database) = postgres::new_database().await {
        the_command(database).await;
    }
}
