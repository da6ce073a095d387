//! What it costs to write down what a language model is told, with the network left out.

use super::house::House;
use super::median;
use countersign::domain::provider::AnswerMode;
use countersign::domain::venue_kind::AutomationLevel;
use countersign::services::cycle_parts::{MarketView, relevant_coins};
use countersign::services::run_cycle::{BriefDepth, BriefScene, brief};
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

/// Briefs of which the middle one counts.
const BRIEFS: usize = 300;

/// Times of a brief and its prompt.
pub struct BriefFigures {
    /// Candles, indicators and the prompt's text: all but the reads of the database.
    pub market: Duration,
    /// The whole.
    pub whole: Duration,
}

/// Measures briefs of six coins over a market in memory.
pub async fn measure(dir: &Path) -> BriefFigures {
    let house = House::open(dir).await;
    house.cycles().await;
    let trader = house.model("told", AutomationLevel::Manual, &[]).await;
    let desk = &house.desk;
    let source = desk.markets.simulation.as_ref();
    let venue = trader.axes.venue_kind();
    let book = desk.store.book(trader.id, venue).await.unwrap().unwrap();
    let view = desk.store.book_view(book.id, source.now().day_start()).await.unwrap().unwrap();
    let market = MarketView::read(desk, source, &trader, relevant_coins(&trader, &view)).await.unwrap();
    let scene = BriefScene { trader: &trader, view: &view, market: &market, source };
    let (mut reads, mut whole) = (Vec::new(), Vec::new());
    for _ in 0..BRIEFS {
        let begun = Instant::now();
        let told = brief(desk, &scene, BriefDepth::Whole).await.unwrap();
        assert_eq!((told.coins.len(), told.missing.len()), (6, 0));
        let text = desk.prompts.default_template();
        black_box(desk.prompts.write(text, &told, "", AnswerMode::JsonSchema).unwrap());
        whole.push(begun.elapsed());
        // The same questions once more, by themselves: what they take is the database's part.
        let begun = Instant::now();
        black_box(desk.store.closed_positions(book.id, 10).await.unwrap());
        black_box(desk.store.past_decisions(book.id, 20).await.unwrap());
        reads.push(begun.elapsed());
    }
    let (reads, whole) = (median(reads), median(whole));
    BriefFigures { market: whole.saturating_sub(reads), whole }
}
