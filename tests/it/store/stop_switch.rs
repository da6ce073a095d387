//! The stop switch survives whatever happens between two of its steps.

use super::harness::TestDb;
use super::samples::NOW;
use countersign::adapters::stop_switch::{FileStopSwitch, SqlStopSwitch};
use countersign::ports::stop_switch::{StopOrder, StopSwitch};

fn order(reason: &str) -> StopOrder {
    StopOrder { by: "ada".to_owned(), at: NOW, reason: reason.to_owned() }
}

async fn contract(one: &dyn StopSwitch, other: &dyn StopSwitch) {
    assert_eq!(other.in_force().await.unwrap(), None);
    one.lower().await.unwrap();
    one.raise(&order("first")).await.unwrap();
    assert_eq!(other.in_force().await.unwrap(), Some(order("first")));
    other.raise(&order("\"second\" \u{1f6d1}\n")).await.unwrap();
    assert_eq!(one.in_force().await.unwrap(), Some(order("\"second\" \u{1f6d1}\n")));
    other.lower().await.unwrap();
    assert_eq!(one.in_force().await.unwrap(), None);
}

#[tokio::test]
async fn a_file_beside_the_database_stops_every_process() {
    let directory = tempfile::tempdir().unwrap();
    let database = directory.path().join("countersign.sqlite");
    let (one, other) = (FileStopSwitch::beside(&database), FileStopSwitch::beside(&database));
    assert_eq!(one.path(), directory.path().join("emergency-stop"));
    contract(&one, &other).await;
    let left = std::fs::read_dir(directory.path()).unwrap().count();
    assert_eq!(left, 0, "no unfinished file is left");
}

#[tokio::test]
async fn a_row_with_connections_of_its_own_stops_every_process() {
    let Some(db) = TestDb::postgres().await else { return };
    let (one, other) = (SqlStopSwitch::connect(&db.url).await.unwrap(), SqlStopSwitch::connect(&db.url).await.unwrap());
    contract(&one, &other).await;
    // Somebody else's long transaction over every table of the desk does not keep it from working.
    let store = db.desk().await;
    let tx = store.db().begin().await.unwrap();
    sea_orm::ConnectionTrait::execute_unprepared(&tx, "LOCK TABLE books, orders, decisions").await.unwrap();
    one.raise(&order("while the desk is locked")).await.unwrap();
    assert!(other.in_force().await.unwrap().is_some());
    tx.rollback().await.unwrap();
}

#[tokio::test]
async fn a_process_that_died_while_raising_leaves_no_half_order() {
    let directory = tempfile::tempdir().unwrap();
    let switch = FileStopSwitch::new(directory.path().join("emergency-stop"));
    // Written in part and never renamed: not raised.
    std::fs::write(directory.path().join("emergency-stop.4711.tmp"), "{\"by\":\"ad").unwrap();
    assert_eq!(switch.in_force().await.unwrap(), None);
    switch.raise(&order("")).await.unwrap();
    assert_eq!(switch.in_force().await.unwrap(), Some(order("")));
}

#[tokio::test]
async fn what_cannot_be_read_is_an_error_and_so_counts_as_stopped() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("emergency-stop");
    let switch = FileStopSwitch::new(path.clone());
    for garbage in ["", "{", "stop!", "{\"by\":1}"] {
        std::fs::write(&path, garbage).unwrap();
        assert!(switch.in_force().await.is_err(), "{garbage:?}");
    }
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    assert!(switch.in_force().await.is_err(), "a directory is no switch");
    let nowhere = FileStopSwitch::new(directory.path().join("missing").join("emergency-stop"));
    assert!(nowhere.raise(&order("")).await.is_err());
    assert_eq!(nowhere.in_force().await.unwrap(), None);
}

#[tokio::test]
async fn two_operators_may_raise_it_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let switch = FileStopSwitch::new(directory.path().join("emergency-stop"));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let switch = switch.clone();
        tasks.spawn(async move { switch.raise(&order("fire")).await });
    }
    assert!(tasks.join_all().await.iter().all(Result::is_ok));
    assert_eq!(switch.in_force().await.unwrap(), Some(order("fire")));
}
