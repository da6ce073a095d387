//! The record of cycles: named by its content, complete enough to be read and judged again without anything else, and
//! honest about what differs.

use super::desk::{answer, decision, purchase, sage};
use crate::support::fake_provider::{FakeProvider, Reply};
use crate::support::{House, Stage, app::Database};
use countersign::adapters::bundle_codec::JsonBundles;
use countersign::adapters::llm::answer::StrictReader;
use countersign::domain::cycle::{AnswerGrade, Cycle};
use countersign::domain::decision::DecisionStatus;
use countersign::domain::digest::Digest;
use countersign::domain::ids::TraderId;
use countersign::ports::bundle::{Bundle, BundleCodec, BundleError, PackedBundle, RulingWord};
use countersign::ports::store::{BundleFilter, Changes, Page};
use countersign::services::replay_bundle::{ReplayError, replay, replay_stored};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;

on_each_database!(
    a_cycle_leaves_a_record_that_is_named_by_its_content,
    a_cycle_without_an_answer_leaves_what_was_asked,
    rules_and_outsiders_leave_a_record_too,
    a_record_tells_what_would_be_decided_otherwise_today,
    a_damaged_record_is_not_believed,
);

const CYCLES: usize = 200;

async fn newest(house: &House, model: i64) -> Cycle {
    house.desk.store.cycles(TraderId(model), Page::first(1)).await.unwrap().remove(0)
}

async fn packed(house: &House, cycle: &Cycle) -> PackedBundle {
    house.desk.store.bundle(cycle.bundle.as_ref().unwrap()).await.unwrap().unwrap()
}

async fn a_cycle_leaves_a_record_that_is_named_by_its_content(house: House) {
    let provider = FakeProvider::start().await;
    provider.answer(answer(&[decision("BTC", purchase()), decision("ETH", json!({}))]));
    let mut admin = house.admin().await;
    let model = sage(&mut admin, &provider).await;
    admin.post(&format!("/api/models/{model}/cycle"), json!({})).await.expect(200);

    let cycle = newest(&house, model).await;
    assert_eq!(cycle.answer, Some(AnswerGrade::Used));
    let packed = packed(&house, &cycle).await;
    let document = JsonBundles.document(&packed).unwrap();
    assert_eq!(packed.size, document.len() as u64);
    assert!(packed.body.len() * 3 < document.len(), "{} of {}", packed.body.len(), document.len());
    assert!(!document.contains("sk-canary"), "a record holds no key");

    let bundle = JsonBundles.unpack(&packed).unwrap();
    let conversation = bundle.conversation().unwrap();
    let turn = &conversation.turns[0];
    assert_eq!((conversation.provider.as_str(), conversation.model_name.as_str()), ("Fake", "small-1"));
    assert_eq!(conversation.template_version, house.desk.prompts.version(house.desk.prompts.default_template()));
    assert_eq!(turn.request.temperature.to_string(), "0.3");
    assert_eq!((turn.call.usage.input, turn.call.usage.output), (12, 34));
    let asked = &provider.requests()[0];
    assert_eq!(
        asked.body["messages"][1]["content"],
        turn.request.messages[1].content.as_str(),
        "exactly what was sent"
    );
    assert!(turn.reply.as_ref().unwrap().content.contains("Because."));
    let brief = bundle.brief.as_ref().unwrap();
    assert_eq!((brief.coins.len(), brief.at), (2, bundle.scene.as_ref().unwrap().market_at));
    assert_eq!(bundle.program, env!("CARGO_PKG_VERSION"));
    let words: Vec<RulingWord> = bundle.rulings.iter().map(|ruling| ruling.word).collect();
    assert_eq!(words, [RulingWord::Passed, RulingWord::Hold]);
    assert_eq!(JsonBundles.pack(&bundle).unwrap().hash, packed.hash, "what is read is what was written");
}

async fn a_cycle_without_an_answer_leaves_what_was_asked(house: House) {
    let provider = FakeProvider::start().await;
    provider.answer(Reply::json(401, json!({})));
    let mut admin = house.admin().await;
    let model = sage(&mut admin, &provider).await;
    admin.post(&format!("/api/models/{model}/cycle"), json!({})).await.refused(503, "advisor_failed");
    let cycle = newest(&house, model).await;
    assert_eq!(cycle.answer, Some(AnswerGrade::None));
    assert!(cycle.asked.contains("BTC") && cycle.answered.contains("refuses the key"), "{}", cycle.answered);
    let bundle = JsonBundles.unpack(&packed(&house, &cycle).await).unwrap();
    assert!(bundle.brief.is_some() && bundle.conversation().unwrap().turns[0].reply.is_none());
    assert!(matches!(replay(&bundle, &StrictReader), Err(ReplayError::NothingJudged)));
}

async fn rules_and_outsiders_leave_a_record_too(house: House) {
    let (model, decision) = house.waiting("Asks").await;
    let cycle = newest(&house, model.id.0).await;
    assert_eq!(cycle.answer, None);
    let (bundle, again) = replay_stored(&house.desk, cycle.bundle.as_ref().unwrap()).await.unwrap();
    assert!(again.is_identical(), "{:?}", again.differences);
    assert_eq!((bundle.rulings.len(), bundle.rulings[0].decision_id), (1, decision.id));
    assert!(bundle.brief.is_none(), "candles that nobody was told about are not kept");
}

/// What the decisions of a cycle say and what its record says are the same.
async fn matches_decisions(house: &House, cycle: &Cycle, bundle: &Bundle) {
    let decisions = house.desk.store.decisions_of_cycle(cycle.id).await.unwrap();
    assert_eq!(decisions.len(), bundle.rulings.len());
    for ruling in &bundle.rulings {
        let decision = decisions.iter().find(|decision| decision.id == ruling.decision_id).unwrap();
        assert_eq!(decision.coin, ruling.coin);
        let is_right = match ruling.word {
            RulingWord::Unusable => decision.status() == DecisionStatus::ModelError,
            RulingWord::Hold => decision.status() == DecisionStatus::NoAction,
            RulingWord::Denied => decision.status() == DecisionStatus::Denied && decision.risk == ruling.report,
            RulingWord::Passed => {
                let order = match decision.state.order() {
                    Some(order) => house.desk.store.order(order).await.unwrap(),
                    None => None,
                };
                order.is_some_and(|order| Some(&order.digest) == ruling.digest.as_ref())
            }
        };
        assert!(is_right, "{} {}: {ruling:?}", decision.id, decision.status());
    }
}

/// Two hundred cycles of a model that acts by itself while prices move: hostile answers in between purchases and sales.
#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_cycles_replay_identically() {
    let house = House::on(Database::Sqlite).await;
    let provider = FakeProvider::start().await;
    let mut admin = house.admin().await;
    let model = sage(&mut admin, &provider).await;
    let settings = json!({
        "supported_assets": ["BTC", "ETH", "SOL"], "auto_pause_enabled": false, "max_daily_trades": 500,
        "max_daily_loss_pct": "50", "max_drawdown_pct": "50",
    });
    admin.post(&format!("/api/models/{model}/settings"), settings).await.expect(200);
    admin
        .post(&format!("/api/models/{model}/automation"), json!({ "automation": "fully_automated" }))
        .await
        .expect(200);
    let hostile = hostile_answers();
    for number in 0..CYCLES {
        script(&provider, number, &hostile);
        house.pass_minutes(5);
        let ran = admin.post(&format!("/api/models/{model}/cycle"), json!({})).await;
        assert!(ran.status == 200 || ran.status == 503, "{}: {}", ran.status, ran.body);
    }

    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut after, mut replayed) = (0, 0);
    loop {
        let heads = house.desk.store.bundle_heads(BundleFilter::default(), after, 50).await.unwrap();
        let Some(last) = heads.last() else { break };
        after = last.number;
        for head in &heads {
            let cycle = house.desk.store.cycle(head.cycle_id).await.unwrap().unwrap();
            assert_eq!(cycle.bundle.as_ref(), Some(&head.hash));
            match replay_stored(&house.desk, &head.hash).await {
                Ok((bundle, again)) => {
                    assert!(again.is_identical(), "cycle {}: {:#?}", head.cycle_id, again.differences);
                    matches_decisions(&house, &cycle, &bundle).await;
                    again.rulings.iter().for_each(|ruling| *seen.entry(ruling.word.as_str()).or_default() += 1);
                }
                Err(ReplayError::NothingJudged) => *seen.entry("no answer").or_default() += 1,
                Err(error) => panic!("cycle {}: {error}", head.cycle_id),
            }
            replayed += 1;
        }
    }
    assert_eq!(replayed, CYCLES);
    for (word, least) in [("passed", 50), ("denied", 5), ("hold", 50), ("unusable", 50), ("no answer", 4)] {
        assert!(seen.get(word).copied().unwrap_or(0) >= least, "a run that shows something: {seen:?}");
    }
}

fn hostile_answers() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/llm/corpus");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files.filter(|path| path.extension().is_some_and(|ending| ending == "txt")).collect();
    files.sort();
    let texts = files.iter().map(|path| String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned());
    texts.filter(|text| text.len() < 100_000).collect()
}

/// What the provider says in a cycle. An answer that cannot be used is asked for again, so that there are two.
fn script(provider: &FakeProvider, number: usize, hostile: &[String]) {
    let coins = |first: Value, second: Value| {
        answer(&[decision("BTC", first), decision("ETH", second), decision("SOL", json!({}))])
    };
    let sale = json!({ "signal": "close_position" });
    let replies = match number % 5 {
        0 => vec![coins(purchase(), json!({}))],
        1 => vec![coins(json!({ "signal": "buy_to_enter", "quantity": "90" }), purchase())],
        2 => vec![coins(sale.clone(), sale)],
        _ if number % 50 == 3 => vec![Reply::json(401, json!({}))],
        _ => {
            let (first, second) = (number % hostile.len(), (number * 7 + 3) % hostile.len());
            vec![Reply::says(&hostile[first]), Reply::says(&hostile[second])]
        }
    };
    provider.forget_answers();
    replies.into_iter().for_each(|reply| provider.answer(reply));
}

async fn a_record_tells_what_would_be_decided_otherwise_today(house: House) {
    let provider = FakeProvider::start().await;
    provider.answer(answer(&[decision("BTC", purchase()), decision("ETH", json!({}))]));
    let mut admin = house.admin().await;
    let model = sage(&mut admin, &provider).await;
    admin.post(&format!("/api/models/{model}/cycle"), json!({})).await.expect(200);
    let bundle = JsonBundles.unpack(&packed(&house, &newest(&house, model).await).await).unwrap();
    let told = |bundle: &Bundle| {
        let again = replay(bundle, &StrictReader).unwrap();
        again.differences.iter().map(|found| format!("{} {}", found.coin, found.what)).collect::<Vec<_>>()
    };
    assert_eq!(told(&bundle), [""; 0]);

    let mut stricter = bundle.clone();
    stricter.trader.settings.set("max_position_size_pct", "1").unwrap();
    assert_eq!(told(&stricter), ["BTC ruling", "BTC rule POSITION_SIZE"]);

    let mut other = bundle.clone();
    let countersign::ports::bundle::AnswerSource::LanguageModel(said) = &mut other.source else { panic!("rules") };
    let reply = said.turns[0].reply.as_mut().unwrap();
    reply.content = reply.content.replace("\"hold\"", "\"close_position\"");
    assert_eq!(told(&other), ["ETH answer", "ETH ruling", "ETH order"], "nothing else changes");

    // Decisions of the record are compared with, never taken over.
    let mut blank = bundle.clone();
    (blank.answers, blank.rulings) = (Vec::new(), Vec::new());
    let again = replay(&blank, &StrictReader).unwrap();
    assert_eq!(again.answers, bundle.answers);
    assert_eq!(again.rulings[0].word, RulingWord::Passed);
    assert_eq!(told(&blank), ["BTC answer", "ETH answer", "BTC ruling", "ETH ruling"]);
}

async fn a_damaged_record_is_not_believed(house: House) {
    let (model, _) = house.waiting("Asks").await;
    let cycle = newest(&house, model.id.0).await;
    let good = packed(&house, &cycle).await;
    let mut document = JsonBundles.document(&good).unwrap();
    document = document.replacen("\"propose_only\":false", "\"propose_only\":true", 1);
    let mut forged: Bundle = serde_json::from_str(&document).unwrap();
    forged.propose_only = true;
    let bad = PackedBundle { hash: good.hash.clone(), ..JsonBundles.pack(&forged).unwrap() };
    let swap = Changes { removed_bundles: vec![good.hash.clone()], ..Changes::default() };
    house.desk.store.commit(swap).await.unwrap();
    let gone = replay_stored(&house.desk, &good.hash).await;
    assert!(matches!(gone, Err(ReplayError::Gone(hash)) if hash == good.hash));
    house.desk.store.commit(Changes { new_bundles: vec![bad], ..Changes::default() }).await.unwrap();
    let found = replay_stored(&house.desk, &good.hash).await;
    assert!(matches!(found, Err(ReplayError::Bundle(BundleError::Damaged(hash))) if hash == good.hash));
    assert!(Digest::parse(good.hash.as_str()).is_some());
}
