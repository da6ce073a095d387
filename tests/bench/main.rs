//! Measures the desk on this machine and prints one table: starting, resting, deciding, approving, showing. Figures
//! beside a disk's own, all from one run; nothing here fails because a machine is slow.

#![allow(clippy::unwrap_used, reason = "a measurement that cannot be made ends")]

mod answers;
mod brief;
#[allow(dead_code, reason = "shared with the tests, which use all of it")]
#[path = "../it/support/client.rs"]
mod client;
mod engine;
#[allow(dead_code, reason = "shared with the tests, which use all of it")]
#[path = "../it/support/fake_provider.rs"]
mod fake_provider;
mod house;
mod inbox;
mod paper;
mod record;
mod server;
mod signing;
mod waiting;
mod wire;
#[allow(dead_code, reason = "shared with the tests, which use all of it")]
#[path = "../it/support/wiretap.rs"]
mod wiretap;

use house::House;
use inbox::Inbox;
use server::Server;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

/// Starts of the program that are timed.
const STARTS: usize = 7;
/// How long the program rests before its memory is read.
const REST: Duration = Duration::from_secs(5);
/// Writes that make the disk's own figure.
const SYNCS: usize = 200;
/// Waiting decisions of a quiet and of a crowded inbox.
const INBOXES: [usize; 2] = [100, 10_000];

fn main() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(measure())
}

async fn measure() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let sync = disk_sync(dir.path())?;
    let cycle = House::open(&dir.path().join("cycle")).await.cycles().await;
    let approve = House::open(&dir.path().join("approve")).await.approvals().await;
    let brief = brief::measure(&dir.path().join("brief")).await;
    let wire = wire::measure(&dir.path().join("wire")).await;
    let [quiet, crowded] = inboxes(dir.path()).await?;
    let (quiet_cpu, crowded_cpu) = (quiet.cpu(), crowded.cpu());
    let (weight, gzip_weight) = (crowded.weight("gzip, deflate, br")?, crowded.weight("gzip")?);
    drop((quiet, crowded));
    let record = record::measure(&dir.path().join("record")).await;
    let waiting = waiting::measure(&dir.path().join("waiting")).await?;
    let started = start(&dir.path().join("start"))?;
    println!("| What | Measured | Target |\n|---|---|---|");
    let row = |what: &str, measured: String, target: &str| println!("| {what} | {measured} | {target} |");
    row("Start to first answer, existing database (median)", ms(started.0), "< 100 ms");
    row("Memory at rest (RSS)", format!("{:.1} MB", started.1), "< 30 MB");
    row("The disk's own write and fsync (median)", ms(sync), "");
    row("Smallest durable commit (median)", ms(cycle.commit), "");
    row("Cycle of six coins, fully automated (median)", ms(cycle.whole), "< 10 ms");
    row(
        "Transactions of a cycle, its six decisions and their orders in one of them",
        cycle.transactions.to_string(),
        "",
    );
    record.rows(row);
    row("Approve to durable order (median)", ms(approve), "");
    row("the same beyond one fsync", ms(approve.saturating_sub(sync)), "< 5 ms");
    row("Click on Approve to the order's first bytes on the wire (median)", ms(wire.whole), "");
    row("Two of the smallest durable commits, before each click (median)", ms(wire.commits), "");
    row("the click to the wire without them (median)", ms(wire.beyond), "< 5 ms");
    signing::rows(row);
    answers::rows(row);
    row("Brief of six coins and its prompt, candles at hand, no history (median)", ms(brief.market), "< 1 ms");
    row("the same with the database's part of it", ms(brief.whole), "");
    row("Inbox page, 100 waiting: processor time", ms(quiet_cpu), "< 2 ms");
    row("Inbox page, 10,000 waiting: processor time", ms(crowded_cpu), "< 2 ms");
    let ratio = crowded_cpu.as_secs_f64() / quiet_cpu.as_secs_f64().max(1e-9);
    row("Inbox, 10,000 against 100", format!("{ratio:.2} x"), "≤ 1.5 x");
    row("Inbox page with style and scripts, as browsers ask", format!("{:.1} kB", weight), "< 60 kB");
    row("Inbox page with style and scripts, gzip alone", format!("{:.1} kB", gzip_weight), "< 60 kB");
    waiting.rows(row);
    row(
        "Paper exchange: matched orders in a second, engine alone (median)",
        format!("{:.0}", engine::matched_per_second()),
        "> 50,000",
    );
    let paper = paper::measure(&dir.path().join("paper"))?;
    row(
        "Paper exchange: signed orders in a second of one core, each on the disk before its answer",
        format!("{:.0}", 1.0 / paper.cpu.as_secs_f64().max(1e-9)),
        "> 5,000",
    );
    row("the same by the clock, with 64 clients on this machine", format!("{:.0}", paper.rate), "");
    Ok(())
}

fn ms(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1_000.0)
}

/// The middle of the measured times.
pub fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn disk_sync(dir: &Path) -> anyhow::Result<Duration> {
    let mut file = std::fs::File::create(dir.join("sync"))?;
    let mut times = Vec::new();
    for _ in 0..SYNCS {
        let begun = Instant::now();
        file.write_all(&[7; 4_096])?;
        file.sync_data()?;
        times.push(begun.elapsed());
    }
    Ok(median(times))
}

/// Time to the first answer, and memory at rest in MB.
fn start(dir: &Path) -> anyhow::Result<(Duration, f64)> {
    // The first start makes the database.
    drop(Server::start(dir)?);
    let mut times = Vec::new();
    for _ in 0..STARTS {
        times.push(Server::start(dir)?.started_in);
    }
    let server = Server::start(dir)?;
    std::thread::sleep(REST);
    Ok((median(times), server.resident_mb()?))
}

/// A quiet and a crowded inbox, measured in turns: whatever else the machine does meets both.
async fn inboxes(dir: &Path) -> anyhow::Result<[Inbox; 2]> {
    let [quiet, crowded] = INBOXES;
    let open = async |name: &str, count| {
        let dir = dir.join(name);
        House::open(&dir).await.fill_inbox(count).await;
        Inbox::open(&dir).await
    };
    let mut both = [open("quiet", quiet).await?, open("crowded", crowded).await?];
    inbox::in_turns(&mut both).await?;
    Ok(both)
}
