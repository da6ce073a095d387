//! Records go when they are too old or too many, the oldest first; a few at a time, and only as far as they must.

use super::{newest, packed};
use crate::support::{Database, House, Stage};
use countersign::domain::cycle::Cycle;
use countersign::domain::digest::Digest;
use countersign::domain::ids::{CycleId, TraderId};
use countersign::domain::time::DAY_MS;
use countersign::domain::venue_kind::VenueKind;
use countersign::ports::bundle::PackedBundle;
use countersign::ports::store::{BundleFilter, BundleTotal, Changes};
use countersign::services::prune_bundles::{Pruned, RecordLimits, prune_bundles};
use serde_json::Value;

on_each_database!(
    what_is_too_old_goes_and_its_cycle_says_so,
    what_is_too_much_goes_the_oldest_first,
    one_pass_removes_a_bounded_number,
    nothing_goes_where_everything_is_kept,
    the_providers_page_tells_how_much_there_is,
);

/// Thirty days and a megabyte.
struct Strict(House);
/// No limit at all.
struct Generous(House);

async fn with(database: Database, keep_days: u32, max_mb: u32) -> House {
    House::with(database, |settings| settings.record_limits = RecordLimits { keep_days, max_mb }, |_| {}).await
}

impl Stage for Strict {
    async fn on(database: Database) -> Self {
        Self(with(database, 30, 1).await)
    }
}

impl Stage for Generous {
    async fn on(database: Database) -> Self {
        Self(with(database, 0, 0).await)
    }
}

/// Puts records of some bytes into the store, so many days old.
async fn keep(house: &House, model: TraderId, records: impl IntoIterator<Item = (i64, usize)>) -> Vec<Digest> {
    let now = house.desk.clock.now();
    let new_bundles: Vec<PackedBundle> = records
        .into_iter()
        .enumerate()
        .map(|(index, (days, bytes))| PackedBundle {
            hash: Digest::parse(&format!("{:064x}", index + 1)).unwrap(),
            trader_id: model,
            cycle_id: CycleId(1),
            venue: VenueKind::Simulation,
            at: now.plus_ms(-days * DAY_MS),
            has_brief: true,
            size: bytes as u64 * 4,
            body: vec![7; bytes],
        })
        .collect();
    let names = new_bundles.iter().map(|bundle| bundle.hash.clone()).collect();
    house.desk.store.commit(Changes { new_bundles, ..Changes::default() }).await.unwrap();
    names
}

async fn kept(house: &House) -> Vec<Digest> {
    let heads = house.desk.store.bundle_heads(BundleFilter::default(), 0, 10_000).await.unwrap();
    heads.into_iter().map(|head| head.hash).collect()
}

async fn what_is_too_old_goes_and_its_cycle_says_so(Strict(house): Strict) {
    let (model, _) = house.waiting("Asks").await;
    let old = newest(&house, model.id.0).await;
    let stored = packed(&house, &old).await.body.len() as u64;
    house.pass_minutes(30 * 24 * 60);
    assert_eq!(prune_bundles(&house.desk).await.unwrap(), Pruned::default(), "thirty days old is not too old");
    let (_, decision) = house.waiting("Asks too").await;
    let young = house.desk.store.cycle(decision.cycle_id).await.unwrap().unwrap();
    house.pass_minutes(1);
    let pruned = prune_bundles(&house.desk).await.unwrap();
    assert_eq!(pruned, Pruned { count: 1, bytes: stored, has_more: false });
    assert_eq!(kept(&house).await, [young.bundle.clone().unwrap()]);
    assert_eq!(prune_bundles(&house.desk).await.unwrap(), Pruned::default());

    let read: Cycle = house.desk.store.cycle(old.id).await.unwrap().unwrap();
    assert_eq!(read, old, "the cycle keeps the name of its record");
    let mut admin = house.admin().await;
    let page = admin.get(&format!("/cycles/{}", old.id)).await.body;
    assert!(page.contains("The record of this cycle was removed on schedule."), "{page}");
    admin.post(&format!("/api/cycles/{}/replay", old.id), Value::Null).await.refused(410, "record_removed");
    admin.post(&format!("/api/cycles/{}/replay", young.id), Value::Null).await.expect(200);
}

async fn what_is_too_much_goes_the_oldest_first(Strict(house): Strict) {
    let (model, _) = house.waiting("Asks").await;
    let first = newest(&house, model.id.0).await.bundle.unwrap();
    const KB: usize = 1_024;
    // The second is too old and goes in any case. Of the rest, 1,200 kB, the oldest go until 1,024 kB are left.
    let names =
        keep(&house, model.id, [(40, 900 * KB), (20, 100 * KB), (10, 100 * KB), (5, 500 * KB), (1, 500 * KB)]).await;
    let pruned = prune_bundles(&house.desk).await.unwrap();
    assert_eq!((pruned.count, pruned.has_more), (4, false));
    assert_eq!(kept(&house).await, names[3..]);
    assert!(!names.contains(&first));
    let total = house.desk.store.bundle_total().await.unwrap();
    assert_eq!(total, BundleTotal { count: 2, stored: 1_000 * 1_024 });
    assert_eq!(prune_bundles(&house.desk).await.unwrap(), Pruned::default(), "exactly as far as it must");
}

async fn one_pass_removes_a_bounded_number(Strict(house): Strict) {
    let (model, _) = house.waiting("Asks").await;
    let names = keep(&house, model.id, (0..2_050).map(|_| (31, 10))).await;
    let pruned = prune_bundles(&house.desk).await.unwrap();
    assert_eq!((pruned.count, pruned.has_more), (1_999, true), "a young one stands before them");
    assert_eq!(kept(&house).await.len(), 52);
    let pruned = prune_bundles(&house.desk).await.unwrap();
    assert_eq!((pruned.count, pruned.has_more), (51, false));
    assert!(kept(&house).await.iter().all(|name| !names.contains(name)));
}

async fn nothing_goes_where_everything_is_kept(Generous(house): Generous) {
    let (model, _) = house.waiting("Asks").await;
    keep(&house, model.id, [(9_000, 2_000_000), (1, 10)]).await;
    assert_eq!(prune_bundles(&house.desk).await.unwrap(), Pruned::default());
    assert_eq!(kept(&house).await.len(), 3);
}

async fn the_providers_page_tells_how_much_there_is(Strict(house): Strict) {
    let (model, _) = house.waiting("Asks").await;
    keep(&house, model.id, [(1, 600 * 1_024), (1, 200 * 1_024)]).await;
    let page = house.ann().await.get("/providers").await.body;
    assert!(
        page.contains("3 records of cycles take 80") && page.contains(" kB of 1.0 MB. Each is kept for 30 days."),
        "{page}"
    );
}
