//! Replaying the record of a cycle: the raw answer is read again and judged again by the rules of today, offline. What
//! was decided then is only looked at to be compared.

use crate::domain::decision::Impact;
use crate::domain::digest::Digest;
use crate::domain::market::Coin;
use crate::domain::order::{OrderCause, OrderIntent, OrderKind};
use crate::domain::risk::RuleResult;
use crate::ports::advisor::{Proposal, UnusableAnswer};
use crate::ports::bundle::{AnswerRecord, AnswerSource, Bundle, BundleError, RulingRecord};
use crate::ports::language_model::AnswerReader;
use crate::ports::store::StoreError;
use crate::services::consult::conclude;
use crate::services::cycle_parts::Scene;
use crate::services::desk::Desk;
use crate::services::judge::{Answer, effective_level, judge, set_aside};
use crate::services::record;
use rust_decimal::Decimal;

/// The most differences that are named.
pub const DIFFERENCES_MAX: usize = 50;

/// What a replay came to.
#[derive(Clone, Debug)]
pub struct Replay {
    /// What was read out of the answer this time.
    pub answers: Vec<AnswerRecord>,
    /// What the code made of it this time.
    pub rulings: Vec<RulingRecord>,
    /// Where that differs from the record; none means that the same decisions follow.
    pub differences: Vec<Difference>,
}

impl Replay {
    /// Whether the same decisions follow.
    pub const fn is_identical(&self) -> bool {
        self.differences.is_empty()
    }
}

/// One thing that is not as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Of which coin.
    pub coin: Coin,
    /// What: `answer`, `ruling`, `order`, `rule daily_loss`.
    pub what: String,
    /// As recorded.
    pub recorded: String,
    /// As it is now.
    pub now: String,
}

/// Why there is no replay.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// It was never kept or has been removed.
    #[error("the record {0} is not kept any more")]
    Gone(Digest),
    /// Nothing was answered, so that nothing was judged.
    #[error("there was no answer in this cycle, so there is nothing to judge again")]
    NothingJudged,
    /// This installation cannot read answers of language models.
    #[error("this installation reads no answers of language models")]
    NotConnected,
    /// It cannot be read.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Loads a bundle by its name.
///
/// # Errors
/// [`ReplayError`] when it is gone or damaged.
pub async fn load(desk: &Desk, hash: &Digest) -> Result<Bundle, ReplayError> {
    let packed = desk.store.bundle(hash).await?.ok_or_else(|| ReplayError::Gone(hash.clone()))?;
    Ok(desk.bundles.unpack(&packed)?)
}

/// Replays a stored bundle.
///
/// # Errors
/// [`ReplayError`].
pub async fn replay_stored(desk: &Desk, hash: &Digest) -> Result<(Bundle, Replay), ReplayError> {
    let bundle = load(desk, hash).await?;
    let ai = desk.ai.as_ref().ok_or(ReplayError::NotConnected)?;
    let replay = replay(&bundle, ai.answers.as_ref())?;
    Ok((bundle, replay))
}

/// Reads a bundle's raw answer again and judges it again.
///
/// # Errors
/// [`ReplayError::NothingJudged`].
pub fn replay(bundle: &Bundle, reader: &dyn AnswerReader) -> Result<Replay, ReplayError> {
    let answers: Vec<(Coin, Answer)> = match &bundle.source {
        AnswerSource::LanguageModel(conversation) => {
            let mut replies = conversation.replies().peekable();
            if replies.peek().is_none() {
                return Err(ReplayError::NothingJudged);
            }
            conclude(reader, &conversation.coins, replies)
        }
        // Rules and outsiders answer in proposals: there is no text to be read.
        AnswerSource::Rules { .. } | AnswerSource::Outside { .. } => {
            bundle.answers.iter().map(AnswerRecord::read).collect()
        }
    };
    let rulings = judge_again(bundle, &answers)?;
    let answers: Vec<AnswerRecord> = answers.iter().map(|(coin, answer)| AnswerRecord::of(coin, answer)).collect();
    let mut differences = Vec::new();
    compare_answers(&bundle.answers, &answers, &mut differences);
    compare_rulings(&bundle.rulings, &rulings, &mut differences);
    differences.truncate(DIFFERENCES_MAX);
    Ok(Replay { answers, rulings, differences })
}

/// Judges answers by a bundle's scene: prices, account and limits of that moment.
///
/// # Errors
/// [`ReplayError::NothingJudged`] when the bundle holds no scene.
pub fn judge_again(bundle: &Bundle, answers: &[(Coin, Answer)]) -> Result<Vec<RulingRecord>, ReplayError> {
    let recorded = bundle.scene.as_ref().ok_or(ReplayError::NothingJudged)?;
    let (market, account) = record::seen(recorded);
    let mut view = recorded.view.clone();
    set_aside(&mut view, answers.iter().map(|(coin, answer)| (coin, answer)));
    let level = effective_level(&bundle.trader, bundle.propose_only);
    let mut scene = Scene::new(&bundle.trader, &view, &market, &account, None, None);
    let rulings = answers.iter().enumerate().map(|(index, (coin, answer))| {
        // The order of answers is the order of decisions; those of other answers have none.
        let id = bundle.rulings.get(index).map(|ruling| ruling.decision_id).unwrap_or_default();
        record::ruling(coin, id, &judge(&mut scene, level, coin, answer, OrderCause::Decision(id)))
    });
    Ok(rulings.collect())
}

fn compare_answers(recorded: &[AnswerRecord], now: &[AnswerRecord], differences: &mut Vec<Difference>) {
    for (was, is) in pairs(recorded, now, |answer| &answer.coin) {
        if was != is {
            let text = |answer: Option<&AnswerRecord>| answer.map_or_else(|| "nothing".to_owned(), answer_text);
            push(differences, (was, is), |answer| &answer.coin, "answer", (text(was), text(is)));
        }
    }
}

fn compare_rulings(recorded: &[RulingRecord], now: &[RulingRecord], differences: &mut Vec<Difference>) {
    for (was, is) in pairs(recorded, now, |ruling| &ruling.coin) {
        let (Some(old), Some(new)) = (was, is) else {
            let text =
                |ruling: Option<&RulingRecord>| ruling.map_or("nothing", |ruling| ruling.word.as_str()).to_owned();
            push(differences, (was, is), |ruling| &ruling.coin, "ruling", (text(was), text(is)));
            continue;
        };
        if old == new {
            continue;
        }
        let mut add = |what: &str, was: String, is: String| {
            if was != is {
                differences.push(Difference { coin: new.coin.clone(), what: what.to_owned(), recorded: was, now: is });
            }
        };
        add("ruling", ruling_text(old), ruling_text(new));
        add("order", order_text(old.intent.as_ref()), order_text(new.intent.as_ref()));
        // What was never checked has no rules to be compared.
        if old.intent.is_some() && new.intent.is_some() {
            add("digest", digest_text(old), digest_text(new));
            add("impact", impact_text(&old.impact), impact_text(&new.impact));
        }
        if old.intent.is_some() == new.intent.is_some() {
            for (was, is) in pairs(&old.report.rules, &new.report.rules, |result| &result.rule) {
                let rule = was.or(is).map_or("", |result| result.rule.as_str());
                add(&format!("rule {rule}"), rule_text(was), rule_text(is));
            }
        }
    }
}

/// Puts two lists side by side: each of the first with its equal in the second, then what only the second has.
fn pairs<'a, T, K: PartialEq + ?Sized + 'a>(
    recorded: &'a [T],
    now: &'a [T],
    key: impl Fn(&'a T) -> &'a K,
) -> Vec<(Option<&'a T>, Option<&'a T>)> {
    let both = recorded.iter().map(|was| (Some(was), now.iter().find(|is| key(is) == key(was))));
    let new = now.iter().filter(|is| !recorded.iter().any(|was| key(was) == key(is)));
    both.chain(new.map(|is| (None, Some(is)))).collect()
}

fn push<'a, T>(
    differences: &mut Vec<Difference>,
    (was, is): (Option<&'a T>, Option<&'a T>),
    coin: impl Fn(&'a T) -> &'a Coin,
    what: &str,
    (recorded, now): (String, String),
) {
    if let Some(found) = was.or(is) {
        differences.push(Difference { coin: coin(found).clone(), what: what.to_owned(), recorded, now });
    }
}

fn ruling_text(ruling: &RulingRecord) -> String {
    match ruling.why.as_str() {
        "" => ruling.word.as_str().to_owned(),
        why => format!("{}: {why}", ruling.word),
    }
}

/// Every figure of a rule: a limit that moved is a difference even while the verdict stands.
fn rule_text(result: Option<&RuleResult>) -> String {
    let Some(result) = result else { return "not checked".to_owned() };
    let figure = |value: Option<Decimal>| value.map_or_else(|| "-".to_owned(), |value| value.normalize().to_string());
    let RuleResult { verdict, value, limit, unit, message, .. } = result;
    format!("{verdict} ({} of {} {unit}): {message}", figure(*value), figure(*limit))
}

/// An answer in a few words: `buy_to_enter 0.01, leverage 2, stop 40000`.
pub fn answer_text(answer: &AnswerRecord) -> String {
    match answer.read().1 {
        Ok(proposal) => proposal_text(&proposal),
        Err(UnusableAnswer { message }) => format!("unusable: {message}"),
    }
}

fn proposal_text(proposal: &Proposal) -> String {
    let mut text = proposal.signal.to_string();
    let mut add = |word: &str, value: Option<String>| {
        if let Some(value) = value {
            text.push_str(&format!("{word}{value}"));
        }
    };
    add(" ", proposal.quantity.map(|quantity| quantity.to_string()));
    add(" ", proposal.equity_pct.map(|share| format!("{} % of equity", share.normalize())));
    add(", leverage ", (proposal.leverage > 1).then(|| proposal.leverage.to_string()));
    add(", stop ", proposal.stop_loss.map(|price| price.to_string()));
    add(", target ", proposal.profit_target.map(|price| price.to_string()));
    add(", confidence ", proposal.confidence.map(|confidence| confidence.normalize().to_string()));
    text
}

/// An order in a few words: `buy 0.01 BTCUSDT at 43466.2 or better, stop 40000`.
pub fn order_text(intent: Option<&OrderIntent>) -> String {
    let Some(intent) = intent else { return "no order".to_owned() };
    let limit = match intent.kind {
        OrderKind::Market => "at the market".to_owned(),
        OrderKind::LimitIoc(price) => format!("at {price} or better"),
    };
    let mut text = format!("{} {} {} {limit}", intent.purpose.side(), intent.quantity, intent.symbol);
    let mut add = |word: &str, value: Option<String>| {
        if let Some(value) = value {
            text.push_str(&format!(", {word} {value}"));
        }
    };
    add("leverage", (intent.leverage > 1).then(|| intent.leverage.to_string()));
    add("stop", intent.stop_loss.map(|price| price.to_string()));
    add("target", intent.profit_target.map(|price| price.to_string()));
    text
}

/// Every figure of what an order would change.
fn impact_text(impact: &Impact) -> String {
    let Impact { notional, fee, loss_at_stop, daily_budget_left, .. } = impact;
    let loss = loss_at_stop.map_or_else(|| "no stop".to_owned(), |loss| format!("{loss} lost at the stop"));
    let percent = |value: Decimal| value.normalize();
    format!(
        "notional {notional}, fee {fee}, exposure {} -> {} %, cash {} -> {} %, {loss}, {daily_budget_left} left today",
        percent(impact.exposure_before_pct),
        percent(impact.exposure_after_pct),
        percent(impact.cash_before_pct),
        percent(impact.cash_after_pct)
    )
}

fn digest_text(ruling: &RulingRecord) -> String {
    ruling.digest.as_ref().map_or("none", Digest::as_str).to_owned()
}
