//! What it costs to keep the record of a cycle of a language model, whose answer is at hand.

use crate::house::{House, UNHINDERED};
use crate::{median, ms};
use async_trait::async_trait;
use countersign::adapters::llm::answer::StrictReader;
use countersign::domain::cycle::AnswerGrade;
use countersign::domain::market::Coin;
use countersign::domain::provider::{Provider, TokenUsage};
use countersign::domain::venue_kind::AutomationLevel;
use countersign::ports::language_model::{ChatError, ChatReply, ChatRequest, LanguageModels};
use countersign::ports::store::Page;
use countersign::services::ai::Ai;
use countersign::services::shutdown::Shutdown;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Packings of which the middle one counts.
const PACKINGS: usize = 300;
/// The coins that models follow unless somebody says otherwise.
const COINS: [&str; 6] = ["BTC", "ETH", "SOL", "BNB", "XRP", "DOGE"];

/// What was measured.
pub struct RecordFigures {
    cycle: Duration,
    pack: Duration,
    document: u64,
    packed: usize,
}

impl RecordFigures {
    /// Prints rows.
    pub fn rows(&self, row: impl Fn(&str, String, &str)) {
        let cycle = "Cycle of six coins by a language model, its answer at hand, its record kept (median)";
        row(cycle, ms(self.cycle), "");
        row("Pack the record of such a cycle: JSON, SHA-256 and gzip (median)", ms(self.pack), "");
        #[allow(clippy::cast_precision_loss, reason = "sizes in kB, for people")]
        let (document, packed) = (self.document as f64 / 1_000.0, self.packed as f64 / 1_000.0);
        row("Its size before and after", format!("{document:.1} kB, {packed:.1} kB"), "");
    }
}

/// Buys all coins and closes all of them, in turns, without a network.
struct AtHand(AtomicU32);

#[async_trait]
impl LanguageModels for AtHand {
    async fn chat(&self, _: &Provider, request: &ChatRequest) -> Result<ChatReply, ChatError> {
        let buys = self.0.fetch_add(1, Ordering::SeqCst).is_multiple_of(2);
        let (signal, size) = if buys { ("buy_to_enter", r#""2""#) } else { ("close_position", "null") };
        let decision = |coin| {
            format!(
                r#"{{"coin":"{coin}","signal":"{signal}","quantity":null,"equity_pct":{size},"leverage":null,"profit_target":null,"stop_loss":null,"confidence":"0.62","justification":"The price broke the upper band on rising volume, and the longer trend agrees; the stop stands below the last low.","invalidation":"A close below the last low."}}"#
            )
        };
        let content = format!(r#"{{"decisions":[{}]}}"#, COINS.map(decision).join(","));
        let usage = Some(TokenUsage { input: 6_000, output: 700 });
        let (finish_reason, model) = (Some("stop".to_owned()), Some(request.model.clone()));
        Ok(ChatReply { content, refusal: None, finish_reason, model, usage, latency_ms: 1, requests: 1 })
    }

    async fn offered(&self, _: &Provider) -> Result<Vec<String>, ChatError> {
        Ok(vec!["at-hand".to_owned()])
    }
}

/// A language model that answers at once.
pub fn at_hand() -> Ai {
    Ai::new(Arc::new(AtHand(AtomicU32::new(0))), Arc::new(StrictReader), Shutdown::new())
}

/// Measures cycles of a language model, and the packing of the last one's record.
pub async fn measure(dir: &Path) -> RecordFigures {
    let house = House::open(dir).await;
    let provider = house.provider("At hand", "http://127.0.0.1:9/v1").await;
    let told = ("sage", AutomationLevel::FullyAutomated, UNHINDERED.as_slice());
    let trader = house.model_of(provider, "at-hand", told).await;
    assert_eq!(trader.settings.supported_assets, COINS.map(|coin| Coin::parse(coin).unwrap()));
    let cycles = house.cycles_of(&trader).await;
    let last = house.desk.store.cycles(trader.id, Page::first(1)).await.unwrap().remove(0);
    assert_eq!((last.error.as_deref(), last.answer), (None, Some(AnswerGrade::Used)));
    let kept = house.desk.store.bundle(&last.bundle.unwrap()).await.unwrap().unwrap();
    let bundle = house.desk.bundles.unpack(&kept).unwrap();
    let pack = |_| {
        let begun = Instant::now();
        black_box(house.desk.bundles.pack(black_box(&bundle)).unwrap());
        begun.elapsed()
    };
    let pack = median((0..PACKINGS).map(pack).collect());
    RecordFigures { cycle: cycles.whole, pack, document: kept.size, packed: kept.body.len() }
}
