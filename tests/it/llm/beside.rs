//! What is asked beside a model's cycles must not stand in their way, is on the bill whatever becomes of it, and compares
//! only what can be compared.

use super::again::{asks, cycle, now, other, shadow, steps};
use super::desk::{answer, decision, purchase, sage};
use crate::support::app::Workers;
use crate::support::fake_provider::{FakeProvider, Reply};
use crate::support::{Client, Database, House, Stage, TestApp};
use countersign::adapters::store::connect;
use countersign::domain::ai_cost::AiPurpose;
use countersign::domain::cycle::CycleTrigger;
use countersign::domain::ids::{BookId, CycleId, ProviderId, ShadowId, TraderId};
use countersign::domain::instrument::InstrumentList;
use countersign::domain::market::{Candle, CandleInterval, Quote, Symbol};
use countersign::domain::reask::Reask;
use countersign::domain::time::Timestamp;
use countersign::ports::market_data::{MarketData, MarketDataError, MarketSource};
use countersign::ports::store::{Changes, IncidentFilter, Page};
use countersign::services::ai::REASKS_AT_ONCE;
use countersign::services::consult::ConsultError;
use countersign::services::desk::Desk;
use countersign::services::follow_record::{FollowError, LAG_MAX, follow};
use countersign::services::reask::{self, ReaskRequest};
use countersign::services::run_cycle::{CycleError, CycleRequest, run};
use countersign::services::shutdown::Shutdown;
use rust_decimal::Decimal;
use sea_orm::ConnectionTrait;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

on_each_database!(
    questions_on_one_budget_take_turns,
    so_many_questions_are_put_at_once_and_no_more,
    an_answer_that_cannot_be_kept_is_paid_for,
    the_cost_of_a_decision_knows_no_trials,
    the_end_of_the_process_leaves_a_record_and_a_bill,
    what_nobody_waits_for_any_more_is_written_before_the_end,
    a_provider_with_one_place_is_asked_by_one_model_at_a_time,
    a_shadow_that_is_interrupted_is_shown_the_record_again,
    another_account_ends_the_comparison,
    what_the_leader_dropped_is_sold,
    a_shadow_that_cannot_be_read_stops_no_model,
    records_without_a_question_are_no_lag,
    a_slow_shadow_is_asked_in_the_words_of_the_record,
    a_price_that_nobody_knows_is_no_price_of_zero,
    rules_that_are_followed_fail_without_candles,
);

fn holds() -> Reply {
    answer(&[decision("BTC", json!({})), decision("ETH", json!({}))])
}

/// A model whose provider holds, and a shadow of it at another provider.
struct Followed {
    first: FakeProvider,
    second: FakeProvider,
    admin: Client,
    model: i64,
    id: ShadowId,
}

impl Followed {
    async fn by(house: &House, says: Reply) -> Self {
        let (first, second) = (FakeProvider::start().await, FakeProvider::start().await);
        first.answer(holds());
        second.answer(says);
        let mut admin = house.admin().await;
        let model = sage(&mut admin, &first).await;
        let provider = other(&mut admin, &second).await;
        let id = shadow(house, model, provider, "Candidate").await.id;
        Self { first, second, admin, model, id }
    }
}

fn of_model(request: ReaskRequest, name: &str) -> ReaskRequest {
    ReaskRequest { model_name: name.to_owned(), ..request }
}

async fn settings(admin: &mut Client, model: i64, body: serde_json::Value) {
    admin.post(&format!("/api/models/{model}/settings"), body).await.expect(200);
}

/// A model of a provider whose prices are known, with a budget of a day; 0 for none.
async fn asker(admin: &mut Client, provider: ProviderId, budget: &str) -> i64 {
    let body = json!({
        "name": "Thrifty", "provider_id": provider, "model_name": "small-1", "supported_assets": ["BTC", "ETH"],
        "ai_budget_day": budget,
    });
    admin.post("/api/models", body).await.expect(201)["id"].as_i64().unwrap()
}

/// A question that has been written down and is being put.
async fn put(house: &House, request: ReaskRequest) -> tokio::task::JoinHandle<Reask> {
    let begun = reask::begin(&house.desk, request).await.unwrap();
    let desk = Arc::clone(&house.desk);
    tokio::spawn(async move { reask::finish(&desk, begun).await.unwrap() })
}

async fn questions_on_one_budget_take_turns(house: House) {
    let provider = FakeProvider::start().await;
    provider.answer(holds());
    let mut admin = house.admin().await;
    let id = other(&mut admin, &provider).await;
    let model = asker(&mut admin, id, "10").await;
    let candidate = shadow(&house, model, id, "Candidate").await.id;
    let asked = cycle(&mut admin, model).await;
    provider.forget_answers();
    provider.answer(holds().hangs());
    let first = put(&house, of_model(asks(asked, id), "big-2")).await;
    provider.has_been_asked(2).await;
    let second = put(&house, of_model(asks(asked, id), "big-3")).await;
    assert!(!follow(&house.desk, candidate).await.unwrap(), "the question before it is not on the bill yet");
    assert_eq!(provider.requests().len(), 2, "the second one waits for its turn");
    provider.release();
    assert_eq!(first.await.unwrap().error, None);
    provider.has_been_asked(3).await;
    let calls = house.desk.store.ai_calls(asked).await.unwrap();
    assert_eq!(calls.len(), 2, "the first one was on the bill before");
    settings(&mut admin, model, json!({ "ai_budget_day": "0" })).await;
    let third = put(&house, of_model(asks(asked, id), "big-4")).await;
    provider.has_been_asked(4).await;
    (0..2).for_each(|_| provider.release());
    assert_eq!((second.await.unwrap().error, third.await.unwrap().error), (None, None), "without a budget none waits");
    provider.forget_answers();
    provider.answer(holds());
    assert!(follow(&house.desk, candidate).await.unwrap());
}

async fn so_many_questions_are_put_at_once_and_no_more(house: House) {
    let provider = FakeProvider::start().await;
    provider.answer(holds());
    let mut admin = house.admin().await;
    let model = sage(&mut admin, &provider).await;
    let id = other(&mut admin, &provider).await;
    let asked = cycle(&mut admin, model).await;
    let mut begun = Vec::new();
    for number in 0..REASKS_AT_ONCE {
        begun.push(reask::begin(&house.desk, of_model(asks(asked, id), &format!("big-{number}"))).await.unwrap());
    }
    let path = format!("/api/cycles/{asked}/ask");
    let refused = admin.post(&path, json!({ "provider_id": id, "model_name": "one more" })).await;
    refused.refused(409, "too_many_questions");
    reask::finish(&house.desk, begun.remove(0)).await.unwrap();
    let answered = admin.post(&path, json!({ "provider_id": id, "model_name": "one more" })).await.expect(200);
    assert_eq!(answered["status"], "answered", "{answered}");
}

async fn an_answer_that_cannot_be_kept_is_paid_for(house: House) {
    let provider = FakeProvider::start().await;
    provider.answer(holds());
    let mut admin = house.admin().await;
    let model = sage(&mut admin, &provider).await;
    let id = other(&mut admin, &provider).await;
    let asked = cycle(&mut admin, model).await;
    let begun = reask::begin(&house.desk, asks(asked, id)).await.unwrap();
    // Somebody else has ended it: the answer finds no open question.
    let ended = Reask { finished_at: Some(house.desk.clock.now()), error: Some("gone".into()), ..begun.reask.clone() };
    house.desk.store.commit(Changes { finished_reasks: vec![ended], ..Changes::default() }).await.unwrap();
    assert!(reask::finish(&house.desk, begun).await.is_err());
    let calls = house.desk.store.ai_calls(asked).await.unwrap();
    let paid: Vec<AiPurpose> = calls.iter().map(|call| call.purpose).collect();
    assert_eq!(paid, [AiPurpose::Cycle, AiPurpose::Reask]);
}

async fn the_cost_of_a_decision_knows_no_trials(house: House) {
    let provider = FakeProvider::start().await;
    provider.answer(holds());
    let mut admin = house.admin().await;
    let id = other(&mut admin, &provider).await;
    let model = asker(&mut admin, id, "0").await;
    let candidate = shadow(&house, model, id, "Candidate").await.id;
    let asked = cycle(&mut admin, model).await;
    let path = format!("/api/models/{model}/ai-costs");
    let before = admin.get(&path).await.expect(200);
    assert!(follow(&house.desk, candidate).await.unwrap());
    let begun = reask::begin(&house.desk, asks(asked, id)).await.unwrap();
    reask::finish(&house.desk, begun).await.unwrap();
    let after = admin.get(&path).await.expect(200);
    let today = &after["today"];
    // Each call costs 0.000364 dollars.
    assert_eq!((&today["calls"], &today["cost"]), (&json!(3), &json!("0.001092")));
    assert_eq!((&today["trial_calls"], &today["trial_cost"]), (&json!(2), &json!("0.000728")));
    for figure in ["cost_per_decision", "pnl_after_ai_cost"] {
        assert_eq!(before[figure], after[figure], "{figure}");
    }
    let page = admin.get(&format!("/models/{model}/costs")).await.body;
    assert!(page.contains("2 calls (0.0007 USD) were re-asks and shadows"), "{page}");
}

/// A house whose models are waited for no longer once its end has begun.
struct Impatient(House);

impl Stage for Impatient {
    async fn on(database: Database) -> Self {
        let arrange = |desk: &mut Desk| {
            desk.policy.patience.last_answer = Duration::ZERO;
            // The end of the house itself would close the database.
            desk.ai.as_mut().unwrap().closing = Shutdown::new();
        };
        Self(House::with(database, |_| {}, arrange).await)
    }
}

async fn the_end_of_the_process_leaves_a_record_and_a_bill(Impatient(house): Impatient) {
    let provider = FakeProvider::start().await;
    provider.answer(holds().hangs());
    let mut admin = house.admin().await;
    let model = TraderId(sage(&mut admin, &provider).await);
    let desk = Arc::clone(&house.desk);
    let running =
        tokio::spawn(async move { run(&desk, CycleRequest::ask(model, CycleTrigger::Schedule, "test")).await });
    provider.has_been_asked(1).await;
    house.desk.ai.as_ref().unwrap().closing.begin();
    let ended = running.await.unwrap();
    assert!(matches!(ended, Err(CycleError::Consult(ConsultError::ShuttingDown))), "{ended:?}");
    let kept = house.desk.store.cycles(model, Page::first(1)).await.unwrap().remove(0);
    assert!(kept.bundle.is_some() && kept.answered.contains("given up"), "{}", kept.answered);
    let calls = house.desk.store.ai_calls(kept.id).await.unwrap();
    assert_eq!(calls.len(), 1);
    assert!(calls[0].is_estimated && !calls[0].is_answered && calls[0].usage.input > 0, "{calls:?}");
    let trader = house.desk.store.trader(model).await.unwrap().unwrap();
    assert_eq!((trader.model_errors, trader.api_errors), (0, 0), "nobody is at fault");
    let incidents = house.desk.store.incidents(IncidentFilter::default(), Page::first(5)).await.unwrap();
    assert_eq!(incidents[0].severity.as_str(), "low", "{incidents:?}");
}

/// The whole server, which waits neither for cycles nor, at its end, for answers.
struct Hasty(TestApp);

impl Stage for Hasty {
    async fn on(database: Database) -> Self {
        let arrange = |desk: &mut Desk| {
            desk.policy.patience.cycle = Duration::ZERO;
            desk.policy.patience.last_answer = Duration::ZERO;
        };
        Self(TestApp::open(database, Workers::Absent, |_| {}, arrange).await)
    }
}

async fn what_nobody_waits_for_any_more_is_written_before_the_end(Hasty(app): Hasty) {
    let provider = FakeProvider::start().await;
    provider.answer(holds());
    let mut admin = app.admin().await;
    let id = other(&mut admin, &provider).await;
    let model = asker(&mut admin, id, "10").await;
    let asked = run(&app.desk, CycleRequest::ask(TraderId(model), CycleTrigger::Api, "test")).await.unwrap();
    provider.forget_answers();
    provider.answer(holds().hangs());
    for (name, sent) in [("big-2", 2), ("waits for its turn", 2)] {
        let body = json!({ "provider_id": id, "model_name": name });
        assert_eq!(admin.post(&format!("/api/cycles/{asked}/ask"), body).await.expect(202)["status"], "asking");
        provider.has_been_asked(sent).await;
    }
    admin.post(&format!("/api/models/{model}/cycle"), json!({})).await.expect(202);
    provider.has_been_asked(3).await;

    let app = app.restart().await;
    let reasks = app.desk.store.reasks(asked).await.unwrap();
    let stopped = Some("the desk was stopped before the answer came".to_owned());
    assert_eq!(reasks.iter().map(|reask| reask.error.clone()).collect::<Vec<_>>(), [stopped.clone(), stopped]);
    let calls = app.desk.store.ai_calls(asked).await.unwrap();
    assert_eq!(calls.iter().map(|call| call.purpose).collect::<Vec<_>>(), [AiPurpose::Cycle, AiPurpose::Reask]);
    let cut = app.desk.store.cycles(TraderId(model), Page::first(1)).await.unwrap().remove(0);
    assert!(cut.id != asked && cut.bundle.is_some(), "{cut:?}");
    assert_eq!(app.desk.store.ai_calls(cut.id).await.unwrap().len(), 1);
}

async fn a_provider_with_one_place_is_asked_by_one_model_at_a_time(house: House) {
    let provider = FakeProvider::start().await;
    provider.answer(holds().hangs());
    let mut admin = house.admin().await;
    let body = json!({ "name": "Narrow", "kind": "other", "base_url": provider.url(), "max_concurrency": 1 });
    let id = admin.post("/api/providers", body).await.expect(201)["id"].clone();
    let mut running = Vec::new();
    for name in ["First", "Second"] {
        let body = json!({
            "name": name, "provider_id": id, "model_name": "small-1", "supported_assets": ["BTC", "ETH"],
        });
        let model = TraderId(admin.post("/api/models", body).await.expect(201)["id"].as_i64().unwrap());
        let desk = Arc::clone(&house.desk);
        running.push(tokio::spawn(async move {
            run(&desk, CycleRequest::ask(model, CycleTrigger::Schedule, "test")).await
        }));
        provider.has_been_asked(1).await;
    }
    for asked in 1..=2 {
        assert_eq!(provider.requests().len(), asked, "one at a time");
        provider.release();
        running.remove(0).await.unwrap().unwrap();
        if asked == 1 {
            provider.has_been_asked(2).await;
        }
    }
}

async fn a_shadow_that_is_interrupted_is_shown_the_record_again(Impatient(house): Impatient) {
    let Followed { first: _first, second, mut admin, model, id } = Followed::by(&house, holds().hangs()).await;
    let asked = cycle(&mut admin, model).await;
    let before = now(&house, id).await;
    let desk = Arc::clone(&house.desk);
    let following = tokio::spawn(async move { follow(&desk, id).await });
    second.has_been_asked(1).await;
    house.desk.ai.as_ref().unwrap().closing.begin();
    let ended = following.await.unwrap();
    assert!(matches!(ended, Err(FollowError::NotNow(_))), "{ended:?}");
    assert_eq!(now(&house, id).await, before, "it has not seen the record");
    assert_eq!(house.desk.store.shadows_behind().await.unwrap(), [id]);
    let calls = house.desk.store.ai_calls(asked).await.unwrap();
    assert_eq!(calls.iter().filter(|call| call.purpose == AiPurpose::Shadow && call.is_estimated).count(), 1);
}

async fn another_account_ends_the_comparison(house: House) {
    let Followed { first: _first, second, mut admin, model, id } = Followed::by(&house, holds()).await;
    cycle(&mut admin, model).await;
    assert!(follow(&house.desk, id).await.unwrap());
    let began_on = async |book: BookId| {
        let mut earlier = now(&house, id).await;
        let expected = earlier.version;
        earlier.version += 1;
        earlier.progress.as_mut().unwrap().book = book;
        let changes = Changes { updated_shadows: vec![(earlier, expected)], ..Changes::default() };
        house.desk.store.commit(changes).await.unwrap();
    };
    // One that began before books were noted goes on.
    began_on(BookId::default()).await;
    cycle(&mut admin, model).await;
    assert!(follow(&house.desk, id).await.unwrap());
    let progress = now(&house, id).await.progress.unwrap();
    assert_eq!((progress.steps, progress.book == BookId::default()), (2, false));
    began_on(BookId(99)).await;
    cycle(&mut admin, model).await;
    assert!(follow(&house.desk, id).await.unwrap());
    let ended = now(&house, id).await;
    assert!(!ended.is_active());
    let progress = ended.progress.unwrap();
    assert_eq!((progress.ended.as_deref(), progress.steps), (Some("Sage trades on another account now"), 2));
    assert_eq!(second.requests().len(), 2, "nobody was asked for it");
    let page = admin.get(&format!("/shadows/{id}")).await.body;
    assert!(page.contains("Sage trades on another account now, and nothing could be compared"), "{page}");
    let incidents = house.desk.store.incidents(IncidentFilter::default(), Page::first(5)).await.unwrap();
    assert!(incidents.iter().any(|one| one.title == "Sage: shadow Candidate has ended"), "{incidents:?}");
}

async fn what_the_leader_dropped_is_sold(house: House) {
    let Followed { first, second, mut admin, model, id } =
        Followed::by(&house, answer(&[decision("BTC", json!({})), decision("ETH", purchase())])).await;
    cycle(&mut admin, model).await;
    assert!(follow(&house.desk, id).await.unwrap());
    assert_eq!(now(&house, id).await.held().map(ToString::to_string).collect::<Vec<_>>(), ["ETH"]);
    settings(&mut admin, model, json!({ "supported_assets": ["BTC"] })).await;
    for provider in [&first, &second] {
        provider.forget_answers();
        provider.answer(answer(&[decision("BTC", json!({}))]));
    }
    house.pass_minutes(30);
    cycle(&mut admin, model).await;
    assert!(follow(&house.desk, id).await.unwrap());
    let fills = steps(&house, id).await[0].fills.clone();
    assert_eq!(fills.len(), 1);
    assert_eq!((fills[0].coin.as_str(), fills[0].why.as_str()), ("ETH", "not followed any more"));
    let account = now(&house, id).await.progress.unwrap().account;
    assert_eq!((account.positions.len(), account.trades), (0, 1));
    assert_eq!(account.equity(), account.book.cash);
}

async fn a_shadow_that_cannot_be_read_stops_no_model(house: House) {
    let Followed { first: _first, second: _second, mut admin, model, id } = Followed::by(&house, holds()).await;
    let db = connect(house.settings.store.database_url.expose()).await.unwrap();
    db.writer.execute_unprepared("UPDATE shadows SET progress = '{}'").await.unwrap();
    assert!(house.desk.store.shadow(id).await.is_err(), "it is damaged");
    let ran = cycle(&mut admin, model).await;
    let decisions = house.desk.store.decisions_of_cycle(ran).await.unwrap();
    assert_eq!(decisions.len(), 2, "the model decides as ever");
}

async fn records_without_a_question_are_no_lag(house: House) {
    let Followed { first: _first, second: _second, mut admin, model, id } = Followed::by(&house, holds()).await;
    let told = cycle(&mut admin, model).await;
    let sent = json!({ "decisions": { "BTC": { "signal": "hold", "justification": "Because." } } });
    for _ in 0..=LAG_MAX {
        admin.post(&format!("/api/models/{model}/cycle"), sent.clone()).await.expect(200);
    }
    assert!(follow(&house.desk, id).await.unwrap());
    assert_eq!(steps(&house, id).await[0].cycle_id, told);
    assert_eq!(now(&house, id).await.progress.unwrap().skipped, 0);
    assert!(house.desk.store.shadows_behind().await.unwrap().is_empty(), "the others ask nothing");
    assert!(!follow(&house.desk, id).await.unwrap());
}

async fn a_slow_shadow_is_asked_in_the_words_of_the_record(house: House) {
    let Followed { first, second, mut admin, model, id } = Followed::by(&house, holds()).await;
    cycle(&mut admin, model).await;
    let template = house.desk.prompts.default_template().replace("You propose trades", "You now propose trades");
    admin.post(&format!("/api/models/{model}/prompt"), json!({ "template": template })).await.expect(200);
    assert!(follow(&house.desk, id).await.unwrap());
    let words = |provider: &FakeProvider| provider.requests()[0].body["messages"].clone();
    assert_eq!(words(&first), words(&second));
    cycle(&mut admin, model).await;
    assert!(follow(&house.desk, id).await.unwrap());
    assert!(second.requests()[1].body["messages"][0]["content"].as_str().unwrap().contains("You now propose"));
}

async fn a_price_that_nobody_knows_is_no_price_of_zero(house: House) {
    let Followed { first: _first, second: _second, mut admin, model, id } = Followed::by(&house, holds()).await;
    cycle(&mut admin, model).await;
    assert!(follow(&house.desk, id).await.unwrap());
    let page = admin.get(&format!("/shadows/{id}")).await.body;
    assert!(page.contains("Sage no price known") && page.contains("0.0004 USD"), "{page}");
    let progress = now(&house, id).await.progress.unwrap();
    assert_eq!((progress.unpriced_calls, progress.cost), (0, Decimal::new(364, 6)));
    assert_eq!((progress.leader_unpriced_calls, progress.leader_cost), (1, Decimal::ZERO));
}

/// A market whose candles can be taken away.
struct NoCandles(Arc<dyn MarketData>);

#[async_trait::async_trait]
impl MarketData for NoCandles {
    fn source(&self) -> MarketSource {
        self.0.source()
    }

    fn now(&self) -> Timestamp {
        self.0.now()
    }

    async fn instruments(&self) -> Result<Arc<InstrumentList>, MarketDataError> {
        self.0.instruments().await
    }

    async fn quotes(&self, symbols: &[Symbol]) -> Result<BTreeMap<Symbol, Quote>, MarketDataError> {
        self.0.quotes(symbols).await
    }

    async fn candles(&self, _: &Symbol, _: CandleInterval, _: usize) -> Result<Arc<[Candle]>, MarketDataError> {
        Err(MarketDataError::Unavailable("the candles are gone".to_owned()))
    }
}

struct Blind(House);

impl Stage for Blind {
    async fn on(database: Database) -> Self {
        let blind = |desk: &mut Desk| {
            desk.markets.simulation = Arc::new(NoCandles(Arc::clone(&desk.markets.simulation)));
        };
        Self(House::with(database, |_| {}, blind).await)
    }
}

async fn rules_that_are_followed_fail_without_candles(Blind(house): Blind) {
    let provider = FakeProvider::start().await;
    let mut admin = house.admin().await;
    let body = json!({ "name": "Rules", "provider_id": 1, "model_name": "ema_cross", "supported_assets": ["BTC"] });
    let model = admin.post("/api/models", body).await.expect(201)["id"].as_i64().unwrap();
    let trigger = CycleTrigger::Api;
    let asked = async || -> Result<CycleId, CycleError> {
        run(&house.desk, CycleRequest::ask(TraderId(model), trigger, "test")).await
    };
    assert!(matches!(asked().await, Err(CycleError::Market(_))));
    let provider = other(&mut admin, &provider).await;
    shadow(&house, model, provider, "Candidate").await;
    let failed = asked().await;
    assert!(matches!(failed, Err(CycleError::Market(_))), "followed or not: {failed:?}");
}
