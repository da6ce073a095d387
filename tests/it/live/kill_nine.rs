//! The program and the exchange are killed, again and again, while models trade: afterwards every order is at the
//! exchange once or not at all, and both sides tell the same fills.
//!
//! `COUNTERSIGN_KILLS` says how often (20), `COUNTERSIGN_KILLS_SEED` which random moments. Requests are late, lost and
//! hidden on purpose all the while.

mod books;
mod load;
mod pair;

use crate::paper_exchange::house::Wire;
use crate::support::{Client, Database, PASSWORD, postgres};
use books::{duplicates, lost, our_fills, our_orders, theirs};
use countersign::adapters::store::SqlStore;
use countersign::domain::credential::AccountFingerprint;
use countersign::domain::order::{OrderState, OrderStatus};
use countersign::domain::reconciliation::RunOutcome;
use countersign::domain::time::Timestamp;
use countersign::domain::venue_kind::ExchangeEnvironment;
use countersign::ports::store::{AccountReads, Reads};
use load::{Caller, Tally, trade};
use pair::{ACCOUNTS, Pair};
use rand::RngExt;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Kills unless the environment says another number.
const KILLS: usize = 20;
/// Models, in turn on each account, in turn acting by themselves and asking.
const MODELS: usize = 12;
/// A round is over when this many new orders were journaled,
const ORDERS_A_ROUND: usize = 6;
/// or after this long: a model whose run was cut off waits until the dead process's right to it lapses.
const ROUND: Duration = Duration::from_secs(8);
/// Longer than a dead process's rights hold and absence takes to prove.
const SETTLES_WITHIN: Duration = Duration::from_secs(300);
/// Between two looks at what the desk does.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Waits as long as rights and proofs take, until nothing is open any more.
async fn settle(store: &SqlStore) -> Duration {
    let begun = Instant::now();
    let settled = async {
        while !store.open_orders(None).await.unwrap().is_empty() || !store.outbox(1).await.unwrap().is_empty() {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    let settled = tokio::time::timeout(SETTLES_WITHIN, settled).await;
    assert!(settled.is_ok(), "still open: {:#?}", store.open_orders(None).await.unwrap());
    begun.elapsed()
}

/// Holds the books of an account against the exchange's once more, by hand; how many differences that finds.
async fn reconcile(pair: &Pair, store: &SqlStore, key: &str) -> usize {
    let account = AccountFingerprint::of_key(ExchangeEnvironment::Testnet, key);
    let mut ada = Client::new(&pair.desk_url());
    ada.login("ada", PASSWORD).await;
    let before =
        store.reconciliation_runs(&account, 1).await.unwrap().first().map_or(Timestamp(0), |run| run.finished_at);
    let looking = async {
        loop {
            // Refused while the run of a process that was killed still holds the account.
            ada.post_form(&format!("/reconciliation/{account}/run"), &[]).await;
            let last = store.reconciliation_runs(&account, 1).await.unwrap().remove(0);
            if last.started_at > before && last.outcome != RunOutcome::Failed {
                return last;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    let last = tokio::time::timeout(SETTLES_WITHIN, looking).await.expect("the account is never reconciled");
    let differences = store.current_differences(&account).await.unwrap();
    assert_eq!(last.outcome, RunOutcome::Agreed, "{}: {differences:#?}", last.summary);
    differences.len()
}

/// How often and at which random moments.
fn wishes() -> (usize, u64) {
    let number = |variable: &str| std::env::var(variable).ok().and_then(|text| text.parse::<u64>().ok());
    let kills = number("COUNTERSIGN_KILLS").map_or(KILLS, |kills| usize::try_from(kills).unwrap());
    (kills, number("COUNTERSIGN_KILLS_SEED").unwrap_or_else(|| rand::rng().random_range(0..1_000_000)))
}

/// Kills the desk so often, while there is something to lose; answers how often the exchange went with it.
async fn under_fire(pair: &mut Pair, store: &SqlStore, kills: usize) -> usize {
    let mut exchange_kills = 0;
    for round in 0..kills {
        // The last fifth at any moment after the start.
        if round < kills - kills / 5 {
            let (before, since) = (our_orders(store).await.len(), Instant::now());
            while our_orders(store).await.len() < before + ORDERS_A_ROUND && since.elapsed() < ROUND {
                tokio::time::sleep(LOOK_EVERY).await;
            }
            pair.pause(800).await;
        } else {
            pair.pause(2_500).await;
        }
        exchange_kills += usize::from(pair.kill(round).await);
    }
    exchange_kills
}

async fn story(name: &str, database: Database) {
    let (kills, seed) = wishes();
    println!("{name}: {kills} kills, COUNTERSIGN_KILLS_SEED={seed}");
    let mut pair = Pair::new(database, seed);
    let token = pair.token().await;
    pair.start_exchange().await;
    pair.start_desk().await;
    let caller = Caller { wire: Wire::new(&pair.desk_url()), bearer: format!("Bearer {token}") };
    let store = pair.store().await;
    let (over, mut load) = (Arc::new(AtomicBool::new(false)), Vec::new());
    for n in 0..MODELS {
        let level = if n % 4 < 2 { "fully_automated" } else { "semi_automated" };
        let id = caller.model(&format!("Model {n}"), level, ACCOUNTS[n % 2]).await;
        load.push(tokio::spawn(trade(caller.clone(), id, seed + n as u64, Arc::clone(&over))));
    }
    let begun = Instant::now();
    let exchange_kills = under_fire(&mut pair, &store, kills).await;
    let fire = begun.elapsed();
    over.store(true, Ordering::SeqCst);
    let mut tally = Tally::default();
    for bot in load {
        tally.add(bot.await.unwrap());
    }
    let settled = settle(&store).await;
    let mut rows = vec![
        ("kills of the desk", kills),
        ("kills of the exchange", exchange_kills),
        ("seconds under fire", usize::try_from(fire.as_secs()).unwrap()),
        ("seconds until settled", usize::try_from(settled.as_secs()).unwrap()),
        ("requests answered", tally.answered),
        ("requests unanswered", tally.unanswered),
        ("approvals executed", tally.approved),
    ];
    let wrong = compare(&pair, &store, &mut rows).await;
    for (what, count) in rows {
        println!("{name}: {what:<40}{count:>8}");
    }
    assert_eq!(wrong, Vec::<String>::new());
    nothing_is_said_of_secrets(&pair.dir.path().join("data"));
    nothing_is_said_of_secrets(&pair.dir.path().join("log"));
}

/// Both sides' books side by side, and once more by the desk itself; what is wrong, in words.
async fn compare(pair: &Pair, store: &SqlStore, rows: &mut Vec<(&str, usize)>) -> Vec<String> {
    let orders = our_orders(store).await;
    let fills = our_fills(store, &orders).await;
    let (at_exchange, trades) = theirs(pair).await;
    let (twice, mut gone) = (duplicates(&orders, &at_exchange), lost(&orders, &at_exchange));
    gone.extend(
        fills.symmetric_difference(&trades).map(|(symbol, id, ..)| format!("{symbol} {id} is on one side only")),
    );
    let mut differences = 0;
    for (key, _) in ACCOUNTS {
        differences += reconcile(pair, store, key).await;
    }
    let mut doubtful = 0;
    for order in &orders {
        let events = store.order_events(order.id).await.unwrap();
        doubtful += usize::from(events.iter().any(|(event, _)| event == "lose"));
    }
    let mut denials: BTreeMap<String, usize> = BTreeMap::new();
    for order in &orders {
        if let OrderState::Denied { reason } = &order.state {
            *denials.entry(reason.clone()).or_default() += 1;
        }
    }
    println!("why orders were denied before they were sent: {denials:#?}");
    let count = |status| orders.iter().filter(|order| order.status() == status).count();
    rows.extend([
        ("orders journaled", orders.len()),
        ("denied before they were sent", count(OrderStatus::Denied)),
        ("orders at the exchange", at_exchange.len()),
        ("executions there", trades.len()),
        ("orders that were unknown for a while", doubtful),
        ("duplicates", twice.len()),
        ("lost", gone.len()),
        ("unknown at the end", count(OrderStatus::Unknown)),
        ("differences at the last reconciliation", differences),
    ]);
    // A test that could not have failed says so.
    assert!(at_exchange.len() > rows[0].1, "there was no load to speak of");
    assert!(doubtful > 0, "nothing was ever in doubt: the kills came at harmless moments");
    assert_eq!(differences, 0);
    [twice, gone].concat()
}

/// No secret is in a file, or in any file of a directory.
fn nothing_is_said_of_secrets(path: &Path) {
    if path.is_dir() {
        for entry in std::fs::read_dir(path).unwrap() {
            nothing_is_said_of_secrets(&entry.unwrap().path());
        }
        return;
    }
    let bytes = std::fs::read(path).unwrap();
    for (_, secret) in ACCOUNTS {
        // Compared by its first half: a part of it would be as bad.
        let part = &secret.as_bytes()[..24];
        assert!(!bytes.windows(part.len()).any(|window| window == part), "{} holds a secret", path.display());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_sent_twice_or_lost_on_sqlite() {
    story("sqlite", Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_sent_twice_or_lost_on_postgres() {
    if let Some(database) = postgres::new_database().await {
        story("postgres", database).await;
    }
}
