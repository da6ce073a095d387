//! Secrets are planted wherever somebody may type or send one, right or wrong; then every page and answer, every log
//! line, every file and every row is searched for them.

use super::house::{House, keys, validate};
use crate::support::{Answer, Client, Database, PASSWORD, postgres};
use countersign::adapters::store::connect;
use countersign::adapters::vault::VaultSource;
use countersign::domain::credential::KeyPair;
use countersign::domain::venue_kind::ExchangeEnvironment;
use countersign::services::credentials::GivenPair;
use countersign::web::form::{Input, JsonInput};
use countersign::web::routes::ROUTES;
use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};
use std::path::Path;
use tempfile::tempdir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

/// Sixty-four letters and digits that begin with something to look for.
const KEY: &str = "CANARY1KEYaaaaBBBBccccDDDDeeeeFFFFggggHHHHiiiiJJJJkkkkLLLLmmEh8A";
const SECRET: &str = "CANARY2SECRETaaaBBBBccccDDDDeeeeFFFFggggHHHHiiiiJJJJkkkkLLLLmmmm";
const REAL_KEY: &str = "CANARY3KEYaaaaBBBBccccDDDDeeeeFFFFggggHHHHiiiiJJJJkkkkLLLLmm7Qx9";
const REAL_SECRET: &str = "CANARY4SECRETaaaBBBBccccDDDDeeeeFFFFggggHHHHiiiiJJJJkkkkLLLLmmmm";
const PROVIDER_KEY: &str = "sk-CANARY5KEYaaaaBBBBccccDDDDeeeeFFFFggggHHHHiiii7Qx9";
const OTHER_PROVIDER_KEY: &str = "sk-CANARY6KEYaaaaBBBBccccDDDDeeeeFFFFggggHHHHiiii7Qx9";
/// What all of them share.
const MARK: &str = "CANARY";

/// The forms in which a mark might be written: as it is, in hex, and in Base64 at each of its three offsets.
fn marks() -> Vec<Vec<u8>> {
    let hex = hex::encode(MARK);
    let base64 = ["Q0FOQVJZ", "NBTkFSW", "DQU5BUl"];
    let texts = [MARK.to_owned(), MARK.to_lowercase(), hex.clone(), hex.to_uppercase()];
    texts.into_iter().chain(base64.map(str::to_owned)).map(String::into_bytes).collect()
}

#[track_caller]
pub fn clean(what: &str, bytes: &[u8]) {
    for mark in marks() {
        let at = bytes.windows(mark.len()).position(|window| window == mark);
        if let Some(at) = at {
            let around = &bytes[at.saturating_sub(80)..(at + 80).min(bytes.len())];
            panic!("{what} holds a secret: {}", String::from_utf8_lossy(around));
        }
    }
}

#[track_caller]
pub fn clean_answer(what: &str, answer: &Answer) {
    clean(what, answer.body.as_bytes());
    clean(what, format!("{:?}", answer.headers).as_bytes());
}

/// Types and sends secrets everywhere; every answer is searched.
async fn plant(admin: &mut Client, id: i64) {
    for body in [
        json!({ "testnet_api_key": KEY }),
        json!({ "testnet_api_key": SECRET, "testnet_api_secret": &KEY[..50] }),
        json!({ "testnet_api_key": KEY, "testnet_api_secret": KEY }),
        json!({ "testnet_api_key": format!("{KEY}ν"), "testnet_api_secret": SECRET }),
        json!({ "testnet_api_key": { SECRET: SECRET }, "testnet_api_secret": [SECRET] }),
        json!({ "exchange_type": SECRET, SECRET: SECRET, "testnet_api_secret": 1 }),
        json!({ "api_key": KEY, "api_secret": SECRET, "testnet_api_key": KEY, "testnet_api_secret": SECRET }),
    ] {
        let answer = admin.api("POST", &keys(id), body).await;
        assert_eq!(answer.status, 422, "{}", answer.body);
        clean_answer("a refused body", &answer);
    }
    for text in [format!("{{\"api_secret\": \"{SECRET}\""), format!("\"{SECRET}\""), SECRET.to_owned()] {
        clean_answer("a malformed body", &admin.api_text("POST", &keys(id), &text).await);
    }
    clean_answer("another endpoint", &admin.api("POST", "/api/models", json!({ "name": [SECRET], SECRET: 1 })).await);
    let form = format!("/models/{id}/credentials/mainnet");
    for fields in
        [[("api_key", SECRET), ("api_secret", &SECRET[..9])], [("api_key", KEY), ("testnet_api_secret", SECRET)]]
    {
        let answer = admin.post_form(&form, &fields).await;
        assert_eq!(answer.status, 422, "{}", answer.body);
        clean_answer("a refused form", &answer);
    }
    let pair = json!({ "testnet_api_key": format!("{KEY}\n"), "testnet_api_secret": SECRET });
    let saved = admin.api("POST", &keys(id), pair).await;
    assert_eq!(saved.status, 200, "{}", saved.body);
    clean_answer("a saved pair", &saved);
    let saved = admin.post_form(&form, &[("api_key", REAL_KEY), ("api_secret", REAL_SECRET)]).await;
    assert_eq!(saved.status, 303, "{}", saved.body);
    clean_answer("a saved form", &saved);
    for environment in ["testnet", "mainnet"] {
        let path = format!("{}?environment={environment}", validate(id));
        clean_answer("a check", &admin.api("POST", &path, Value::Null).await);
    }
}

/// The same with keys of providers. The address answers nobody: every call fails, and says why.
async fn plant_providers(admin: &mut Client) {
    let home = "http://127.0.0.1:9/v1";
    for body in [
        json!({ "name": "Home", "api_key": PROVIDER_KEY }),
        json!({ "name": PROVIDER_KEY.repeat(2), "base_url": format!("https://{PROVIDER_KEY}@host.example"), "api_key": PROVIDER_KEY }),
        json!({ "name": "Home", "base_url": home, "kind": PROVIDER_KEY, "api_key": PROVIDER_KEY }),
        json!({ "name": "Home", "base_url": home, "api_key": format!("Bearer {PROVIDER_KEY}"), PROVIDER_KEY: 1 }),
        json!({ "name": "Home", "base_url": home, "api_key": [PROVIDER_KEY], "input_price": PROVIDER_KEY }),
    ] {
        let answer = admin.api("POST", "/api/providers", body).await;
        assert_eq!(answer.status, 422, "{}", answer.body);
        clean_answer("a refused provider", &answer);
    }
    let refused = admin.post_form("/providers", &[("name", "Home"), ("api_key", PROVIDER_KEY)]).await;
    assert_eq!(refused.status, 422, "{}", refused.body);
    clean_answer("a refused form of a provider", &refused);
    let body = json!({ "name": "Home", "base_url": home, "api_key": format!("{PROVIDER_KEY}\n") });
    let saved = admin.api("POST", "/api/providers", body).await;
    assert_eq!(saved.status, 201, "{}", saved.body);
    clean_answer("a saved provider", &saved);
    let id = saved.json()["id"].as_i64().unwrap();
    assert_eq!(id, 2, "the walk below looks at it");
    let (page, api) = (format!("/providers/{id}"), format!("/api/providers/{id}"));
    let unsaved = json!({ "base_url": home, "kind": "other", "api_key": OTHER_PROVIDER_KEY });
    for answer in [
        admin.api("PATCH", &api, json!({ "base_url": "http://127.0.0.1:10", "max_concurrency": PROVIDER_KEY })).await,
        admin.api("POST", "/api/providers/models", unsaved).await,
        admin.api("POST", "/api/providers/models", json!({ "provider_id": id })).await,
        admin.api("POST", &format!("{api}/test"), json!({ "model_name": "small" })).await,
        admin.post_form(&format!("{page}/discover"), &[]).await,
        admin.post_form(&format!("{page}/test"), &[("model_name", "small")]).await,
        admin.post_form(&page, &[("api_key", OTHER_PROVIDER_KEY), ("timeout_seconds", "x")]).await,
        admin.post_form(&page, &[("api_key", OTHER_PROVIDER_KEY), ("version", "1")]).await,
        admin.get(&page).await,
        admin.get(&api).await,
        admin.get("/api/providers").await,
        admin.get("/api/incidents").await,
    ] {
        assert_ne!(answer.status, 500, "{}", answer.body);
        clean_answer("an answer about a provider", &answer);
    }
}

/// Every GET route of the map.
async fn walk(admin: &mut Client, id: i64) {
    let mut seen = 0;
    for entry in ROUTES.iter().filter(|entry| entry.method == "GET") {
        // The event stream never ends, and static files are compiled in.
        if entry.path == "/events" || entry.path.starts_with("/static/") {
            continue;
        }
        let path = entry.path.replace("{id}", &id.to_string());
        let path = path.replace("{environment}", "mainnet").replace("{coin}", "BTC");
        clean_answer(&path, &admin.get(&path).await);
        let mut scripted = admin.clone().with_header("HX-Request", "true");
        clean_answer(&path, &scripted.get(&path).await);
        seen += 1;
    }
    assert!(seen > 50, "{seen}");
}

pub fn clean_files(dir: &Path) -> usize {
    let mut count = 0;
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            count += clean_files(&path);
        } else {
            clean(&path.display().to_string(), &std::fs::read(&path).unwrap());
            count += 1;
        }
    }
    count
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_page_answer_log_line_or_file_holds_a_secret() {
    let dir = tempdir().unwrap();
    let log = dir.path().join("log");
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
    command.current_dir(dir.path()).kill_on_drop(true);
    let args = ["serve", "--listen", "127.0.0.1:0", "--market", "synthetic", "--data-dir", "data", "--allow-mainnet"];
    // Everything that anybody could switch on.
    command.args(args).args(["--log", "trace"]);
    command.stdout(std::process::Stdio::piped()).stderr(std::fs::File::create(&log).unwrap());
    let mut server = command.spawn().unwrap();
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
    let (mut url, mut token) = (String::new(), String::new());
    while url.is_empty() || token.is_empty() {
        let line = lines.next_line().await.unwrap().expect("it prints where it is and how to begin");
        url = line.strip_prefix("URL: ").map_or(url, |rest| rest.trim_end_matches('/').to_owned());
        token = line.strip_prefix("Setup token: ").map_or(token, str::to_owned);
    }
    let mut admin = Client::new(&url);
    let csrf = admin.get("/setup").await.csrf().unwrap();
    let fields = [
        ("setup_token", token.as_str()),
        ("username", "ada"),
        ("password", PASSWORD),
        ("password_repeat", PASSWORD),
        ("csrf_token", &csrf),
    ];
    assert_eq!(admin.post_raw("/setup", &fields).await.status, 303);
    admin.csrf = admin.get("/api/whoami").await.json()["csrf_token"].as_str().map(str::to_owned);
    let model = json!({ "name": "Sage", "provider_id": 1, "model_name": "buy_and_hold" });
    let id = admin.api("POST", "/api/models", model).await.json()["id"].as_i64().unwrap();
    admin.api("POST", &format!("/api/models/{id}/cycle"), Value::Null).await;
    plant(&mut admin, id).await;
    plant_providers(&mut admin).await;
    walk(&mut admin, id).await;
    walk(&mut admin, 2).await;
    for environment in ["testnet", "mainnet"] {
        let path = format!("/models/{id}/credentials/{environment}/delete");
        clean_answer("a deletion", &admin.post_form(&path, &[]).await);
    }
    let pid = server.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().await.unwrap().success());
    assert!(server.wait().await.unwrap().success());
    let logged = std::fs::read(&log).unwrap();
    assert!(logged.windows(8).any(|words| words == b"exchange"), "the log is there");
    assert!(clean_files(dir.path()) >= 4, "log, database, and both keys");
}

/// Every row of every table of a PostgreSQL database; how many there are.
pub async fn clean_rows(url: &str) -> usize {
    let db = connect(url).await.unwrap();
    let ask = async |query: String| db.reader.query_all_raw(Statement::from_string(db.backend, query)).await.unwrap();
    let tables = "SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public'";
    let mut rows = 0;
    for table in ask(tables.to_owned()).await {
        let table: String = table.try_get_by_index(0).unwrap();
        for row in ask(format!("SELECT t::text FROM \"{table}\" t")).await {
            clean(&table, row.try_get_by_index::<String>(0).unwrap().as_bytes());
            rows += 1;
        }
    }
    rows
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_row_of_postgres_holds_a_secret() {
    let Some(Database::Postgres(url)) = postgres::new_database().await else { return };
    let house = House::open(Database::Postgres(url.clone()), |settings| settings.allow_mainnet = true).await;
    let mut admin = house.admin().await;
    let id = house.model("Sage").await;
    plant(&mut admin, id).await;
    plant_providers(&mut admin).await;
    let rows = clean_rows(&url).await;
    assert!(rows > 10, "{rows}");
    assert_eq!(house.desk.store.credentials(None).await.unwrap().len(), 2);
}

#[test]
fn nothing_that_holds_a_secret_prints_it() {
    let given = GivenPair { environment: ExchangeEnvironment::Testnet, api_key: KEY.into(), api_secret: SECRET.into() };
    let pair = KeyPair::parse(&given.api_key, &given.api_secret).unwrap();
    let Value::Object(body) = json!({ "api_secret": SECRET, SECRET: SECRET }) else { unreachable!() };
    let input = JsonInput(Input::from_json(body));
    let source = VaultSource { given: Some(SECRET.into()), data_dir: "data".into() };
    let dir = tempdir().unwrap();
    let url = countersign::settings::DatabaseUrl::parse(&format!("postgres://ada:{SECRET}@db/desk")).unwrap();
    let mut settings = countersign::settings::Settings::for_data_dir(dir.path(), url);
    settings.store.vault_key = Some(SECRET.into());
    for printed in [
        format!("{given:?}"),
        format!("{pair:?}"),
        format!("{input:?}"),
        format!("{source:?}"),
        format!("{settings:?}"),
        format!("{:#?}", (&given, &pair, &input)),
    ] {
        clean(&printed.clone(), printed.as_bytes());
    }
}
