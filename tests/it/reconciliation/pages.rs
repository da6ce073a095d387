//! The unknown-outcome desk and the reconciliation page, as a browser without scripts sees them, and the API's probe.

use super::exchange::Reply;
use super::house::House;
use crate::support::{Client, Database, PASSWORD};
use actix_web::middleware::{Compress, from_fn};
use actix_web::web::Data;
use actix_web::{App, HttpServer};
use countersign::adapters::store::DbAccessStore;
use countersign::domain::access::{Actor, Role};
use countersign::domain::order::OrderStatus;
use countersign::domain::signal::Side;
use countersign::ports::access_store::AccessStore;
use countersign::ports::clock::Clock;
use countersign::ports::exchange::ExchangeAccount;
use countersign::services::access::{AccessService, SessionLimits};
use countersign::services::desk::Desk;
use countersign::services::health::Health;
use countersign::services::shutdown::Shutdown;
use countersign::settings::SessionSecret;
use countersign::web::ctx::{Door, WebState};
use countersign::web::{routes, security, session};
use serde_json::Value;
use std::net::TcpListener;
use std::sync::Arc;
use tracing_actix_web::TracingLogger;

struct Server {
    url: String,
    access: Arc<AccessService>,
}

impl Server {
    async fn over(house: &House) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(house.clock.clone());
        let store: Arc<dyn AccessStore> = Arc::new(DbAccessStore::new(house.db.clone()));
        let access = Arc::new(AccessService::new(Arc::clone(&store), Arc::clone(&clock), SessionLimits::default()));
        access.create_user("admin", Role::Admin, PASSWORD.into(), &Actor::Cli).await.unwrap();
        let state = Data::new(WebState {
            access: Arc::clone(&access),
            health: Arc::new(Health::new(Arc::clone(&clock), store)),
            shutdown: Shutdown::new(),
            clock,
            secret: SessionSecret::load_or_create(house.dir.path()).unwrap(),
            door: Door { behind_tls_proxy: false, loopback: true, public_hosts: Vec::new() },
        });
        let desk: Data<Desk> = Data::from(Arc::clone(&house.desk));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = HttpServer::new(move || {
            App::new()
                .app_data(state.clone())
                .app_data(desk.clone())
                .wrap(session::middleware(&state))
                .wrap(Compress::default())
                .wrap(from_fn(security::harden))
                .wrap(TracingLogger::default())
                .configure(routes::configure)
        });
        tokio::spawn(server.workers(1).disable_signals().listen(listener).unwrap().run());
        Self { url, access }
    }

    async fn person(&self, name: &str, role: Role) -> Client {
        self.access.create_user(name, role, PASSWORD.into(), &Actor::Cli).await.unwrap();
        let mut client = Client::new(&self.url);
        client.login(name, PASSWORD).await;
        client
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_order_is_shown_with_its_evidence_and_can_only_be_asked_about() {
    let house = House::on(Database::Sqlite).await;
    let server = Server::over(&house).await;
    let mut ann = server.person("ann", Role::Operator).await;
    let empty = ann.get("/orders/unknown").await;
    assert!(empty.body.contains("No order&#39;s outcome is unknown.") || empty.body.contains("outcome is unknown."));
    let (model, exchange) = house.trading(&[("USDT", "1000")]).await;
    let id = house.buy(model, &exchange, Reply::LostAfter(60_000)).await;
    house.follow(3_000).await;
    let page = ann.get("/orders/unknown").await;
    for words in [
        "no answer within 15 s",
        "attempt 1 was committed and sent",
        "the exchange does not know it: no such order",
        "it can no longer arrive",
        "of 3 answers that it is not known",
        "43.25 USDT of the budget",
        "further orders on the same side of BTCUSDT",
        "Probe now",
        "data-expires",
        "csa1b2c3-d",
    ] {
        assert!(page.body.contains(words), "{words} is missing: {}", page.body);
    }
    for words in ["Resend", "Send again", "Mark as", "Cancel order"] {
        assert!(!page.body.contains(words), "{words} is no legal action");
    }
    assert!(ann.get("/orders").await.body.contains(r#"href="/orders/unknown""#));
    assert!(ann.get(&format!("/orders/{id}")).await.body.contains(&format!("/orders/unknown#unknown-{id}")));
    assert!(ann.get("/incidents").await.body.contains(r#"<a href="/orders/unknown">the evidence</a>"#));
    assert!(ann.get("/").await.body.contains("unknown</a>"), "said at the top of every page");
    let answer = ann.post_form(&format!("/orders/{id}/probe"), &[("from", "unknown")]).await;
    assert_eq!((answer.status, answer.header("location")), (303, "/orders/unknown"));
    assert!(ann.get("/orders/unknown").await.body.contains("Asked: the exchange does not know it"));
    house.clock.advance_ms(60_000);
    ann.post_form(&format!("/orders/{id}/probe"), &[("from", "unknown")]).await;
    assert!(ann.get("/orders/unknown").await.body.contains("is known now. Filled"));
    assert_eq!(house.order(id).await.status(), OrderStatus::Filled);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_probe_by_the_api_asks_operators_only_and_unknown_orders_only() {
    let house = House::on(Database::Sqlite).await;
    let server = Server::over(&house).await;
    let (model, exchange) = house.trading(&[("USDT", "1000")]).await;
    let id = house.buy(model, &exchange, Reply::LostAfter(0)).await;
    let url = format!("/api/orders/{id}/probe");
    let mut viewer = server.person("vic", Role::Viewer).await;
    assert_eq!(viewer.api("POST", &url, Value::Null).await.status, 403);
    assert!(!viewer.get("/orders/unknown").await.body.contains("Probe now"));
    let mut ann = server.person("ann", Role::Operator).await;
    assert_eq!(ann.api("POST", "/api/orders/999/probe", Value::Null).await.status, 404);
    let answer = ann.api("POST", &url, Value::Null).await;
    assert_eq!((answer.status, answer.json()["status"].as_str()), (200, Some("filled")), "{}", answer.body);
    let again = ann.api("POST", &url, Value::Null).await;
    assert_eq!((again.status, again.code().as_str()), (409, "not_unknown"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn differences_are_shown_settled_with_a_reason_and_stay_on_the_page() {
    let house = House::on(Database::Sqlite).await;
    let server = Server::over(&house).await;
    let mut ann = server.person("ann", Role::Operator).await;
    assert!(ann.get("/reconciliation").await.body.contains("No exchange account is connected."));
    let (_, exchange) = house.trading(&[("USDT", "1000"), ("BTC", "1")]).await;
    exchange.manual_trade(Side::Sell, "0.01");
    house.clock.advance_ms(1_000);
    let account = exchange.fingerprint().to_string();
    let answer = ann.post_form(&format!("/reconciliation/{account}/run"), &[]).await;
    assert_eq!((answer.status, answer.header("location")), (303, "/reconciliation"));
    let page = ann.get("/reconciliation").await;
    for words in [
        "Reconciled: 1 unexplained",
        "Trade that is not ours",
        "sell 0.01 BTC at 43250",
        "Entries are halted",
        "-0.01 BTC, +432.0675 USDT",
        "Sage",
        "Testnet",
        "At first contact",
        "History of runs",
    ] {
        assert!(page.body.contains(words), "{words} is missing: {}", page.body);
    }
    let id = house.differences(exchange.fingerprint()).await[0].id;
    let url = format!("/reconciliation/differences/{id}");
    let refused = ann.post_form(&url, &[("action", "adopt"), ("reason", "  ")]).await;
    assert_eq!(refused.status, 422);
    assert!(refused.body.contains("A reason of 1 to 500 characters is required."), "{}", refused.body);
    assert_eq!(ann.post_form(&url, &[("action", "erase"), ("reason", "x")]).await.status, 422);
    let mut viewer = server.person("vic", Role::Viewer).await;
    assert_eq!(viewer.post_form(&url, &[("action", "adopt"), ("reason", "x")]).await.status, 403);
    assert!(!viewer.get("/reconciliation").await.body.contains(r#"value="adopt""#));
    let reason = "<b>sold</b> by hand";
    assert_eq!(ann.post_form(&url, &[("action", "adopt"), ("reason", reason)]).await.status, 303);
    let page = ann.get("/reconciliation").await;
    assert!(page.body.contains("adopted by ann") && page.body.contains("by hand"), "{}", page.body);
    assert!(!page.body.contains("<b>sold"), "text stays text");
    assert!(page.body.contains("entries may go on"));
    let late = ann.post_form(&url, &[("action", "explain"), ("reason", "x")]).await;
    assert_eq!(late.status, 303);
    assert!(ann.get("/reconciliation").await.body.contains("it is adopted already by ann"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn htmx_gets_the_account_back_and_not_a_redirect() {
    let house = House::on(Database::Sqlite).await;
    let server = Server::over(&house).await;
    let (_, exchange) = house.trading(&[("USDT", "1000")]).await;
    let mut ann = server.person("ann", Role::Operator).await.with_header("hx-request", "true");
    let account = exchange.fingerprint().to_string();
    let answer = ann.post_form(&format!("/reconciliation/{account}/run"), &[]).await;
    assert_eq!(answer.status, 200);
    assert!(answer.body.contains(&format!(r#"id="account-{account}""#)) && answer.body.contains("Reconciled: nothing"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wiped_account_begins_anew_by_a_person_only() {
    let house = House::on(Database::Sqlite).await;
    let server = Server::over(&house).await;
    let (model, exchange) = house.trading(&[("USDT", "1000")]).await;
    house.buy(model, &exchange, Reply::Filled).await;
    house.reconcile(&exchange).await;
    let account = exchange.fingerprint().to_string();
    let url = format!("/reconciliation/{account}/begin-anew");
    let mut ann = server.person("ann", Role::Operator).await;
    assert_eq!(ann.get(&url).await.status, 303, "there is nothing to begin anew");
    exchange.wipe(&[("USDT", "10000")]);
    house.reconcile(&exchange).await;
    let page = ann.get("/reconciliation").await;
    assert!(page.body.contains("has forgotten us") && page.body.contains(&url), "{}", page.body);
    assert!(ann.get(&url).await.body.contains("Write off and begin anew"));
    assert_eq!(ann.post_form(&url, &[("reason", "")]).await.status, 422);
    assert_eq!(ann.post_form(&url, &[("reason", "the monthly wipe")]).await.status, 303);
    let page = ann.get("/reconciliation").await;
    assert!(page.body.contains("begun anew, 1 positions written off") && page.body.contains("agrees"), "{}", page.body);
    assert_eq!(ann.get("/reconciliation/nonsense/begin-anew").await.status, 404);
}
