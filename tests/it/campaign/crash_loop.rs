//! The crash loop: a process of its own ends at its n-th commit or call to the exchange, for every n, before the call and
//! after it. Another one takes over with nothing but the workers' rounds, and then everything must agree.
//!
//! The exchange lives on in this process. The process that dies is this same binary with one test picked out, so that it
//! dies as processes do: no destructor runs, its lease lapses by itself, its database is found as it was left.

use super::check::{Tally, check};
use super::fuse::{Fuse, arrange};
use super::world::{ANN, House, Owner, Story, apart, exchange, market};
use countersign::adapters::paper_exchange::{Action, Fault, PaperExchange};
use countersign::domain::ids::{DecisionId, TraderId};
use countersign::domain::venue_kind::ExchangeEnvironment;
use countersign::ports::market_data::MarketData;
use countersign::services::reconcile::{reconcile_due, reconcile_now};
use countersign::services::resolve_unknown::resolve_due;
use countersign::services::submit_order::{cancel, follow_up};
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::process::Command;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Tells the child what to do; nobody else sets it.
const JOB: &str = "COUNTERSIGN_CRASH_JOB";
/// What the child prints before its count of calls.
const CALLS: &str = "calls made: ";
/// Cases at once: nearly all of their time is spent waiting for leases to lapse and absence to be proven.
const SIDE_BY_SIDE: usize = 32;
/// What a process dies doing.
const FLOWS: [&str; 6] = ["approve", "submit", "fill", "cancel", "close", "reconcile"];

/// One death.
#[derive(Clone, Copy, Debug)]
struct Case {
    flow: &'static str,
    die_at: usize,
    before: bool,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whenever_the_process_ends_every_order_happens_once_and_the_books_agree() {
    let begun = Instant::now();
    let market = market();
    let places = Arc::new(Semaphore::new(SIDE_BY_SIDE));
    let mut cases = Vec::new();
    let whole = FLOWS.map(|flow| {
        let market = Arc::clone(&market);
        tokio::spawn(apart(move || play(Case { flow, die_at: 0, before: false }, market, Story::default())))
    });
    for (flow, played) in FLOWS.into_iter().zip(whole) {
        let (calls, _) = played.await.unwrap().unwrap();
        assert!(calls > 0, "{flow} touches neither store nor exchange");
        println!("{flow}: {calls} calls");
        let both = [true, false].into_iter();
        cases.extend(both.flat_map(|before| (1..=calls).map(move |die_at| Case { flow, die_at, before })));
    }
    let mut playing = JoinSet::new();
    for case in cases {
        let (market, places) = (Arc::clone(&market), Arc::clone(&places));
        playing.spawn(async move {
            let _place = places.acquire().await.unwrap();
            let story = Story::default();
            let told = story.clone();
            let outcome = apart(move || play(case, market, told)).await;
            (case, story, outcome)
        });
    }
    let (mut tally, mut failed) = (Tally::default(), Vec::new());
    while let Some(played) = playing.join_next().await {
        match played.unwrap() {
            (_, _, Ok((_, seen))) => tally.add(&seen),
            (case, story, Err(problems)) => {
                println!("--- {case:?} failed:\n{problems}\n{}\n", story.told());
                failed.push(case);
            }
        }
    }
    println!("{tally}in {} s", begun.elapsed().as_secs());
    assert!(failed.is_empty(), "{} cases failed: {failed:?}", failed.len());
}

/// Plays a case to its end: how many calls the flow made when nothing ended it, and what was seen.
async fn play(case: Case, market: Arc<dyn MarketData>, story: Story) -> Result<(usize, Tally), String> {
    let exchange = exchange(&market).await;
    let dir = tempfile::tempdir().unwrap();
    let (trader, decision) = prepare(dir.path(), &exchange, case.flow, &story).await;
    let job = |flow: &str, case: Case| {
        json!({
            "dir": dir.path(), "url": exchange.url(), "trader": trader.0, "decision": decision.0,
            "flow": flow, "die_at": case.die_at, "before": case.before,
        })
    };
    let died = start(&job(case.flow, case)).await;
    let said = String::from_utf8_lossy(&died.stdout).into_owned();
    let calls = said.lines().find_map(|line| line.split_once(CALLS)?.1.trim().parse().ok()).unwrap_or(0);
    let mut tally = Tally::default();
    if died.status.success() {
        tally.count(format!("{} came to its end", case.flow), 1);
    } else if case.die_at == 0 || died.status.code().is_some() {
        // A failed assertion is an exit code; an aborted process has none.
        return Err(format!("the child failed: {said}\n{}", String::from_utf8_lossy(&died.stderr)));
    } else {
        tally.count(format!("{} ended at a call", case.flow), 1);
    }
    let survivor = start(&job("recover", Case { die_at: 0, ..case })).await;
    if !survivor.status.success() {
        let (out, err) = (String::from_utf8_lossy(&survivor.stdout), String::from_utf8_lossy(&survivor.stderr));
        return Err(format!("the process that took over failed: {out}\n{err}"));
    }
    let house = House::open(dir.path(), &exchange.url(), |_| {}).await;
    tally.add(&check(&house, &Owner::of(&exchange), trader, &story).await?);
    exchange.stop().await;
    Ok((calls, tally))
}

/// What lies before a flow; nothing dies here.
async fn prepare(dir: &Path, exchange: &PaperExchange, flow: &str, story: &Story) -> (TraderId, DecisionId) {
    let house = House::open(dir, &exchange.url(), |_| {}).await;
    let trader = house.furnish("market").await;
    let decision = house.propose(trader.id, "0.01").await;
    if flow != "approve" {
        assert!(house.approve(decision.id, story).await);
    }
    match flow {
        "close" => house.send().await,
        "fill" | "reconcile" => {
            // It is executed, and we do not know.
            exchange.faults().add(Fault::once("POST", "/api/v3/order", Action::DropAfterAccept));
            house.send().await;
        }
        _ => {}
    }
    (trader.id, decision.id)
}

async fn start(job: &Value) -> Output {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "campaign::crash_loop::child", "--ignored", "--nocapture"])
        .env(JOB, job.to_string())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .unwrap()
}

/// The process that dies, or the one that takes over.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the crash loop starts it as a process of its own"]
async fn child() {
    let Ok(job) = std::env::var(JOB) else { return };
    let job: Value = serde_json::from_str(&job).unwrap();
    let text = |field: &str| job[field].as_str().unwrap();
    let (trader, decision) = (TraderId(job["trader"].as_i64().unwrap()), DecisionId(job["decision"].as_i64().unwrap()));
    let die_at = usize::try_from(job["die_at"].as_u64().unwrap()).unwrap();
    let fuse = Fuse::new(die_at, job["before"].as_bool().unwrap());
    let house = House::open(Path::new(text("dir")), text("url"), |desk| arrange(desk, &fuse)).await;
    let story = Story::default();
    match text("flow") {
        "recover" => {
            let rounds = house.start_rounds(&story);
            house.settled().await.unwrap();
            house.agreed(trader, &story).await.unwrap();
            drop(rounds);
        }
        flow => {
            // A process enters nothing before it has reconciled, and reconciling is a flow of its own.
            if flow != "reconcile" && flow != "fill" {
                assert_eq!(reconcile_due(&house.desk).await.unwrap(), 1);
            }
            fuse.light();
            run(&house, flow, trader, decision, &story).await;
        }
    }
    println!("\n{CALLS}{}", fuse.calls());
}

async fn run(house: &House, flow: &str, trader: TraderId, decision: DecisionId, story: &Story) {
    let desk = &house.desk;
    match flow {
        "approve" => assert!(house.approve(decision, story).await, "{}", story.told()),
        "submit" => house.send().await,
        "fill" => {
            while !desk.store.open_orders(None).await.unwrap().is_empty() {
                follow_up(desk).await.unwrap();
                resolve_due(desk).await.unwrap();
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
        "cancel" => {
            let open = desk.store.open_orders(Some(trader)).await.unwrap();
            cancel(desk, open[0].id, ANN).await.unwrap();
        }
        "close" => {
            let trader = desk.store.trader(trader).await.unwrap().unwrap();
            assert!(house.close(&trader, story).await, "{}", story.told());
            house.send().await;
        }
        "reconcile" => {
            let held = desk.store.credential(trader, ExchangeEnvironment::Testnet).await.unwrap().unwrap();
            reconcile_now(desk, &held.fingerprint, ANN).await.unwrap();
        }
        other => panic!("no such flow: {other}"),
    }
}
