//! `records`: every record is replayed, or written out, beside a running server.

use super::{damaged, newest, told_otherwise};
use crate::llm::desk::{answer, decision, purchase, run as ask, sage};
use crate::support::House;
use crate::support::fake_provider::{FakeProvider, Reply};
use crate::support::process::{complaint, last_line, run};
use countersign::domain::cycle::Cycle;
use flate2::read::GzDecoder;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::process::Output;

on_each_database!(
    every_record_is_replayed_and_what_differs_is_told,
    records_are_written_out_as_lines,
    a_damaged_record_is_told_and_left_out,
);

/// Runs `countersign records ...` on the house's database.
async fn records(house: &House, args: &[&str]) -> Output {
    let store = &house.settings.store;
    let (dir, url) = (store.data_dir.to_string_lossy().into_owned(), store.database_url.expose().to_owned());
    let place = ["--data-dir", &dir, "--database-url", &url];
    run(&house.data_dir(), &[&["records"], args, &place].concat(), "").await
}

/// A language model that was asked twice and answered once, and another model with a decision sent in.
async fn furnished(house: &House) -> (i64, Cycle) {
    let provider = FakeProvider::start().await;
    provider.answer(answer(&[decision("BTC", purchase()), decision("ETH", json!({}))]));
    let mut admin = house.admin().await;
    let model = sage(&mut admin, &provider).await;
    ask(&mut admin, model).await;
    let cycle = newest(house, model).await;
    provider.forget_answers();
    provider.answer(Reply::json(401, json!({})));
    admin.post(&format!("/api/models/{model}/cycle"), json!({})).await.refused(503, "advisor_failed");
    house.pass_minutes(2 * 24 * 60);
    house.waiting("Asks").await;
    (model, cycle)
}

async fn every_record_is_replayed_and_what_differs_is_told(house: House) {
    let none = records(&house, &["replay"]).await;
    assert_eq!(
        (none.status.code(), last_line(&none).as_str()),
        (Some(0), "0 replayed, 0 identical, 0 differ, 0 without an answer")
    );
    let (_, cycle) = furnished(&house).await;
    let same = records(&house, &["replay"]).await;
    assert!(same.status.success(), "{}", complaint(&same));
    assert_eq!(String::from_utf8(same.stdout).unwrap(), "3 replayed, 2 identical, 0 differ, 1 without an answer\n");

    let stricter = told_otherwise(&house, &cycle, |bundle| {
        bundle.trader.settings.set("max_position_size_pct", "1").unwrap();
    });
    let stricter = stricter.await.id;
    let differs = records(&house, &["replay"]).await;
    assert_eq!(differs.status.code(), Some(1));
    let told = String::from_utf8(differs.stdout.clone()).unwrap();
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(lines[0], format!("cycle {stricter}, BTC ruling: recorded passed; now denied"));
    assert!(lines[1].starts_with(&format!("cycle {stricter}, BTC rule POSITION_SIZE: recorded ")), "{told}");
    assert_eq!(lines[2..], ["4 replayed, 2 identical, 1 differ, 1 without an answer"]);
    assert!(complaint(&differs).contains("other decisions follow"), "{}", complaint(&differs));
}

fn names(lines: &str) -> Vec<String> {
    lines.lines().map(|line| hex::encode(Sha256::digest(line))).collect()
}

async fn records_are_written_out_as_lines(house: House) {
    let (model, cycle) = furnished(&house).await;
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_string_lossy().into_owned();
    let file = path("all.jsonl");
    let output = records(&house, &["export", "--out", &file]).await;
    assert!(output.status.success(), "{}", complaint(&output));
    assert_eq!(last_line(&output), "3 records written");
    let all = std::fs::read_to_string(&file).unwrap();
    assert_eq!(names(&all).len(), 3);
    assert_eq!(&names(&all)[0], cycle.bundle.as_ref().unwrap().as_str(), "a line is the document, byte for byte");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);

    let again = records(&house, &["export", "--out", &file]).await;
    assert_eq!(again.status.code(), Some(2));
    assert!(complaint(&again).contains("there already"), "{}", complaint(&again));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), all, "nothing is overwritten");

    let packed = path("all.jsonl.gz");
    assert!(records(&house, &["export", "--out", &packed]).await.status.success());
    let mut unpacked = String::new();
    GzDecoder::new(std::fs::File::open(&packed).unwrap()).read_to_string(&mut unpacked).unwrap();
    assert_eq!(unpacked, all);

    let piped = records(&house, &["export", "--out", "-"]).await;
    assert_eq!(String::from_utf8(piped.stdout.clone()).unwrap(), all);
    assert!(complaint(&piped).contains("3 records written"));

    let first: Value = serde_json::from_str(all.lines().next().unwrap()).unwrap();
    let next_day = house.desk.clock.now().plus_ms(-24 * 3_600_000);
    let next_day = countersign::web::show::rfc3339(next_day.0);
    for (args, count) in [
        (vec!["--model", &model.to_string()], 2),
        (vec!["--model", "999"], 0),
        (vec!["--since", &next_day], 1),
        (vec!["--before", &next_day], 2),
        (vec!["--before", &next_day[..10], "--since", "1990-01-01"], 2),
        (vec!["--since", &next_day, "--model", &model.to_string()], 0),
    ] {
        let output = records(&house, &[&["export", "--out", "-"], args.as_slice()].concat()).await;
        assert!(output.status.success(), "{}", complaint(&output));
        assert_eq!(names(&String::from_utf8(output.stdout).unwrap()).len(), count, "{args:?}");
    }
    assert_eq!(first["cycle_id"], json!(cycle.id));
    let wrong = records(&house, &["export", "--out", "-", "--since", "yesterday"]).await;
    assert_eq!(wrong.status.code(), Some(2));
    let nowhere = records(&house, &["export", "--out", &path("no/such/dir.jsonl")]).await;
    assert_eq!(nowhere.status.code(), Some(1));
}

async fn a_damaged_record_is_told_and_left_out(house: House) {
    let (_, cycle) = furnished(&house).await;
    let damaged = damaged(&house, &cycle).await;
    let replayed = records(&house, &["replay"]).await;
    assert_eq!(replayed.status.code(), Some(1));
    let told = String::from_utf8(replayed.stdout.clone()).unwrap();
    assert!(
        told.contains(&format!("cycle {}: bundle ", damaged.id)) && told.contains("does not match its name"),
        "{told}"
    );
    assert_eq!(last_line(&replayed), "4 replayed, 2 identical, 0 differ, 1 without an answer, 1 damaged");

    let written = records(&house, &["export", "--out", "-"]).await;
    assert_eq!(written.status.code(), Some(1));
    assert_eq!(names(&String::from_utf8(written.stdout.clone()).unwrap()).len(), 3);
    let told = complaint(&written);
    assert!(told.contains(&format!("cycle {}: ", damaged.id)) && told.contains("were left out"), "{told}");
}
