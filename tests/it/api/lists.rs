//! Lists: newest first, page by page, nothing twice and nothing missing.

use super::shorthand::{asking_model, plain_model};
use crate::support::House;
use countersign::domain::access::TokenScope;
use serde_json::{Value, json};

on_each_database!(
    a_list_is_walked_page_by_page,
    models_are_paged_too_and_deleted_ones_are_left_out,
    a_query_is_read_as_strictly_as_a_body,
);

fn ids(rows: &Value, name: &str) -> Vec<i64> {
    rows.as_array().unwrap().iter().map(|row| row[name].as_i64().unwrap()).collect()
}

async fn a_list_is_walked_page_by_page(house: House) {
    let mut program = house.token(TokenScope::Operate).await;
    let id = asking_model(&mut program, "Sage").await;
    let path = format!("/api/models/{id}/cycle");
    for _ in 0..5 {
        let body = json!({ "decisions": { "BTC": { "signal": "hold" }, "ETH": { "signal": "hold" } } });
        program.post(&path, body).await.expect(200);
    }
    let (mut walked, mut next) = (Vec::new(), String::new());
    loop {
        let path = format!("/api/decision-history?model_id={id}&limit=3{next}");
        let page = program.get(&path).await;
        let rows = page.expect(200);
        assert!(rows.as_array().unwrap().len() <= 3);
        walked.extend(ids(&rows, "id"));
        match page.header("x-next-cursor") {
            "" => break,
            cursor => next = format!("&cursor={cursor}"),
        }
    }
    assert_eq!(walked.len(), 10);
    assert!(walked.windows(2).all(|pair| pair[0] > pair[1]), "{walked:?}");
    let cycles = program.get(&format!("/api/models/{id}/conversations?limit=2")).await;
    assert_eq!(ids(&cycles.expect(200), "cycle_id").len(), 2);
    assert!(cycles.headers.contains_key("x-next-cursor"));
}

async fn models_are_paged_too_and_deleted_ones_are_left_out(house: House) {
    let mut program = house.token(TokenScope::Operate).await;
    for name in ["A", "B", "C"] {
        plain_model(&mut program, name).await;
    }
    let first = program.get("/api/models?limit=2").await;
    assert_eq!(first.expect(200)[0]["name"], "C");
    let rest = program.get(&format!("/api/models?limit=2&cursor={}", first.header("x-next-cursor"))).await;
    assert_eq!(rest.expect(200).as_array().unwrap().len(), 1);
    assert!(!rest.headers.contains_key("x-next-cursor"));
    program.api("DELETE", "/api/models/2?confirm=B", Value::Null).await.expect(200);
    assert_eq!(program.get("/api/models").await.expect(200).as_array().unwrap().len(), 2);
}

async fn a_query_is_read_as_strictly_as_a_body(house: House) {
    let mut program = house.token(TokenScope::Read).await;
    for query in [
        "limit=0",
        "limit=201",
        "limit=many",
        "limit=1e1",
        "cursor=!",
        "cursor=-1",
        "model_id=x",
        "model_id=0",
        "status=nonsense",
        "hunter2=1",
    ] {
        let answer = program.get(&format!("/api/decision-history?{query}")).await;
        answer.refused(422, "invalid");
    }
    program.get("/api/decision-history?model_id=999").await.refused(404, "not_found");
    program.get("/api/incidents?status=hunter2").await.refused(422, "invalid");
    program.get("/api/notifications?unread=maybe").await.refused(422, "invalid");
}
