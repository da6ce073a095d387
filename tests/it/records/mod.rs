//! The records of cycles: looked at, replayed, downloaded, searched, removed on schedule, and written out.

mod command;
mod list;
mod pages;
mod pruning;

use crate::support::House;
use countersign::adapters::bundle_codec::JsonBundles;
use countersign::domain::cycle::Cycle;
use countersign::domain::digest::Digest;
use countersign::domain::ids::{CycleId, TraderId};
use countersign::ports::bundle::{Bundle, BundleCodec, PackedBundle};
use countersign::ports::store::{Changes, IdKind, Page};

async fn newest(house: &House, model: i64) -> Cycle {
    house.desk.store.cycles(TraderId(model), Page::first(1)).await.unwrap().remove(0)
}

async fn packed(house: &House, cycle: &Cycle) -> PackedBundle {
    house.desk.store.bundle(cycle.bundle.as_ref().unwrap()).await.unwrap().unwrap()
}

/// Another cycle, like one that was, with another record.
async fn told_otherwise(house: &House, cycle: &Cycle, change: impl FnOnce(&mut Bundle)) -> Cycle {
    let mut bundle = JsonBundles.unpack(&packed(house, cycle).await).unwrap();
    let id = CycleId(house.desk.next_id(IdKind::Cycle).await.unwrap());
    bundle.cycle_id = id;
    change(&mut bundle);
    let packed = JsonBundles.pack(&bundle).unwrap();
    let cycle = Cycle { id, bundle: Some(packed.hash.clone()), ..cycle.clone() };
    let changes = Changes { new_cycle: Some(cycle.clone()), new_bundles: vec![packed], ..Changes::default() };
    house.desk.store.commit(changes).await.unwrap();
    cycle
}

/// Another cycle, whose record is not what its name says.
async fn damaged(house: &House, cycle: &Cycle) -> Cycle {
    let good = packed(house, cycle).await;
    let id = CycleId(house.desk.next_id(IdKind::Cycle).await.unwrap());
    let hash = Digest::parse(&format!("{:064x}", id.0)).unwrap();
    let cycle = Cycle { id, bundle: Some(hash.clone()), ..cycle.clone() };
    let bad = PackedBundle { hash, cycle_id: id, ..good };
    let changes = Changes { new_cycle: Some(cycle.clone()), new_bundles: vec![bad], ..Changes::default() };
    house.desk.store.commit(changes).await.unwrap();
    cycle
}

/// Another cycle, which has lost its record, or never had one.
async fn without_record(house: &House, cycle: &Cycle, bundle: Option<Digest>) -> Cycle {
    let id = CycleId(house.desk.next_id(IdKind::Cycle).await.unwrap());
    let cycle = Cycle { id, bundle, ..cycle.clone() };
    let changes = Changes { new_cycle: Some(cycle.clone()), ..Changes::default() };
    house.desk.store.commit(changes).await.unwrap();
    cycle
}
