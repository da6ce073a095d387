//! The program twice, as two processes of the system on one database.

use crate::support::process::{Serving, last_line, run};
use crate::support::{Client, Database, PASSWORD, postgres};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;

/// Models whose first run is due in both processes at once.
const MODELS: usize = 6;
/// Runs that are asked for at once.
const HANDS: usize = 20;
/// Longer than anything below takes; a story that needs it has failed.
const WATCHDOG: Duration = Duration::from_secs(60);
/// Between two looks at what other processes do.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Two servers and a token that both know.
struct Pair {
    servers: [Serving; 2],
    token: String,
    _dir: TempDir,
}

impl Pair {
    async fn start(database: Database) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut place = vec!["--data-dir".to_owned(), "data".to_owned()];
        if let Database::Postgres(url) = database {
            place.extend(["--database-url".to_owned(), url]);
        }
        let with = |command: &[&str]| -> Vec<String> {
            command.iter().map(|part| (*part).to_owned()).chain(place.clone()).collect()
        };
        call(dir.path(), &with(&["admin", "create", "--username", "ada", "--password-stdin"]), PASSWORD).await;
        let token = with(&["token", "create", "--username", "ada", "--name", "bot", "--scope", "operate"]);
        let token = call(dir.path(), &token, "").await;
        let serve = with(&["serve", "--listen", "127.0.0.1:0", "--market", "synthetic"]);
        let serve: Vec<&str> = serve.iter().map(String::as_str).collect();
        let servers = [Serving::start(dir.path(), &serve).await, Serving::start(dir.path(), &serve).await];
        Self { servers, token, _dir: dir }
    }

    /// A program that calls one of the two.
    fn client(&self, hand: usize) -> Client {
        Client::new(&self.servers[hand % 2].url).with_token(&self.token)
    }
}

/// Runs a command and gives back the last line that it printed.
async fn call(dir: &Path, args: &[String], input: &str) -> String {
    let output = run(dir, &args.iter().map(String::as_str).collect::<Vec<_>>(), input).await;
    assert!(output.status.success(), "{args:?}");
    last_line(&output)
}

async fn cycles(client: &mut Client, model: i64) -> Vec<Value> {
    let path = format!("/api/models/{model}/conversations?limit=200");
    client.get(&path).await.expect(200).as_array().unwrap().clone()
}

async fn story(database: Database) {
    let pair = Pair::start(database).await;
    let mut bot = pair.client(0);
    let mut models = Vec::new();
    for n in 0..MODELS {
        let body = json!({
            "name": format!("Model {n}"), "provider_id": 1, "model_name": "random", "trading_interval_minutes": 1440
        });
        models.push(bot.post("/api/models", body).await.expect(201)["id"].as_i64().unwrap());
    }
    let first_runs = async {
        for model in &models {
            while cycles(&mut bot, *model).await.is_empty() {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        }
    };
    tokio::time::timeout(WATCHDOG, first_runs).await.expect("both schedulers sleep");

    let hands = (0..HANDS).map(|hand| {
        let (mut client, path) = (pair.client(hand), format!("/api/models/{}/cycle", models[0]));
        let body = json!({ "decisions": { "BTC": { "signal": "hold" } } });
        tokio::spawn(async move { client.post(&path, body).await })
    });
    let mut ran = BTreeSet::new();
    for hand in hands.collect::<Vec<_>>() {
        let answer = hand.await.unwrap();
        if answer.status == 200 {
            assert!(ran.insert(answer.json()["cycle_id"].as_i64().unwrap()), "two answers of one run");
        } else {
            answer.refused(409, "cycle_running");
        }
    }
    assert!(!ran.is_empty(), "nobody was first");

    let triggers = |cycles: &[Value], wanted: &str| cycles.iter().filter(|cycle| cycle["trigger"] == wanted).count();
    for (index, model) in models.iter().enumerate() {
        let cycles = cycles(&mut bot, *model).await;
        assert_eq!(triggers(&cycles, "schedule"), 1, "model {model} ran twice for one interval: {cycles:?}");
        assert_eq!(triggers(&cycles, "api"), if index == 0 { ran.len() } else { 0 });
    }
    for server in pair.servers {
        assert!(server.terminate().await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_running_programs_never_run_one_model_twice_on_sqlite() {
    story(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_running_programs_never_run_one_model_twice_on_postgres() {
    if let Some(database) = postgres::new_database().await {
        story(database).await;
    }
}
