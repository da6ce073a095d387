//! What was confirmed stays: over restarts, kills, torn lines and files that are written anew.

use super::house::{BALANCES, House, KEY, SECRET, Wire, Wishes, open_with, sign};
use crate::support::ManualClock;
use countersign::adapters::clock::SystemClock;
use countersign::adapters::paper_exchange::OpenedLog;
use countersign::ports::clock::Clock;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// Everything of an account that questions show.
async fn everything(house: &House) -> Vec<Value> {
    let mut all = Vec::new();
    for (path, params) in [
        ("/api/v3/account", ""),
        ("/api/v3/openOrders", ""),
        ("/api/v3/allOrders", "symbol=BTCUSDT"),
        ("/api/v3/myTrades", "symbol=BTCUSDT"),
        ("/api/v3/allOrderList", ""),
    ] {
        all.push(house.signed("GET", path, params).await.good());
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_forgets_nothing_and_goes_on_counting() {
    let dir = tempfile::tempdir().unwrap();
    let (path, clock) = (dir.path().join("state"), ManualClock::default());
    let house = open_with(Wishes::remembering(&path, &clock)).await;
    house.place("symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.01").await.good();
    let limit = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price=80000&newClientOrderId=rest";
    let id = house.place(limit).await.good()["orderId"].as_i64().unwrap();
    house.place("symbol=BTCUSDT&side=SELL&type=STOP_LOSS&quantity=0.5&stopPrice=70000").await.good();
    let oco = "symbol=BTCUSDT&side=SELL&quantity=0.1&aboveType=LIMIT_MAKER&abovePrice=150000&belowType=STOP_LOSS&belowStopPrice=70000";
    house.signed("POST", "/api/v3/orderList/oco", oco).await.good();
    let before = everything(&house).await;
    house.exchange.stop().await;

    let house = open_with(Wishes::remembering(&path, &clock)).await;
    assert_eq!(everything(&house).await, before);
    assert_eq!(house.place(limit).await.code(), -2010, "its name is still taken");
    let canceled = house.signed("DELETE", "/api/v3/order", "symbol=BTCUSDT&origClientOrderId=rest").await.good();
    assert_eq!(canceled["status"], "CANCELED");
    let next = house.place(limit).await.good()["orderId"].as_i64().unwrap();
    assert!(next > id + 3, "no number is given twice");
    house.exchange.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_log_becomes_a_snapshot_and_means_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let (path, clock) = (dir.path().join("state"), ManualClock::default());
    let wishes = || Wishes { state_lines_max: Some(4_000), ..Wishes::remembering(&path, &clock) };
    let house = open_with(wishes()).await;
    for n in 0..60 {
        let order = format!(
            "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.001&price=80000&newClientOrderId=n{n}"
        );
        house.place(&order).await.good();
        if n % 3 > 0 {
            let cancel = format!("symbol=BTCUSDT&origClientOrderId=n{n}");
            house.signed("DELETE", "/api/v3/order", &cancel).await.good();
        }
    }
    let before = everything(&house).await;
    house.exchange.stop().await;
    let text = std::fs::read_to_string(&path).unwrap();
    let lines = text.lines().count();
    assert!(!text.starts_with("{\"state\":1") || !text.contains("\"snapshot\":null"), "a snapshot was written");
    assert!(lines < 100, "{lines} lines for 100 commands: the older ones are in the snapshot");
    let house = open_with(wishes()).await;
    assert_eq!(everything(&house).await, before);
    house.exchange.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_torn_last_line_costs_only_the_order_that_nobody_was_told_about() {
    let dir = tempfile::tempdir().unwrap();
    let (path, clock) = (dir.path().join("state"), ManualClock::default());
    let house = open_with(Wishes::remembering(&path, &clock)).await;
    let order = |n: u32| {
        format!("symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.001&price=80000&newClientOrderId=t{n}")
    };
    house.place(&order(1)).await.good();
    let whole = std::fs::metadata(&path).unwrap().len();
    house.place(&order(2)).await.good();
    house.exchange.stop().await;
    let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.set_len(whole + 30).unwrap();
    let wishes = Wishes::remembering(&path, &clock);
    assert_eq!(wishes.state.as_ref().map(|log| log.cut), Some(30));
    let house = open_with(wishes).await;
    let open = house.signed("GET", "/api/v3/openOrders", "").await.good();
    assert_eq!(open.as_array().unwrap().len(), 1);
    house.place(&order(2)).await.good();
    house.exchange.stop().await;
    assert_eq!(OpenedLog::open(&path, 1, clock.now()).unwrap().cut, 0);
}

/// The exchange as a process of its own.
struct Killable {
    child: Child,
    wire: Wire,
}

impl Killable {
    async fn start(dir: &Path) -> Self {
        let account = format!("{KEY}:{SECRET}:{BALANCES}");
        let args =
            ["paper-exchange", "--listen", "127.0.0.1:0", "--limits", "off", "--state", "state", "--account", &account];
        let mut child = Command::new(env!("CARGO_BIN_EXE_countersign"))
            .current_dir(dir)
            .args(args)
            .kill_on_drop(true)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = lines.next_line().await.unwrap().expect("the exchange starts");
        Self { child, wire: Wire::new(line.strip_prefix("URL: ").unwrap()) }
    }

    async fn ask(wire: &Wire, method: &str, path: &str, params: &str) -> Result<Value, reqwest::Error> {
        let payload = format!("{params}&timestamp={}&recvWindow=60000", SystemClock.now().0);
        let target = format!("{path}?{payload}&signature={}", sign(SECRET, &payload));
        let answer = wire.try_send(method, &target, &[("X-MBX-APIKEY", KEY)], "").await?;
        Ok(answer.good())
    }
}

/// Rounds of a process that is killed under load.
const KILLS: usize = 3;
/// Clients that place orders at the same time.
const CLIENTS: usize = 6;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_exchange_remembers_every_order_that_it_confirmed_exactly_once() {
    let dir = tempfile::tempdir().unwrap();
    let mut confirmed: BTreeSet<String> = BTreeSet::new();
    for round in 0..KILLS {
        let mut exchange = Killable::start(dir.path()).await;
        let count = Arc::new(AtomicUsize::new(0));
        let clients = (0..CLIENTS).map(|client| {
            let (wire, count) = (exchange.wire.clone(), Arc::clone(&count));
            tokio::spawn(async move {
                let mut told = Vec::new();
                for n in 0.. {
                    let name = format!("r{round}c{client}n{n}");
                    let order = format!("symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.0001&newClientOrderId={name}");
                    match Killable::ask(&wire, "POST", "/api/v3/order", &order).await {
                        Ok(_) => told.push(name),
                        Err(_) => break,
                    }
                    count.fetch_add(1, Ordering::SeqCst);
                }
                told
            })
        });
        let clients: Vec<_> = clients.collect();
        // Killed in the middle of the load, at another point in each round.
        while count.load(Ordering::SeqCst) < 20 + 17 * round {
            tokio::task::yield_now().await;
        }
        exchange.child.kill().await.unwrap();
        for client in clients {
            confirmed.extend(client.await.unwrap());
        }
    }
    let exchange = Killable::start(dir.path()).await;
    let all = Killable::ask(&exchange.wire, "GET", "/api/v3/allOrders", "symbol=BTCUSDT&limit=1000").await.unwrap();
    let found: Vec<String> =
        all.as_array().unwrap().iter().map(|order| order["clientOrderId"].as_str().unwrap().to_owned()).collect();
    let distinct: BTreeSet<String> = found.iter().cloned().collect();
    assert_eq!(distinct.len(), found.len(), "no order is there twice");
    let lost: Vec<&String> = confirmed.difference(&distinct).collect();
    assert!(lost.is_empty(), "confirmed and forgotten: {lost:?}");
    assert!(confirmed.len() >= KILLS * 20);
}
