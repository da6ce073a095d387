//! Templates of prompts: each model may have its own. A template is tried before it is kept, and every kept one stays,
//! so that an old prompt can be explained.

use crate::domain::ids::TraderId;
use crate::domain::prompt_template::PromptTemplate;
use crate::domain::provider::AnswerMode;
use crate::domain::time::Timestamp;
use crate::domain::trader::Trader;
use crate::ports::advisor::Brief;
use crate::ports::language_model::{Prompt, TemplateError};
use crate::ports::market_data::MarketDataError;
use crate::ports::store::{AuditEntry, Changes, CommitError, StoreError};
use crate::services::cycle_parts::{MarketView, relevant_coins};
use crate::services::desk::{COMMIT_ATTEMPTS, Desk, is_conflict};
use crate::services::live_feed::Topic;
use crate::services::run_cycle::{BriefDepth, BriefError, BriefScene, brief};

/// Saved templates that are listed, the newest first.
pub const HISTORY_MAX: u32 = 20;

/// The template that a model's prompts are written from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CurrentTemplate {
    /// The text.
    pub text: String,
    /// The name of its content, 16 hexadecimal digits.
    pub version: String,
    /// Whether it is the program's default.
    pub is_default: bool,
    /// How many were saved before and including it; 0 for a model that never had its own.
    pub number: i64,
}

/// Why a template was not saved. Nothing is changed then.
#[derive(Debug, thiserror::Error)]
pub enum TemplateSaveError {
    /// No such model, or it was deleted.
    #[error("model {0} does not exist")]
    NotFound(TraderId),
    /// It does not render.
    #[error(transparent)]
    Refused(#[from] TemplateError),
    /// Somebody else saved one since it was read.
    #[error("the template was changed by somebody else; read it again")]
    Changed,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why there is no preview.
#[derive(Debug, thiserror::Error)]
pub enum PreviewError {
    /// It does not render with the model's present data.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The market that the model trades at is not configured.
    #[error("no market is configured for {0}")]
    NoMarket(&'static str),
    /// The market did not answer.
    #[error(transparent)]
    Market(#[from] MarketDataError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<BriefError> for PreviewError {
    fn from(error: BriefError) -> Self {
        match error {
            BriefError::Market(error) => Self::Market(error),
            BriefError::Store(error) => Self::Store(error),
        }
    }
}

/// The template in force.
///
/// # Errors
/// When the store fails.
pub async fn current(desk: &Desk, trader: TraderId) -> Result<CurrentTemplate, StoreError> {
    let saved = desk.store.prompt_templates(trader, 1).await?.pop();
    let number = saved.as_ref().map_or(0, |saved| saved.number);
    let own = saved.and_then(|saved| saved.text);
    let is_default = own.is_none();
    let text = own.unwrap_or_else(|| desk.prompts.default_template().to_owned());
    Ok(CurrentTemplate { version: desk.prompts.version(&text), text, is_default, number })
}

/// Saves a template after trying it, or goes back to the default without one. `expected` is the version that the change
/// was made from. What is in force already is not saved again.
///
/// # Errors
/// [`TemplateSaveError`].
pub async fn save(
    desk: &Desk,
    id: TraderId,
    text: Option<&str>,
    expected: Option<&str>,
    by: &str,
) -> Result<CurrentTemplate, TemplateSaveError> {
    let living = |trader: &Trader| trader.deleted_at.is_none();
    let trader = desk.store.trader(id).await?.filter(living).ok_or(TemplateSaveError::NotFound(id))?;
    let default = desk.prompts.default_template();
    let text = text.map(unix_lines).filter(|text| text != default);
    if let Some(text) = &text {
        desk.prompts.check(text)?;
    }
    let version = desk.prompts.version(text.as_deref().unwrap_or(default));
    for _ in 0..COMMIT_ATTEMPTS {
        let before = current(desk, id).await?;
        if expected.is_some_and(|expected| expected != before.version) {
            return Err(TemplateSaveError::Changed);
        }
        if before.version == version && before.is_default == text.is_none() {
            return Ok(before);
        }
        let at = desk.clock.now();
        let number = before.number + 1;
        let saved = PromptTemplate {
            trader_id: id,
            number,
            text: text.clone(),
            version: version.clone(),
            saved_by: by.to_owned(),
            saved_at: at,
        };
        match desk.store.commit(changes(&trader, &before, saved, at)).await {
            Ok(()) => {
                crate::observe::model_changed(&trader, "model.prompt", by);
                desk.live.publish(Topic::Model, Some(id.0), Some(id));
                let is_default = text.is_none();
                let text = text.unwrap_or_else(|| default.to_owned());
                return Ok(CurrentTemplate { text, version, is_default, number });
            }
            Err(error) if is_conflict(&error) => {}
            Err(CommitError::Store(error)) => return Err(error.into()),
            Err(_) => return Err(TemplateSaveError::Changed),
        }
    }
    Err(TemplateSaveError::Changed)
}

fn changes(trader: &Trader, before: &CurrentTemplate, saved: PromptTemplate, at: Timestamp) -> Changes {
    let named = |version: &str, is_default: bool| {
        if is_default { format!("{version} (default)") } else { version.to_owned() }
    };
    let (old, new) = (named(&before.version, before.is_default), named(&saved.version, saved.text.is_none()));
    Changes {
        audit: vec![AuditEntry {
            at,
            actor: saved.saved_by.clone(),
            action: "model.prompt",
            subject: format!("model {}", trader.id),
            detail: format!("template: {old} -> {new}"),
        }],
        saved_templates: vec![saved],
        ..Changes::default()
    }
}

/// Saved templates of a model, newest first, at most [`HISTORY_MAX`].
///
/// # Errors
/// When the store fails.
pub async fn history(desk: &Desk, trader: TraderId) -> Result<Vec<PromptTemplate>, StoreError> {
    desk.store.prompt_templates(trader, HISTORY_MAX).await
}

/// What the model would be told now, written from a template that need not be saved. Reads only.
///
/// # Errors
/// [`PreviewError`].
pub async fn preview(
    desk: &Desk,
    trader: &Trader,
    text: &str,
    (schema, mode): (&str, AnswerMode),
) -> Result<Prompt, PreviewError> {
    let brief = present_brief(desk, trader).await?;
    Ok(desk.prompts.write(&unix_lines(text), &brief, schema, mode)?)
}

/// The whole brief of this moment. An account that was never opened is told as it would begin.
async fn present_brief(desk: &Desk, trader: &Trader) -> Result<Brief, PreviewError> {
    let venue = trader.axes.venue_kind();
    let source = desk.markets.of(venue).ok_or(PreviewError::NoMarket(venue.as_str()))?;
    let now = source.now();
    let view = match desk.store.book(trader.id, venue).await? {
        Some(book) => desk.store.book_view(book.id, now.day_start()).await?,
        None => None,
    };
    let view = view.unwrap_or_else(|| unopened(trader, now));
    let market = MarketView::read(desk, source.as_ref(), trader, relevant_coins(trader, &view)).await?;
    let scene = BriefScene { trader, view: &view, market: &market, source: source.as_ref() };
    Ok(brief(desk, &scene, BriefDepth::Whole).await?)
}

fn unopened(trader: &Trader, now: Timestamp) -> crate::domain::book::BookView {
    use crate::domain::book::{Book, BookView};
    use crate::domain::ids::BookId;
    use crate::domain::money::Money;
    let capital = Money::new(trader.settings.initial_capital);
    BookView {
        // No book has this id, so nothing is read for it.
        book: Book::open(BookId(0), trader.id, trader.axes.venue_kind(), capital, now),
        positions: Vec::new(),
        open_orders: Vec::new(),
        waiting: Vec::new(),
        entries_today: 0,
    }
}

/// Browsers send two characters for a line's end.
fn unix_lines(text: &str) -> String {
    text.replace("\r\n", "\n")
}
