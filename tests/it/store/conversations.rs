//! Conversations are searched in the newest cycles, letter by letter.

use super::harness::{on_both, tamper};
use super::samples::{NOW, cycle, trader};
use crate::support::fake_provider::FakeProvider;
use countersign::adapters::store::SqlStore;
use countersign::domain::ai_cost::{AiCall, AiPurpose};
use countersign::domain::cycle::{AnswerGrade, Cycle};
use countersign::domain::ids::{CycleId, TraderId};
use countersign::domain::provider::TokenUsage;
use countersign::ports::store::{CONVERSATIONS_SEARCHED, Changes, ConversationFilter, Page, RecordReads, Store};

async fn say(store: &SqlStore, id: i64, asked: &str, answered: &str, answer: Option<AnswerGrade>) {
    let new = Cycle { asked: asked.to_owned(), answered: answered.to_owned(), answer, ..cycle(id, 1) };
    store.commit(Changes { new_cycle: Some(new), ..Changes::default() }).await.unwrap();
}

async fn found(store: &SqlStore, text: &str, answer: Option<AnswerGrade>) -> Vec<i64> {
    let filter = ConversationFilter { text: text.to_owned(), answer };
    let found = store.conversations(TraderId(1), &filter, Page::first(50)).await.unwrap();
    assert!(!found.is_cut, "there are few");
    found.cycles.iter().map(|cycle| cycle.id.0).collect()
}

on_both! {
    async fn every_character_stands_for_itself_and_case_does_not_matter(db) {
        // The first cycle is there already: asked "what now?", answered "hold", partly used.
        let store = db.desk().await;
        say(&store, 2, "Rises by 100% today", "Sell half", Some(AnswerGrade::Used)).await;
        say(&store, 3, "1000 coins", "a_b and c:\\d", Some(AnswerGrade::Unusable)).await;
        say(&store, 4, "quiet", "It's \"axb\" ! 日本 É", None).await;
        let other = Changes {
            new_traders: vec![trader(2, "Owl")],
            new_cycle: Some(Cycle { asked: "Rises".to_owned(), ..cycle(5, 2) }),
            ..Changes::default()
        };
        store.commit(other).await.unwrap();

        for (text, ids) in [
            ("", vec![4, 3, 2, 1]),
            ("rises BY", vec![2]),
            ("SELL", vec![2]),
            ("100%", vec![2]),
            ("100", vec![3, 2]),
            ("%", vec![2]),
            ("a_b", vec![3]),
            ("_", vec![3]),
            ("c:\\d", vec![3]),
            ("!", vec![4]),
            ("it's \"axb\"", vec![4]),
            ("本 É", vec![4]),
            ("what NOW?", vec![1]),
            ("nothing of it", vec![]),
        ] {
            assert_eq!(found(&store, text, None).await, ids, "{text}");
        }
        assert_eq!(found(&store, "", Some(AnswerGrade::Partly)).await, [1]);
        assert_eq!(found(&store, "o", Some(AnswerGrade::Unusable)).await, [3]);
        assert_eq!(found(&store, "quiet", Some(AnswerGrade::Used)).await, [0; 0]);

        let filter = ConversationFilter { text: "a".to_owned(), answer: None };
        let first = store.conversations(TraderId(1), &filter, Page::first(2)).await.unwrap().cycles;
        assert_eq!(first.iter().map(|cycle| cycle.id.0).collect::<Vec<_>>(), [4, 3]);
        let rest = Page { before: Some(3), limit: 2 };
        let rest = store.conversations(TraderId(1), &filter, rest).await.unwrap().cycles;
        assert_eq!(rest.iter().map(|cycle| cycle.id.0).collect::<Vec<_>>(), [2, 1]);
    }

    async fn a_search_looks_at_the_newest_cycles_and_says_so(db) {
        let store = db.desk().await;
        let filter = ConversationFilter { text: "what now".to_owned(), answer: None };
        let columns = "trader_id, venue, automation, started_by, outcome, error, warnings, market_at, started_at, finished_at";
        let copies = |from: u32, to: u32| format!(
            "INSERT INTO cycles (id, {columns}, asked, answered, answer, bundle) \
             WITH RECURSIVE n(i) AS (SELECT {from} UNION ALL SELECT i + 1 FROM n WHERE i < {to}) \
             SELECT n.i, {columns}, 'quiet', '', 'used', NULL FROM cycles, n WHERE cycles.id = 1",
        );
        tamper(&store, &copies(2, CONVERSATIONS_SEARCHED)).await;
        let all = store.conversations(TraderId(1), &filter, Page::first(5)).await.unwrap();
        assert_eq!((all.cycles.len(), all.is_cut), (1, false), "the oldest of 2,000 is seen");

        tamper(&store, &copies(CONVERSATIONS_SEARCHED + 1, CONVERSATIONS_SEARCHED + 1)).await;
        let newest = store.conversations(TraderId(1), &filter, Page::first(5)).await.unwrap();
        assert_eq!((newest.cycles.len(), newest.is_cut), (0, true), "the oldest of 2,001 is not");
        let partly = ConversationFilter { answer: Some(AnswerGrade::Partly), ..ConversationFilter::default() };
        let partly = store.conversations(TraderId(1), &partly, Page::first(5)).await.unwrap();
        assert_eq!((partly.cycles.len(), partly.is_cut), (0, true));

        let page = Page { before: Some(3), limit: 5 };
        let plain = store.conversations(TraderId(1), &ConversationFilter::default(), page).await.unwrap();
        assert_eq!((plain.cycles.len(), plain.is_cut), (2, false), "without a filter every cycle is reached");
    }

    async fn calls_of_several_cycles_are_read_at_once(db) {
        let store = db.desk().await;
        let provider = FakeProvider::start().await.provider();
        store.commit(Changes { new_providers: vec![provider.clone()], ..Changes::default() }).await.unwrap();
        let call = |cycle: i64, purpose, tokens| AiCall {
            trader_id: TraderId(1),
            provider_id: provider.id,
            model_name: "small-1".to_owned(),
            cycle_id: CycleId(cycle),
            purpose,
            at: NOW,
            usage: TokenUsage { input: tokens, output: 1 },
            is_estimated: false,
            cost: None,
            latency_ms: 5,
            is_answered: true,
        };
        let calls = vec![call(1, AiPurpose::Cycle, 10), call(2, AiPurpose::Cycle, 20), call(3, AiPurpose::Reask, 30)];
        store.commit(Changes { ai_calls: calls.clone(), ..Changes::default() }).await.unwrap();
        let some = store.calls_of_cycles(&[CycleId(3), CycleId(1), CycleId(9)]).await.unwrap();
        assert_eq!(some, [calls[0].clone(), calls[2].clone()]);
        assert_eq!(store.calls_of_cycles(&[]).await.unwrap(), []);
    }
}
