//! What a model was asked and answered is listed, searched and filtered, on a page and in the API.

use super::newest;
use crate::llm::desk::{answer, decision, purchase, run, sage};
use crate::support::fake_provider::{FakeProvider, Reply};
use crate::support::{Client, House};
use countersign::domain::cycle::{AnswerGrade, Cycle};
use countersign::domain::ids::{CycleId, TraderId};
use countersign::ports::store::{Changes, IdKind};
use serde_json::{Value, json};

on_each_database!(
    conversations_are_searched_and_filtered,
    a_long_list_is_walked_page_by_page_with_its_search,
    hostile_words_stay_words,
);

/// A model with four cycles: used, partly used, unusable, no answer.
async fn four(house: &House) -> (Client, i64, Vec<i64>) {
    let provider = FakeProvider::start().await;
    let mut admin = house.admin().await;
    let model = sage(&mut admin, &provider).await;
    let both = [decision("BTC", purchase()), decision("ETH", json!({ "justification": "Zig zag." }))];
    let rounds = [answer(&both), answer(&both[..1]), Reply::says("I would rather not."), Reply::json(401, json!({}))];
    let mut ids = Vec::new();
    for reply in rounds {
        provider.forget_answers();
        provider.answer(reply);
        admin.post(&format!("/api/models/{model}/cycle"), json!({})).await;
        ids.push(newest(house, model).await.id.0);
    }
    (admin, model, ids)
}

async fn listed(client: &mut Client, model: i64, query: &str) -> Vec<i64> {
    let rows = client.get(&format!("/api/models/{model}/conversations{query}")).await.expect(200);
    rows.as_array().unwrap().iter().map(|row| row["cycle_id"].as_i64().unwrap()).collect()
}

async fn shown(client: &mut Client, model: i64, query: &str) -> Vec<i64> {
    let page = client.get(&format!("/models/{model}/conversations{query}")).await;
    assert_eq!(page.status, 200, "{}", page.body);
    let parts = page.body.split("<p><a href=\"/cycles/").skip(1);
    parts.map(|part| part.split('"').next().unwrap().parse().unwrap()).collect()
}

async fn conversations_are_searched_and_filtered(house: House) {
    let (mut admin, model, ids) = four(&house).await;
    let [used, partly, unusable, none] = ids[..] else { panic!("{ids:?}") };
    for (query, found) in [
        ("", vec![none, unusable, partly, used]),
        ("?q=zIG+zag", vec![used]),
        ("?q=rather+not", vec![unusable]),
        ("?q=refuses+the+key", vec![none]),
        ("?q=%25", vec![none, unusable, partly, used]),
        ("?q=zig%25zag", vec![]),
        ("?answer=used", vec![used]),
        ("?answer=partly", vec![partly]),
        ("?answer=unusable", vec![unusable]),
        ("?answer=no_answer", vec![none]),
        ("?answer=used&q=rather", vec![]),
    ] {
        assert_eq!(listed(&mut admin, model, query).await, found, "{query}");
        assert_eq!(shown(&mut admin, model, query).await, found, "{query}");
    }
    let rows = admin.get(&format!("/api/models/{model}/conversations")).await.expect(200);
    let grades: Vec<&Value> = rows.as_array().unwrap().iter().map(|row| &row["answer"]).collect();
    assert_eq!(grades, ["no_answer", "unusable", "partly", "used"]);
    assert_eq!(rows[3]["bundle"].as_str().unwrap().len(), 64);
    for query in ["?answer=maybe", "?q=a&w=b", &format!("?q={}", "a".repeat(201))] {
        admin.get(&format!("/api/models/{model}/conversations{query}")).await.refused(422, "invalid");
    }

    let page = admin.get(&format!("/models/{model}/conversations?answer=partly")).await.body;
    assert!(page.contains("<option value=\"partly\" selected>Partly used</option>"), "{page}");
    assert!(page.contains("24 in, 68 out · no price known"), "asked twice, and billed: {page}");
    let empty = admin.get(&format!("/models/{model}/conversations?q=nobody+said")).await.body;
    assert!(empty.contains("Nothing found.") && empty.contains("value=\"nobody said\""), "{empty}");
    let back = admin.get(&format!("/models/{model}")).await.body;
    assert!(back.contains(&format!("/models/{model}/conversations")), "{back}");
    assert_eq!(admin.get("/models/999/conversations").await.status, 404);
}

/// Cycles like one that was, without asking anybody.
async fn crowd(house: &House, like: &Cycle, count: u32) -> Vec<i64> {
    let ids = house.desk.store.reserve_ids(IdKind::Cycle, count).await.unwrap();
    for id in &ids {
        let cycle = Cycle { id: CycleId(*id), bundle: None, ..like.clone() };
        house.desk.store.commit(Changes { new_cycle: Some(cycle), ..Changes::default() }).await.unwrap();
    }
    ids
}

async fn a_long_list_is_walked_page_by_page_with_its_search(house: House) {
    let (model, _) = house.waiting("Asks").await;
    let like =
        Cycle { asked: "R&D = 100 %".to_owned(), answer: Some(AnswerGrade::Used), ..newest(&house, model.id.0).await };
    let mut wanted = crowd(&house, &like, 45).await;
    wanted.reverse();
    let mut ann = house.ann().await;
    let (mut seen, mut path) =
        (Vec::new(), format!("/models/{}/conversations?q=r%26d+%3D+100+%25&answer=used", model.id));
    for turn in 0..3 {
        let page = ann.get(&path).await.body;
        seen.extend(shown(&mut ann, model.id.0, path.split_once("conversations").unwrap().1).await);
        let older = page.split("<a href=\"").find(|part| part.contains(">Older"));
        match older {
            Some(part) => path = part.split('"').next().unwrap().replace("&#38;", "&"),
            None => assert_eq!(turn, 2, "{page}"),
        }
    }
    assert_eq!(seen, wanted);
    let page = ann.get(&path).await.body;
    assert!(page.contains("‹ Newest"), "{page}");
}

async fn hostile_words_stay_words(house: House) {
    let provider = FakeProvider::start().await;
    provider.answer(Reply::says(&format!("<script>alert(1)</script>{}", "long ".repeat(4_000))));
    let mut admin = house.admin().await;
    let model = sage(&mut admin, &provider).await;
    run(&mut admin, model).await;
    let query = "?q=%22%3E%3Cscript%3Ealert(1)&answer=%3Cb%3E&cursor=zzz&other=1";
    let page = admin.get(&format!("/models/{model}/conversations{query}")).await;
    assert_eq!(page.status, 200);
    let all = admin.get(&format!("/models/{model}/conversations?q=%3Cscript%3E")).await.body;
    assert!(all.contains("&#60;script&#62;alert(1)") && all.contains("Only the beginning is shown here."), "{all}");
    for page in [page.body, all] {
        assert!(!page.contains("<script>alert") && !page.contains("\"><script"), "{page}");
    }
    let trader = TraderId(model);
    assert_eq!(house.desk.store.trader(trader).await.unwrap().unwrap().name, "Sage");
}
