//! How many questions a page puts to the database: a few, and as many with sixty waiting decisions as with two.

use crate::support::{Client, House};
use countersign::domain::decision::Decision;
use countersign::domain::ids::DecisionId;
use countersign::ports::store::{Changes, IdKind};
use countersign::services::decide::{ApproveRequest, approve};

on_each_database!(
    a_page_asks_the_database_as_little_with_many_waiting_decisions_as_with_two,
    the_orders_of_a_list_are_read_at_once,
);

/// Decisions of a crowded inbox: more than a page of them.
const CROWD: u32 = 60;
/// Statements of the inbox: the session, a page of lines, the open one and its history, models, the counts, and three
/// for the figures of the bar, which are read at most once a second.
const INBOX_MAX: u64 = 9;
/// Statements of the desk with two models: each model's book with all that is in it, and its curve.
const DESK_MAX: u64 = 30;
/// Statements of the list of two models.
const MODELS_MAX: u64 = 20;
/// Statements of one model's page.
const MODEL_MAX: u64 = 24;

/// Copies of a decision that waits, without asking anybody.
async fn crowd(house: &House, like: &Decision) {
    let ids = house.desk.store.reserve_ids(IdKind::Decision, CROWD).await.unwrap();
    let new_decisions = ids.into_iter().map(|id| Decision { id: DecisionId(id), ..like.clone() }).collect();
    house.desk.store.commit(Changes { new_decisions, ..Changes::default() }).await.unwrap();
}

/// Statements of one answer.
async fn statements(house: &House, ann: &mut Client, path: &str) -> u64 {
    let before = house.statements();
    assert_eq!(ann.get(path).await.status, 200, "{path}");
    house.statements() - before
}

async fn a_page_asks_the_database_as_little_with_many_waiting_decisions_as_with_two(house: House) {
    let (model, first) = house.waiting("Sage").await;
    house.waiting("Drifter").await;
    let mut ann = house.ann().await;
    let model = format!("/models/{}", model.id);
    let of_one = format!("/inbox?model={}", first.trader_id);
    let pages = [
        ("/inbox", INBOX_MAX),
        ("/inbox?tab=all", INBOX_MAX),
        (of_one.as_str(), INBOX_MAX),
        ("/", DESK_MAX),
        ("/models", MODELS_MAX),
        (model.as_str(), MODEL_MAX),
    ];
    for crowded in [false, true] {
        if crowded {
            crowd(&house, &first).await;
        }
        for (path, most) in pages {
            let asked = statements(&house, &mut ann, path).await;
            assert!(asked > 0, "statements are not counted");
            assert!(asked <= most, "{path}, crowded: {crowded}: {asked} statements, at most {most} expected");
        }
    }
    let page = ann.get("/inbox").await;
    assert_eq!(page.body.matches("<li id=\"row-").count(), 50);
}

async fn the_orders_of_a_list_are_read_at_once(house: House) {
    house.hold_orders();
    let mut ann = house.ann().await;
    for turn in 0..5 {
        let (_, decision) = house.waiting(&format!("Model {turn}")).await;
        let request =
            ApproveRequest { id: decision.id, version: None, digest: None, modifications: None, by: "ann".into() };
        approve(&house.desk, &request).await.unwrap();
    }
    // One for the orders of all rows, and two for the order and the fills of the open one.
    let most = INBOX_MAX + 3;
    let asked = statements(&house, &mut ann, "/inbox?tab=approved").await;
    assert!(asked <= most, "{asked} statements, at most {most} expected");
    let page = ann.get("/inbox?tab=approved").await;
    assert_eq!(page.body.matches("<li id=\"row-").count(), 5);
    assert_eq!(page.body.matches("approved by ann").count(), 5, "{}", page.body);
}
