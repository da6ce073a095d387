//! Putting a cycle's question once more: the same brief, another language model or other words. Both answers are judged
//! by the prices, the account and the limits of that cycle. Nothing is ordered, asked for or shown in the inbox.

use crate::domain::ai_cost::AiPurpose;
use crate::domain::cycle::Cycle;
use crate::domain::ids::{BUILT_IN_PROVIDER, CycleId, ProviderId, ReaskId};
use crate::domain::reask::{REASKS_MAX, Reask, ReaskState, ReaskTemplate};
use crate::domain::trader::MODEL_NAME_MAX;
use crate::ports::advisor::Brief;
use crate::ports::bundle::{AnswerRecord, AnswerSource, Bundle, BundleError};
use crate::ports::store::{AuditEntry, Changes, CommitError, IdKind, StoreError};
use crate::services::ai::REASKS_AT_ONCE;
use crate::services::aside::{Turn, commit_patiently, put_on_bill};
use crate::services::consult::{ConsultError, Question, Transcript, consult};
use crate::services::desk::Desk;
use crate::services::live_feed::Topic;
use crate::services::replay_bundle::{ReplayError, judge_again, load};
use crate::services::run_cycle::told;
use crate::services::templates;
use std::sync::Arc;
use tokio::sync::OwnedSemaphorePermit;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct ReaskRequest {
    /// Whose question.
    pub cycle: CycleId,
    /// Who is asked.
    pub provider_id: ProviderId,
    /// Which of its models.
    pub model_name: String,
    /// In which words.
    pub template: ReaskTemplate,
    /// An operator or a token.
    pub actor: String,
}

/// Why a question has no answer whose process ended before it came.
const LOST: &str = "the desk was stopped before the answer came";
/// Why a question has no answer that came and could not be written.
const NOT_KEPT: &str = "the answer came and could not be kept; the log says why";

/// Why the question was not put.
#[derive(Debug, thiserror::Error)]
pub enum ReaskError {
    /// No such cycle.
    #[error("cycle {0} does not exist")]
    NotFound(CycleId),
    /// Its record was never kept, has been removed, or is damaged.
    #[error(transparent)]
    Record(ReplayError),
    /// No language model was told anything.
    #[error("no language model was told anything in this cycle, so there is no question to put again")]
    NoQuestion,
    /// Enough is enough.
    #[error("this question has been put {REASKS_MAX} times already")]
    TooOften,
    /// Others are being put.
    #[error("{REASKS_AT_ONCE} questions are being put right now; wait for one of them to be answered")]
    TooMany,
    /// It is being asked right now.
    #[error("this question is being put to {0} right now")]
    Asking(String),
    /// The provider does not exist, or holds no language models.
    #[error("provider {0} does not exist")]
    NoProvider(ProviderId),
    /// This installation reaches no provider.
    #[error("this installation asks no language models")]
    NotConnected,
    /// No model is named, or its name is too long.
    #[error("must be 1 to {MODEL_NAME_MAX} characters, without control characters")]
    BadModelName,
    /// Something was not written.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<ReplayError> for ReaskError {
    fn from(error: ReplayError) -> Self {
        match error {
            ReplayError::Store(error) => Self::Store(error),
            error => Self::Record(error),
        }
    }
}

/// A question that has been written down and is now to be put.
#[derive(Debug)]
pub struct Begun {
    /// As it is stored.
    pub reask: Reask,
    original: Bundle,
    brief: Brief,
    /// One of [`REASKS_AT_ONCE`].
    _place: OwnedSemaphorePermit,
}

/// Checks a question and writes it down. [`finish`] puts it.
///
/// # Errors
/// [`ReaskError`]; nothing is written then.
pub async fn begin(desk: &Desk, request: ReaskRequest) -> Result<Begun, ReaskError> {
    let cycle = desk.store.cycle(request.cycle).await?.ok_or(ReaskError::NotFound(request.cycle))?;
    let (original, brief) = question_of(desk, &cycle).await?;
    let name = request.model_name.trim();
    if name.is_empty() || name.chars().count() > MODEL_NAME_MAX || name.chars().any(char::is_control) {
        return Err(ReaskError::BadModelName);
    }
    let provider = desk.store.provider(request.provider_id).await?.filter(|provider| provider.deleted_at.is_none());
    if provider.is_none() || request.provider_id == BUILT_IN_PROVIDER {
        return Err(ReaskError::NoProvider(request.provider_id));
    }
    let now = desk.clock.now();
    let earlier = desk.store.reasks(cycle.id).await?;
    if earlier.len() >= REASKS_MAX {
        return Err(ReaskError::TooOften);
    }
    let ai = desk.ai.as_ref().ok_or(ReaskError::NotConnected)?;
    let place = Arc::clone(&ai.reasks).try_acquire_owned().map_err(|_| ReaskError::TooMany)?;
    let reask = Reask {
        id: ReaskId(desk.next_id(IdKind::Reask).await?),
        cycle_id: cycle.id,
        trader_id: cycle.trader_id,
        provider_id: request.provider_id,
        model_name: name.to_owned(),
        template: request.template,
        asked_by: request.actor.clone(),
        asked_at: now,
        finished_at: None,
        error: None,
        bundle: None,
    };
    let audit = AuditEntry {
        at: now,
        actor: request.actor,
        action: "cycle.reask",
        subject: format!("cycle {}", cycle.id),
        detail: format!("{} of provider {}, {} template", reask.model_name, reask.provider_id, reask.template),
    };
    // Those whose process has ended stand in nobody's way.
    let lost = earlier.into_iter().filter(|reask| reask.state(now) == ReaskState::Lost);
    let lost = lost.map(|reask| Reask { finished_at: Some(now), error: Some(LOST.to_owned()), ..reask });
    let changes = Changes {
        new_reasks: vec![reask.clone()],
        finished_reasks: lost.collect(),
        audit: vec![audit],
        ..Changes::default()
    };
    match desk.store.commit(changes).await {
        Ok(()) => Ok(Begun { reask, original, brief, _place: place }),
        Err(CommitError::Duplicate(_) | CommitError::Conflict(_)) => Err(ReaskError::Asking(reask.model_name)),
        Err(error) => Err(error.into()),
    }
}

/// The record of a cycle and what its language model was told.
async fn question_of(desk: &Desk, cycle: &Cycle) -> Result<(Bundle, Brief), ReaskError> {
    let hash = cycle.bundle.as_ref().ok_or(ReaskError::NoQuestion)?;
    let bundle = load(desk, hash).await?;
    let brief = bundle.brief.clone().filter(|_| bundle.scene.is_some()).ok_or(ReaskError::NoQuestion)?;
    Ok((bundle, brief))
}

/// Puts the question and keeps the answer, or why there was none.
///
/// # Errors
/// When the end could not be written; what was asked is on the bill all the same, if the store takes anything at all.
pub async fn finish(desk: &Desk, begun: Begun) -> Result<Reask, ReaskError> {
    let Begun { reask, original, brief, _place } = begun;
    let transcript = Transcript::default();
    match Turn::wait(desk, reask.trader_id).await {
        Ok(Some(turn)) => {
            let answering = async {
                let answered = ask(desk, &reask, &original, &brief, &transcript).await;
                end(desk, reask, &original, answered, &transcript).await
            };
            let ended = turn.during(desk, answering).await;
            turn.end(desk).await;
            ended
        }
        Ok(None) => {
            let is_ending = desk.ai.as_ref().is_some_and(|ai| ai.closing.has_begun());
            let why = if is_ending { ConsultError::ShuttingDown.into() } else { AskError::NoTurn };
            end(desk, reask, &original, Err(why), &transcript).await
        }
        Err(error) => end(desk, reask, &original, Err(error.into()), &transcript).await,
    }
}

/// Writes down how a question ended.
async fn end(
    desk: &Desk,
    mut reask: Reask,
    original: &Bundle,
    answered: Result<Bundle, AskError>,
    transcript: &Transcript,
) -> Result<Reask, ReaskError> {
    reask.finished_at = Some(desk.clock.now());
    let mut changes = Changes { ai_calls: transcript.calls(), incidents: transcript.warnings(), ..Changes::default() };
    if original.trader.settings.notify_errors {
        changes.notifications = changes.incidents.iter().map(told).collect();
    }
    match answered.and_then(|bundle| desk.bundles.pack(&bundle).map_err(AskError::Bundle)) {
        Ok(packed) => {
            reask.bundle = Some(packed.hash.clone());
            changes.new_bundles.push(packed);
        }
        Err(error) => reask.error = Some(error.to_string()),
    }
    changes.finished_reasks.push(reask.clone());
    if commit_patiently(desk, "an answer", changes.clone()).await.is_err() {
        // The answer may be what the store does not take; that it was asked for and paid is kept.
        (reask.bundle, reask.error) = (None, Some(NOT_KEPT.to_owned()));
        changes.new_bundles.clear();
        changes.finished_reasks = vec![reask.clone()];
        if let Err(error) = commit_patiently(desk, "the end of a question", changes).await {
            put_on_bill(desk, transcript).await;
            return Err(error.into());
        }
    }
    desk.live.publish(Topic::Model, None, Some(reask.trader_id));
    Ok(reask)
}

/// Why there is no answer, in words that are kept.
#[derive(Debug, thiserror::Error)]
enum AskError {
    #[error("other questions on the budget of this model took too long")]
    NoTurn,
    #[error(transparent)]
    Consult(#[from] ConsultError),
    #[error(transparent)]
    Judge(#[from] ReplayError),
    #[error(transparent)]
    Bundle(#[from] BundleError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

async fn ask(
    desk: &Desk,
    reask: &Reask,
    original: &Bundle,
    brief: &Brief,
    transcript: &Transcript,
) -> Result<Bundle, AskError> {
    let template = match reask.template {
        ReaskTemplate::Current => templates::current(desk, reask.trader_id).await?.text,
        ReaskTemplate::Default => desk.prompts.default_template().to_owned(),
        ReaskTemplate::Recorded => match original.conversation() {
            Some(conversation) => conversation.template.clone(),
            None => templates::current(desk, reask.trader_id).await?.text,
        },
    };
    let question = Question {
        trader: &original.trader,
        provider_id: reask.provider_id,
        model_name: &reask.model_name,
        template: &template,
        cycle: reask.cycle_id,
        purpose: AiPurpose::Reask,
    };
    let answers = consult(desk, &question, brief, transcript).await?;
    let Some(conversation) = transcript.conversation() else { return Err(ConsultError::NotConnected.into()) };
    let mut bundle = Bundle {
        program: env!("CARGO_PKG_VERSION").to_owned(),
        started_at: reask.asked_at,
        judged_at: desk.clock.now(),
        propose_only: false,
        source: AnswerSource::LanguageModel(conversation),
        answers: answers.iter().map(|(coin, answer)| AnswerRecord::of(coin, answer)).collect(),
        rulings: Vec::new(),
        ..original.clone()
    };
    bundle.rulings = judge_again(&bundle, &answers)?;
    Ok(bundle)
}

#[cfg(test)]
mod tests {
    use crate::domain::provider::AnswerMode;
    use crate::domain::reask::REASK_ENDS_AFTER_MS;
    use crate::services::aside::TURN_WAIT;
    use crate::services::providers::TIMEOUT_SECONDS;
    use std::time::Duration;

    #[test]
    fn no_question_that_may_still_be_answered_counts_as_lost() {
        // Every way of asking once, and the second question.
        let calls = u32::try_from(AnswerMode::ALL.len()).unwrap() + 1;
        let one = Duration::from_secs(TIMEOUT_SECONDS.1.into());
        let longest = TURN_WAIT + one + one * calls;
        assert!(longest.as_millis() < u128::from(REASK_ENDS_AFTER_MS.unsigned_abs()), "{longest:?}");
    }
}
