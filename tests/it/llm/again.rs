//! The same question to another model, and candidates that follow on paper: both show what would have been, and neither
//! decides anything.

use super::desk::{answer, decision, purchase, sage};
use crate::support::fake_provider::{FakeProvider, Reply};
use crate::support::{Client, House};
use countersign::adapters::bundle_codec::JsonBundles;
use countersign::domain::ids::{CycleId, ProviderId, ReaskId, ShadowId, TraderId};
use countersign::domain::money::Money;
use countersign::domain::reask::{REASK_ENDS_AFTER_MS, ReaskState, ReaskTemplate};
use countersign::domain::shadow::{Shadow, ShadowStep};
use countersign::ports::bundle::{Bundle, BundleCodec, RulingWord};
use countersign::ports::store::{OrderFilter, Page};
use countersign::services::follow_record::{LAG_MAX, follow};
use countersign::services::reask::{self, ReaskError, ReaskRequest};
use countersign::services::replay_bundle::replay;
use countersign::services::shadows::{self, NewShadow, ShadowError};
use serde_json::json;

on_each_database!(
    another_model_is_asked_the_same_and_nothing_is_done,
    a_question_that_gets_no_answer_says_why,
    what_cannot_be_asked_again_is_refused,
    a_shadow_trades_on_paper_at_the_prices_of_each_record,
    a_shadow_never_trades_and_sees_no_later_price,
    a_shadow_that_fails_says_so_and_goes_on,
    a_slow_shadow_skips_to_the_newest_record,
    rules_can_be_followed_too,
    the_last_part_of_a_budget_is_the_models_own,
    shadows_end_with_their_model,
);

pub(super) async fn other(admin: &mut Client, provider: &FakeProvider) -> ProviderId {
    let body = json!({
        "name": "Other", "kind": "other", "base_url": provider.url(), "input_price": "2", "output_price": "10",
    });
    ProviderId(admin.post("/api/providers", body).await.expect(201)["id"].as_i64().unwrap())
}

pub(super) async fn cycle(admin: &mut Client, model: i64) -> CycleId {
    let ran = admin.post(&format!("/api/models/{model}/cycle"), json!({})).await.expect(200);
    CycleId(ran["cycle_id"].as_i64().unwrap())
}

pub(super) fn asks(cycle: CycleId, provider_id: ProviderId) -> ReaskRequest {
    let (model_name, actor) = ("big-2".to_owned(), "ann".to_owned());
    ReaskRequest { cycle, provider_id, model_name, template: ReaskTemplate::Recorded, actor }
}

async fn bundle(house: &House, hash: &countersign::domain::digest::Digest) -> Bundle {
    JsonBundles.unpack(&house.desk.store.bundle(hash).await.unwrap().unwrap()).unwrap()
}

async fn another_model_is_asked_the_same_and_nothing_is_done(house: House) {
    let (first, second) = (FakeProvider::start().await, FakeProvider::start().await);
    first.answer(answer(&[decision("BTC", purchase()), decision("ETH", json!({}))]));
    second.answer(answer(&[decision("BTC", json!({})), decision("ETH", purchase())]));
    let mut admin = house.admin().await;
    let model = sage(&mut admin, &first).await;
    let provider = other(&mut admin, &second).await;
    let cycle = cycle(&mut admin, model).await;
    let before = house.desk.store.decisions_of_cycle(cycle).await.unwrap();
    let begun = reask::begin(&house.desk, asks(cycle, provider)).await.unwrap();
    assert_eq!(begun.reask.state(house.desk.clock.now()), ReaskState::Asking);
    // Prices of now are of no concern to it.
    house.pass_minutes(600);
    let done = reask::finish(&house.desk, begun).await.unwrap();
    assert_eq!(done.state(house.desk.clock.now()), ReaskState::Answered, "{:?}", done.error);
    assert_eq!(house.desk.store.reasks(cycle).await.unwrap().first(), Some(&done));

    let asked = |provider: &FakeProvider| provider.requests()[0].body["messages"].clone();
    assert_eq!(asked(&first), asked(&second), "word for word");
    let kept = house.desk.store.cycle(cycle).await.unwrap().unwrap().bundle.unwrap();
    let (theirs, own) = (bundle(&house, &kept).await, bundle(&house, &done.bundle.clone().unwrap()).await);
    let words = |bundle: &Bundle| bundle.rulings.iter().map(|ruling| ruling.word).collect::<Vec<_>>();
    assert_eq!(words(&theirs), [RulingWord::Passed, RulingWord::Hold]);
    assert_eq!(words(&own), [RulingWord::Hold, RulingWord::Passed]);
    let market_at = |bundle: &Bundle| bundle.scene.as_ref().unwrap().market_at;
    assert_eq!(market_at(&theirs), market_at(&own));
    assert!(replay(&own, house.desk.ai.as_ref().unwrap().answers.as_ref()).unwrap().is_identical());

    assert_eq!(house.desk.store.decisions_of_cycle(cycle).await.unwrap(), before, "no decision came of it");
    let calls = house.desk.store.ai_calls(cycle).await.unwrap();
    let purposes: Vec<_> =
        calls.iter().map(|call| (call.purpose.as_str(), call.cost.map(|cost| cost.to_string()))).collect();
    // 12 tokens in at 2 and 34 out at 10 dollars for a million.
    assert_eq!(purposes, [("cycle", None), ("reask", Some("0.000364".to_owned()))]);
}

async fn a_question_that_gets_no_answer_says_why(house: House) {
    let (first, second) = (FakeProvider::start().await, FakeProvider::start().await);
    first.answer(answer(&[decision("BTC", json!({})), decision("ETH", json!({}))]));
    second.answer(Reply::json(401, json!({})));
    let mut admin = house.admin().await;
    let model = sage(&mut admin, &first).await;
    let provider = other(&mut admin, &second).await;
    let cycle = cycle(&mut admin, model).await;
    let begun = reask::begin(&house.desk, asks(cycle, provider)).await.unwrap();
    let again = reask::begin(&house.desk, asks(cycle, provider)).await;
    assert!(matches!(again, Err(ReaskError::Asking(name)) if name == "big-2"), "once at a time");
    let done = reask::finish(&house.desk, begun).await.unwrap();
    assert_eq!(done.state(house.desk.clock.now()), ReaskState::Failed);
    assert!(done.error.as_deref().is_some_and(|why| why.contains("refuses the key")), "{:?}", done.error);

    // One whose process has ended is not asked for ever.
    let lost = reask::begin(&house.desk, asks(cycle, provider)).await.unwrap().reask;
    house.clock.advance_ms(REASK_ENDS_AFTER_MS + 1);
    assert_eq!(lost.state(house.desk.clock.now()), ReaskState::Lost);
    assert!(reask::begin(&house.desk, asks(cycle, provider)).await.is_ok());
    assert!(house.desk.store.reask(ReaskId(lost.id.0)).await.unwrap().is_some());
}

async fn what_cannot_be_asked_again_is_refused(house: House) {
    let provider = FakeProvider::start().await;
    let mut admin = house.admin().await;
    let id = other(&mut admin, &provider).await;
    let (_, decision) = house.waiting("Rules").await;
    let refused = reask::begin(&house.desk, asks(decision.cycle_id, id)).await;
    assert!(matches!(refused, Err(ReaskError::NoQuestion)), "{refused:?}");
    let nowhere = reask::begin(&house.desk, asks(CycleId(999), id)).await;
    assert!(matches!(nowhere, Err(ReaskError::NotFound(_))));
}

pub(super) async fn shadow(house: &House, model: i64, provider: ProviderId, name: &str) -> Shadow {
    let new = NewShadow {
        trader_id: TraderId(model),
        name: name.to_owned(),
        provider_id: provider,
        model_name: "big-2".to_owned(),
        template: None,
        actor: "ann".to_owned(),
    };
    shadows::start(&house.desk, new).await.unwrap()
}

pub(super) async fn now(house: &House, id: ShadowId) -> Shadow {
    house.desk.store.shadow(id).await.unwrap().unwrap()
}

pub(super) async fn steps(house: &House, id: ShadowId) -> Vec<ShadowStep> {
    house.desk.store.shadow_steps(id, Page::first(50)).await.unwrap()
}

async fn a_shadow_trades_on_paper_at_the_prices_of_each_record(house: House) {
    let (first, second) = (FakeProvider::start().await, FakeProvider::start().await);
    first.answer(answer(&[decision("BTC", json!({})), decision("ETH", json!({}))]));
    let mut admin = house.admin().await;
    let model = sage(&mut admin, &first).await;
    let provider = other(&mut admin, &second).await;
    cycle(&mut admin, model).await;
    let id = shadow(&house, model, provider, "Candidate").await.id;
    assert!(!follow(&house.desk, id).await.unwrap(), "what came before it is no test");

    second.answer(answer(&[decision("BTC", purchase()), decision("ETH", json!({}))]));
    let bought_in = cycle(&mut admin, model).await;
    assert!(follow(&house.desk, id).await.unwrap());
    let progress = now(&house, id).await.progress.unwrap();
    assert_eq!((progress.steps, progress.account.positions.len(), progress.compared, progress.agreed), (1, 1, 2, 1));
    let fill = steps(&house, id).await[0].fills[0].clone();
    let kept = house.desk.store.cycle(bought_in).await.unwrap().unwrap().bundle.unwrap();
    let scene = bundle(&house, &kept).await.scene.unwrap();
    let quote = scene.quotes.values().next().unwrap().price;
    assert!(
        fill.price > quote && fill.price.decimal() < quote.decimal() * rust_decimal::Decimal::new(1002, 3),
        "{fill:?}"
    );
    let start = Money::new(rust_decimal::Decimal::from(10_000));
    let account = &progress.account;
    assert_eq!(account.book.initial_capital, start, "as much as the model had");
    assert_eq!(account.book.cash, start - fill.price * fill.quantity - fill.fee);
    assert!(progress.return_pct() < rust_decimal::Decimal::ZERO, "fees and slippage are paid");
    assert_eq!(progress.leader_return_pct(), rust_decimal::Decimal::ZERO);

    // What it is told next is its own account, in the model's market.
    second.forget_answers();
    second.answer(answer(&[decision("BTC", json!({ "signal": "close_position" })), decision("ETH", json!({}))]));
    house.pass_minutes(60);
    cycle(&mut admin, model).await;
    assert!(follow(&house.desk, id).await.unwrap());
    let told = second.requests()[1].body["messages"][1]["content"].as_str().unwrap().to_owned();
    assert!(told.contains("open positions 1") && told.contains(&fill.quantity.to_string()), "{told}");
    let progress = now(&house, id).await.progress.unwrap();
    assert_eq!((progress.account.positions.len(), progress.account.trades), (0, 1));
    assert_eq!(progress.account.equity(), progress.account.book.cash);
    let steps = steps(&house, id).await;
    assert_eq!(steps.iter().map(|step| step.number).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(steps[0].cost.map(|cost| cost.to_string()).as_deref(), Some("0.000364"));
    assert!(!follow(&house.desk, id).await.unwrap(), "each record once");
    for step in &steps {
        let own = bundle(&house, step.bundle.as_ref().unwrap()).await;
        let again = replay(&own, house.desk.ai.as_ref().unwrap().answers.as_ref()).unwrap();
        assert!(again.is_identical(), "{:?}", again.differences);
    }
}

async fn a_shadow_never_trades_and_sees_no_later_price(house: House) {
    let (first, second) = (FakeProvider::start().await, FakeProvider::start().await);
    first.answer(answer(&[decision("BTC", json!({})), decision("ETH", json!({}))]));
    second.answer(answer(&[decision("BTC", purchase()), decision("ETH", purchase())]));
    let mut admin = house.admin().await;
    let model = sage(&mut admin, &first).await;
    admin
        .post(&format!("/api/models/{model}/automation"), json!({ "automation": "fully_automated" }))
        .await
        .expect(200);
    let provider = other(&mut admin, &second).await;
    let id = shadow(&house, model, provider, "Candidate").await.id;
    let recorded = cycle(&mut admin, model).await;
    // Hours later the prices are others. The shadow is shown the record of that time.
    house.pass_minutes(6 * 60);
    assert!(follow(&house.desk, id).await.unwrap());
    let step = steps(&house, id).await.remove(0);
    let own = bundle(&house, &step.bundle.clone().unwrap()).await;
    let kept = house.desk.store.cycle(recorded).await.unwrap().unwrap().bundle.unwrap();
    let theirs = bundle(&house, &kept).await;
    let scene = |bundle: &Bundle| bundle.scene.clone().unwrap();
    assert_eq!((scene(&own).market_at, scene(&own).quotes), (scene(&theirs).market_at, scene(&theirs).quotes.clone()));
    assert_eq!((step.market_at, step.fills.len()), (scene(&theirs).market_at, 2));
    let asked = |provider: &FakeProvider| provider.requests()[0].body["messages"][0].clone();
    assert_eq!(asked(&first), asked(&second), "the same rules");
    let brief = theirs.brief.unwrap();
    let last = brief.coins.iter().flat_map(|coin| coin.recent_candles.iter()).map(|candle| candle.open_time).max();
    assert!(last.unwrap() < step.market_at, "no candle of a later time");

    // Nothing of the desk has moved.
    let orders = house.desk.store.orders(OrderFilter::default(), Page::first(10)).await.unwrap();
    assert!(orders.is_empty(), "{orders:?}");
    assert!(
        house
            .desk
            .store
            .decisions_of_cycle(recorded)
            .await
            .unwrap()
            .iter()
            .all(|one| one.status().as_str() == "no_action")
    );
    assert_eq!(admin.get("/api/pending-decisions").await.expect(200), json!([]));
    shadows::stop(&house.desk, id, "ann").await.unwrap();
    cycle(&mut admin, model).await;
    assert!(!follow(&house.desk, id).await.unwrap(), "ended is ended");
    assert!(matches!(shadows::stop(&house.desk, id, "ann").await, Err(ShadowError::Changed)));
}

async fn a_shadow_that_fails_says_so_and_goes_on(house: House) {
    let (first, second) = (FakeProvider::start().await, FakeProvider::start().await);
    first.answer(answer(&[decision("BTC", json!({})), decision("ETH", json!({}))]));
    second.answer(Reply::json(401, json!({})));
    let mut admin = house.admin().await;
    let model = sage(&mut admin, &first).await;
    let provider = other(&mut admin, &second).await;
    let id = shadow(&house, model, provider, "Candidate").await.id;
    for _ in 0..3 {
        cycle(&mut admin, model).await;
        assert!(follow(&house.desk, id).await.unwrap());
    }
    let progress = now(&house, id).await.progress.unwrap();
    assert_eq!((progress.steps, progress.failed, progress.model_errors), (3, 3, 3));
    assert!(steps(&house, id).await[0].error.as_deref().is_some_and(|why| why.contains("refuses the key")));
    assert_eq!(
        house.desk.store.trader(TraderId(model)).await.unwrap().unwrap().model_errors,
        0,
        "the model has no part in it"
    );

    // Three unusable answers in a row are safe mode for it, too: it opens nothing until one could be used.
    second.forget_answers();
    second.answer(answer(&[decision("BTC", purchase()), decision("ETH", purchase())]));
    cycle(&mut admin, model).await;
    assert!(follow(&house.desk, id).await.unwrap());
    let progress = now(&house, id).await.progress.unwrap();
    assert_eq!((progress.denied, progress.account.positions.len(), progress.model_errors), (2, 0, 0));
    let own = bundle(&house, steps(&house, id).await[0].bundle.as_ref().unwrap()).await;
    assert!(replay(&own, house.desk.ai.as_ref().unwrap().answers.as_ref()).unwrap().is_identical());
    let deleted = admin.api("DELETE", &format!("/api/providers/{provider}"), json!({})).await;
    assert_eq!((deleted.status, deleted.code().as_str()), (409, "provider_in_use"), "{}", deleted.body);
}

async fn a_slow_shadow_skips_to_the_newest_record(house: House) {
    let (first, second) = (FakeProvider::start().await, FakeProvider::start().await);
    first.answer(answer(&[decision("BTC", json!({})), decision("ETH", json!({}))]));
    second.answer(answer(&[decision("BTC", json!({})), decision("ETH", json!({}))]));
    let mut admin = house.admin().await;
    let model = sage(&mut admin, &first).await;
    let provider = other(&mut admin, &second).await;
    let id = shadow(&house, model, provider, "Slow").await.id;
    let mut last = CycleId(0);
    for _ in 0..=LAG_MAX {
        house.pass_minutes(1);
        last = cycle(&mut admin, model).await;
    }
    assert!(follow(&house.desk, id).await.unwrap());
    let progress = now(&house, id).await.progress.unwrap();
    assert_eq!((progress.steps, u64::from(progress.skipped)), (1, LAG_MAX));
    assert_eq!(steps(&house, id).await[0].cycle_id, last);
    assert!(!follow(&house.desk, id).await.unwrap());
}

async fn rules_can_be_followed_too(house: House) {
    let second = FakeProvider::start().await;
    second.answer(answer(&[decision("BTC", purchase())]));
    let mut admin = house.admin().await;
    let body = json!({ "name": "Rules", "provider_id": 1, "model_name": "ema_cross", "supported_assets": ["BTC"] });
    let model = admin.post("/api/models", body).await.expect(201)["id"].as_i64().unwrap();
    let provider = other(&mut admin, &second).await;
    let id = shadow(&house, model, provider, "Candidate").await.id;
    let taken = NewShadow {
        trader_id: TraderId(model),
        name: "Candidate".to_owned(),
        provider_id: provider,
        model_name: "big-2".to_owned(),
        template: Some("{{ oops".to_owned()),
        actor: "ann".to_owned(),
    };
    let refused = shadows::start(&house.desk, taken.clone()).await;
    assert!(matches!(&refused, Err(ShadowError::Template(why)) if why.line.is_some()), "{refused:?}");
    let refused = shadows::start(&house.desk, NewShadow { template: None, ..taken }).await;
    assert!(matches!(refused, Err(ShadowError::NameTaken)), "{refused:?}");
    let followed = cycle(&mut admin, model).await;
    let kept = house.desk.store.cycle(followed).await.unwrap().unwrap().bundle.unwrap();
    assert!(bundle(&house, &kept).await.brief.is_some(), "who is followed keeps what a language model would be told");
    assert!(follow(&house.desk, id).await.unwrap());
    assert_eq!(now(&house, id).await.progress.unwrap().account.positions.len(), 1);
}

async fn the_last_part_of_a_budget_is_the_models_own(house: House) {
    let provider = FakeProvider::start().await;
    provider.answer(answer(&[decision("BTC", json!({})), decision("ETH", json!({}))]));
    let mut admin = house.admin().await;
    let id = other(&mut admin, &provider).await;
    // A cycle costs 0.000364 dollars: after the second one, more than four fifths of the budget are spent.
    let body = json!({
        "name": "Thrifty", "provider_id": id, "model_name": "small-1", "supported_assets": ["BTC", "ETH"],
        "ai_budget_day": "0.0009",
    });
    let model = admin.post("/api/models", body).await.expect(201)["id"].as_i64().unwrap();
    let shadow = shadow(&house, model, id, "Candidate").await.id;
    cycle(&mut admin, model).await;
    let second = cycle(&mut admin, model).await;
    assert!(follow(&house.desk, shadow).await.unwrap());
    let why = steps(&house, shadow).await[0].error.clone().unwrap();
    assert!(why.contains("kept for the model itself"), "{why}");
    let begun = reask::begin(&house.desk, asks(second, id)).await.unwrap();
    let done = reask::finish(&house.desk, begun).await.unwrap();
    assert!(done.error.is_some_and(|why| why.contains("kept for the model itself")));
    assert_eq!(provider.requests().len(), 2, "neither was asked");
    // The budget of today binds, not that of the record.
    admin.post(&format!("/api/models/{model}/settings"), json!({ "ai_budget_day": "1" })).await.expect(200);
    let begun = reask::begin(&house.desk, asks(second, id)).await.unwrap();
    assert_eq!(reask::finish(&house.desk, begun).await.unwrap().error, None);
    admin.post(&format!("/api/models/{model}/settings"), json!({ "ai_budget_day": "0.0012" })).await.expect(200);
    cycle(&mut admin, model).await;
    let spent = admin.post(&format!("/api/models/{model}/cycle"), json!({})).await.refused(503, "advisor_failed");
    assert!(spent.to_string().contains("is spent"), "{spent}");
}

async fn shadows_end_with_their_model(house: House) {
    let provider = FakeProvider::start().await;
    let mut admin = house.admin().await;
    let model = sage(&mut admin, &provider).await;
    let id = other(&mut admin, &provider).await;
    let shadow = shadow(&house, model, id, "Candidate").await.id;
    let gone = admin.api("DELETE", &format!("/api/models/{model}"), json!({ "name": "Sage" })).await;
    assert_eq!(gone.status, 200, "{}", gone.body);
    assert!(!now(&house, shadow).await.is_active());
    assert!(house.desk.store.active_shadows().await.unwrap().is_empty());
}
