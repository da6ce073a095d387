//! A cycle's page tells the conversation; its replay tells whether the same decisions follow; its record is downloaded.

use super::{damaged, newest, packed, told_otherwise, without_record};
use crate::llm::desk::{answer, decision, purchase, run, sage};
use crate::support::fake_provider::{FakeProvider, Reply};
use crate::support::{Client, House};
use countersign::adapters::bundle_codec::JsonBundles;
use countersign::domain::access::TokenScope;
use countersign::domain::cycle::Cycle;
use countersign::domain::digest::Digest;
use countersign::ports::bundle::BundleCodec;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

on_each_database!(
    a_conversation_is_told_turn_by_turn,
    a_way_of_asking_that_was_refused_is_told_too,
    the_same_decisions_follow_and_nothing_changes,
    what_is_decided_otherwise_is_told,
    what_cannot_be_replayed_says_why,
    a_record_is_downloaded_as_it_was_kept,
    rules_and_decisions_sent_in_stay_simple,
);

/// A model that was asked once, and answered well.
async fn asked_once(house: &House) -> (Client, FakeProvider, i64, Cycle) {
    let provider = FakeProvider::start().await;
    provider.answer(answer(&[decision("BTC", purchase()), decision("ETH", json!({}))]));
    let mut admin = house.admin().await;
    let model = sage(&mut admin, &provider).await;
    run(&mut admin, model).await;
    let cycle = newest(house, model).await;
    (admin, provider, model, cycle)
}

async fn page(client: &mut Client, path: &str) -> String {
    let answer = client.get(path).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    answer.body
}

#[track_caller]
fn holds(page: &str, words: &[&str]) {
    for word in words {
        assert!(page.contains(word), "{word}: {page}");
    }
}

async fn a_conversation_is_told_turn_by_turn(house: House) {
    let provider = FakeProvider::start().await;
    provider.answer(Reply::says("I would <b>hold</b> for now."));
    provider.answer(answer(&[decision("BTC", purchase()), decision("ETH", json!({}))]));
    let mut admin = house.admin().await;
    let model = sage(&mut admin, &provider).await;
    let prices = json!({ "input_price": "1000", "output_price": "2000" });
    let providers = admin.get("/api/providers").await.expect(200);
    let id = providers.as_array().unwrap().iter().find(|row| row["name"] == "Fake").unwrap()["id"].clone();
    admin.api("PATCH", &format!("/api/providers/{id}"), prices).await.expect(200);
    let cycle = run(&mut admin, model).await["cycle_id"].clone();

    let page = page(&mut admin, &format!("/cycles/{cycle}")).await;
    holds(
        &page,
        &["Question 1", "Question 2", "<summary><span>Prompt, system</span>", "Prompt, user", "small-1", "Fake"],
    );
    holds(
        &page,
        &[
            "12 in, 34 out",
            "0.0800 USD",
            "JSON Schema",
            "It stopped by",
            "I would &#60;b&#62;hold&#60;/b&#62; for now.",
        ],
    );
    holds(&page, &[&house.desk.prompts.version(house.desk.prompts.default_template()), env!("CARGO_PKG_VERSION")]);
    holds(
        &page,
        &["24 in, 68 out", "0.1600 USD", &format!("/cycles/{cycle}/replay"), &format!("/api/cycles/{cycle}/bundle")],
    );
    assert_eq!(page.matches("Prompt, system").count(), 1, "what was sent along again is shown once");
    assert_eq!(page.matches("Its answer, sent back").count(), 1);
    assert!(!page.contains("<details class=\"talk\" open") && !page.contains("removed on schedule"), "{page}");
}

async fn a_way_of_asking_that_was_refused_is_told_too(house: House) {
    let provider = FakeProvider::start().await;
    let refusal = json!({ "error": { "message": "response_format json_schema is not <i>supported</i>" } });
    provider.answer(Reply::json(400, refusal));
    provider.answer(answer(&[decision("BTC", json!({})), decision("ETH", json!({}))]));
    let mut admin = house.admin().await;
    let model = sage(&mut admin, &provider).await;
    let cycle = run(&mut admin, model).await["cycle_id"].clone();
    let page = page(&mut admin, &format!("/cycles/{cycle}")).await;
    holds(&page, &["no answer", "not &#60;i&#62;supported&#60;/i&#62;", "JSON object", "no price known"]);
    assert_eq!(page.matches("Prompt, system").count(), 2, "the second prompt holds the schema");
}

async fn the_same_decisions_follow_and_nothing_changes(house: House) {
    let (mut admin, provider, _, cycle) = asked_once(&house).await;
    let before = house.desk.store.decisions_of_cycle(cycle.id).await.unwrap();
    let mut reader = house.token(TokenScope::Read).await;
    let told = reader.post(&format!("/api/cycles/{}/replay", cycle.id), Value::Null).await.expect(200);
    let digest = match &before[0].state {
        countersign::domain::decision::DecisionState::PendingApproval { digest, .. } => digest.as_str().to_owned(),
        other => panic!("{other:?}"),
    };
    assert_eq!((&told["identical"], &told["differences"]), (&json!(true), &json!([])), "{told}");
    assert_eq!((&told["cycle_id"], &told["bundle"]), (&json!(cycle.id), &json!(cycle.bundle)));
    let btc = &told["decisions"][0];
    assert_eq!((&btc["coin"], &btc["ruling"], &btc["digest"]), (&json!("BTC"), &json!("passed"), &json!(digest)));
    assert!(btc["order"].as_str().unwrap().starts_with("buy "), "{btc}");
    assert_eq!(told["decisions"][1], json!({ "coin": "ETH", "ruling": "hold", "order": null, "digest": null }));

    let page = page(&mut admin, &format!("/cycles/{}/replay", cycle.id)).await;
    holds(
        &page,
        &["<p class=\"alert good\" id=\"verdict\"><b>The same decisions follow.</b>", "What follows now", "passed"],
    );
    assert!(!page.contains("What is decided otherwise"), "{page}");
    assert_eq!(house.desk.store.decisions_of_cycle(cycle.id).await.unwrap(), before);
    assert_eq!((provider.requests().len(), newest(&house, cycle.trader_id.0).await.id), (1, cycle.id), "offline");
}

async fn what_is_decided_otherwise_is_told(house: House) {
    let (mut admin, _, _, cycle) = asked_once(&house).await;
    let stricter = told_otherwise(&house, &cycle, |bundle| {
        bundle.trader.settings.set("max_position_size_pct", "1").unwrap();
        bundle.rulings[1].why = "<script>alert(1)</script>".to_owned();
    });
    let stricter = stricter.await;
    let told = admin.post(&format!("/api/cycles/{}/replay", stricter.id), Value::Null).await.expect(200);
    let differences = told["differences"].as_array().unwrap();
    let what: Vec<&str> = differences.iter().map(|found| found["what"].as_str().unwrap()).collect();
    assert_eq!((&told["identical"], what), (&json!(false), vec!["ruling", "rule POSITION_SIZE", "ruling"]), "{told}");
    assert_eq!((&differences[0]["recorded"], &differences[0]["now"]), (&json!("passed"), &json!("denied")));

    let page = page(&mut admin, &format!("/cycles/{}/replay", stricter.id)).await;
    holds(&page, &["alert wait", "Other decisions follow today.", "rule POSITION_SIZE", "&#60;script&#62;alert(1)"]);
    assert!(!page.contains("The same decisions follow"), "{page}");
}

async fn what_cannot_be_replayed_says_why(house: House) {
    let (mut admin, provider, model, cycle) = asked_once(&house).await;
    provider.forget_answers();
    provider.answer(Reply::json(401, json!({})));
    admin.post(&format!("/api/models/{model}/cycle"), json!({})).await.refused(503, "advisor_failed");
    let unanswered = newest(&house, model).await;
    let damaged = damaged(&house, &cycle).await;
    let removed = without_record(&house, &cycle, Digest::parse(&"ab".repeat(32))).await;
    let never = without_record(&house, &cycle, None).await;
    let newer = told_otherwise(&house, &cycle, |bundle| bundle.format = 999).await;
    for (cycle, status, code, verdict, note) in [
        (&unanswered, 409, "nothing_judged", "Nothing was judged.", "no answer in this cycle"),
        (&damaged, 409, "record_damaged", "The record cannot be used.", "does not match its name"),
        (&newer, 409, "record_unreadable", "The record cannot be used.", "form 999"),
        (&removed, 410, "record_removed", "nothing to replay any more", "removed on schedule"),
        (&never, 404, "no_record", "No record was kept", ""),
    ] {
        admin.post(&format!("/api/cycles/{}/replay", cycle.id), Value::Null).await.refused(status, code);
        let page = page(&mut admin, &format!("/cycles/{}/replay", cycle.id)).await;
        holds(&page, &[verdict, note]);
        assert!(!page.contains("What follows now"), "{code}: {page}");
    }
    for id in ["999", "x"] {
        assert_eq!(admin.get(&format!("/cycles/{id}/replay")).await.status, 404);
        admin.post(&format!("/api/cycles/{id}/replay"), Value::Null).await.refused(404, "not_found");
    }

    // Without its record a cycle still tells what was said.
    for (cycle, note) in [(&removed, "The record of this cycle was removed on schedule."), (&damaged, "does not match")]
    {
        let page = page(&mut admin, &format!("/cycles/{}", cycle.id)).await;
        holds(&page, &[note, "<h2 id=\"ca-title\">Asked</h2>", "Because."]);
        assert!(!page.contains("Question 1") && !page.contains("Download record"), "{page}");
    }
    let page = page(&mut admin, &format!("/cycles/{}", unanswered.id)).await;
    holds(&page, &["Question 1", "no answer", "refuses the key"]);
}

async fn a_record_is_downloaded_as_it_was_kept(house: House) {
    let (mut admin, _, _, cycle) = asked_once(&house).await;
    let path = format!("/api/cycles/{}/bundle", cycle.id);
    let hash = cycle.bundle.as_ref().unwrap().as_str();
    let mut reader = house.token(TokenScope::Read).await;
    let by_token = reader.get(&path).await;
    let by_session = admin.get(&path).await;
    assert_eq!((by_token.status, &by_token.body), (200, &by_session.body));
    assert_eq!(by_token.body, JsonBundles.document(&packed(&house, &cycle).await).unwrap());
    assert_eq!(hex::encode(Sha256::digest(&by_token.body)), hash);
    assert_eq!(by_token.header("etag"), format!("\"{hash}\""));
    let file = format!("attachment; filename=\"cycle-{}-{}.json\"", cycle.id, &hash[..12]);
    assert_eq!(
        (by_token.header("content-disposition"), by_token.header("content-type")),
        (file.as_str(), "application/json")
    );
    assert_eq!(by_token.header("cache-control"), "no-store");
    let mut knowing = house.token(TokenScope::Read).await.with_header("if-none-match", &format!("\"{hash}\""));
    assert_eq!(knowing.get(&path).await.status, 304);

    assert_eq!(house.client().get(&path).await.status, 401);
    let removed = without_record(&house, &cycle, Digest::parse(&"ab".repeat(32))).await;
    reader.get(&format!("/api/cycles/{}/bundle", removed.id)).await.refused(410, "record_removed");
    let damaged = damaged(&house, &cycle).await;
    reader.get(&format!("/api/cycles/{}/bundle", damaged.id)).await.refused(409, "record_damaged");
    let never = without_record(&house, &cycle, None).await;
    reader.get(&format!("/api/cycles/{}/bundle", never.id)).await.refused(404, "no_record");
    reader.get("/api/cycles/999/bundle").await.refused(404, "not_found");
}

async fn rules_and_decisions_sent_in_stay_simple(house: House) {
    let (model, _) = house.waiting("Asks").await;
    let cycle = newest(&house, model.id.0).await;
    let mut ann = house.ann().await;
    let shown = page(&mut ann, &format!("/cycles/{}", cycle.id)).await;
    holds(&shown, &["Nothing was asked: the decisions were sent in.", "sent in", "Download record", "SHA-256"]);
    assert!(!shown.contains("Question 1") && !shown.contains("AI cost"), "{shown}");
    holds(&page(&mut ann, &format!("/cycles/{}/replay", cycle.id)).await, &["The same decisions follow."]);
}
