//! The desk.

use crate::support::House;
use countersign::domain::book::Book;
use countersign::domain::ids::{BookId, TraderId};
use countersign::domain::money::Money;
use countersign::domain::venue_kind::{AutomationLevel, TradingEnvironment, VenueKind};
use countersign::ports::store::{Changes, IdKind};
use countersign::services::models;

on_each_database!(
    an_empty_desk_says_what_to_do_first,
    venues_stand_side_by_side_and_are_never_summed,
    what_needs_a_person_is_listed_with_its_time_and_reason,
);

/// An empty book at testnet.
pub async fn testnet_book(house: &House, id: TraderId) {
    let book = BookId(house.desk.next_id(IdKind::Book).await.unwrap());
    let capital = Money::new("777".parse().unwrap());
    let book = Book::open(book, id, VenueKind::Testnet, capital, house.desk.clock.now());
    let changes = Changes { new_books: vec![book], ..Changes::default() };
    house.desk.store.commit(changes).await.unwrap();
}

async fn an_empty_desk_says_what_to_do_first(house: House) {
    let mut ann = house.ann().await;
    let page = ann.get("/").await;
    assert_eq!(page.status, 200);
    for words in ["Nothing needs you.", "No model yet.", "/models/new", "No curve yet.", "None yet."] {
        assert!(page.body.contains(words), "{words} is missing: {}", page.body);
    }
}

async fn venues_stand_side_by_side_and_are_never_summed(house: House) {
    house.model("Sage", AutomationLevel::Manual, &[]).await;
    house.model("Drifter", AutomationLevel::Manual, &[("initial_capital", "5000")]).await;
    let tested = house.model("Tester", AutomationLevel::Manual, &[]).await;
    models::set_environment(&house.desk, tested.id, TradingEnvironment::Live, "ann").await.unwrap();
    testnet_book(&house, tested.id).await;
    let mut ann = house.ann().await;
    let body = ann.get("/").await.body;
    assert!(body.contains("15,000.00 USDT"), "the two simulated books: {body}");
    assert!(body.contains("777.00 USDT"), "the testnet book beside them: {body}");
    assert!(!body.contains("15,777") && !body.contains("25,777"), "books of different venues were summed");
    assert!(body.contains("2 models, 0 positions") && body.contains("1 model, 0 positions"));
}

async fn what_needs_a_person_is_listed_with_its_time_and_reason(house: House) {
    let (model, decision) = house.waiting("Sage").await;
    let mut ann = house.ann().await;
    let body = ann.get("/").await.body;
    assert!(body.contains(&format!("/decisions/{}", decision.id)), "{body}");
    assert!(body.contains("Sage · expires in 1 h"), "{body}");
    models::pause(&house.desk, model.id, "lunch", "ann").await.unwrap();
    let body = ann.get("/").await.body;
    assert!(body.contains("Sage is paused") && body.contains("by ann: lunch"), "{body}");
}
