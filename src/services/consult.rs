//! Asking a language model for one cycle: brief -> prompt -> answer -> proposals, with one bounded second question.
//!
//! A provider that does not support the strictest way of asking is asked in the next one, and what worked is
//! remembered. An answer that cannot be used is quoted its exact errors once; what still cannot be used stays unusable,
//! for the coin it belongs to, and is never taken for holding.

mod reading;
mod transcript;

pub use reading::conclude;
pub use transcript::Transcript;

use crate::domain::ai_cost::{AiCall, AiPurpose, Budget, BudgetSpan};
use crate::domain::ids::{CycleId, ProviderId};
use crate::domain::incident::{IncidentKind, NewIncident, Severity};
use crate::domain::market::Coin;
use crate::domain::provider::{AnswerMode, Provider, TokenUsage};
use crate::domain::time::Timestamp;
use crate::domain::trader::Trader;
use crate::observe;
use crate::ports::advisor::Brief;
use crate::ports::bundle::{Conversation, Turn};
use crate::ports::language_model::{
    ChatError, ChatMessage, ChatReply, ChatRequest, ChatRole, Prompt, TemplateError, estimate_tokens,
};
use crate::ports::store::{Changes, Guard, KnownMode, StoreError};
use crate::services::ai::Ai;
use crate::services::desk::Desk;
use crate::services::judge::Answer;
use reading::errors;
use rust_decimal::Decimal;
use std::sync::Arc;

/// Tokens of an answer beside its coins: room for models that think aloud.
const THINKING_TOKENS_MAX: u32 = 4_096;
/// Tokens of one coin's answer: a few sentences of reasons take a third of it.
const COIN_TOKENS_MAX: u32 = 512;
/// The longest part of an unusable answer that is sent back with the second question, in characters.
const QUOTED_MAX: usize = 8_000;

/// Why a language model gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum ConsultError {
    /// This installation reaches no provider.
    #[error("this installation asks no language models")]
    NotConnected,
    /// The provider is gone.
    #[error("the provider {0} of this model does not exist any more; choose another")]
    NoProvider(ProviderId),
    /// There is nothing to ask about.
    #[error("no coin has a fresh price")]
    NothingToAsk,
    /// A budget is set, and nobody said what the tokens cost.
    #[error(
        "a budget is set, but what tokens of {provider} cost is not known: name its prices, or set the budget to 0"
    )]
    PriceUnknown {
        /// The provider's name.
        provider: String,
    },
    /// The budget is spent: nobody is asked before the next day or month.
    #[error("the AI budget of this {span} is spent: {spent} of {limit} USD")]
    BudgetSpent {
        /// Which one.
        span: BudgetSpan,
        /// In US dollars.
        spent: Decimal,
        /// In US dollars.
        limit: Decimal,
    },
    /// Most of the budget is spent, and the rest is kept for the model itself.
    #[error("{spent} of {limit} USD of the AI budget of this {span} are spent: the rest is kept for the model itself")]
    BudgetKept {
        /// Which one.
        span: BudgetSpan,
        /// In US dollars.
        spent: Decimal,
        /// In US dollars.
        limit: Decimal,
    },
    /// The provider has been asked as often at once as its settings allow, for as long as it may take to answer.
    #[error("no place at {provider} became free within {seconds} s: as many questions as it allows are being answered")]
    Busy {
        /// The provider's name.
        provider: String,
        /// How long was waited, in seconds.
        seconds: u32,
    },
    /// The process is ending.
    #[error("the desk was stopped before the answer came")]
    ShuttingDown,
    /// The template does not render with this brief.
    #[error("the prompt template failed: {0}")]
    Template(#[from] TemplateError),
    /// The provider gave no answer.
    #[error(transparent)]
    Chat(#[from] ChatError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ConsultError {
    /// Whether the language model or its provider is at fault, as opposed to a budget, a template or a missing row.
    pub const fn is_the_models(&self) -> bool {
        matches!(self, Self::Chat(_))
    }

    /// Whether the same question is worth putting a little later, and nobody is at fault.
    pub const fn is_for_later(&self) -> bool {
        matches!(self, Self::Busy { .. } | Self::ShuttingDown)
    }
}

/// Who is asked, in whose name, in which words.
#[derive(Clone, Debug)]
pub struct Question<'a> {
    /// Whose settings, limits and budget apply.
    pub trader: &'a Trader,
    /// Who is asked.
    pub provider_id: ProviderId,
    /// Which of its models.
    pub model_name: &'a str,
    /// The template of the prompt.
    pub template: &'a str,
    /// The cycle that it belongs to.
    pub cycle: CycleId,
    /// What for.
    pub purpose: AiPurpose,
}

/// Asks a language model about a brief. What is said and what it costs is added to the transcript.
///
/// # Errors
/// [`ConsultError`] when there is no answer at all; an answer that cannot be used is one.
pub async fn consult(
    desk: &Desk,
    question: &Question<'_>,
    brief: &Brief,
    transcript: &Transcript,
) -> Result<Vec<(Coin, Answer)>, ConsultError> {
    let ai = desk.ai.as_ref().ok_or(ConsultError::NotConnected)?;
    let provider = desk.store.provider(question.provider_id).await?.filter(|provider| provider.deleted_at.is_none());
    let provider = provider.ok_or(ConsultError::NoProvider(question.provider_id))?;
    let coins: Vec<Coin> = brief.coins.iter().map(|coin| coin.coin.clone()).collect();
    if coins.is_empty() {
        return Err(ConsultError::NothingToAsk);
    }
    let busy = || ConsultError::Busy { provider: provider.name.clone(), seconds: provider.timeout_seconds };
    let place = tokio::select! {
        place = ai.places.take(&provider, question.purpose) => place.ok_or_else(busy)?,
        () = ai.closing.begun() => return Err(ConsultError::ShuttingDown),
    };
    // Looked at with the place in hand: much may have been spent while it was waited for.
    let budgets = within_budget(desk, question, &provider).await?;
    let known = desk.store.answer_mode(provider.id, question.model_name).await?;
    transcript.begin(Conversation {
        provider_id: provider.id,
        provider: provider.name.clone(),
        kind: provider.kind,
        model_name: question.model_name.to_owned(),
        template_version: desk.prompts.version(question.template),
        template: question.template.to_owned(),
        coins: coins.clone(),
        cut: Vec::new(),
        turns: Vec::new(),
    });
    let consultation = Consultation { desk, ai, provider: &provider, question, coins, known, transcript };
    let answers = tokio::select! {
        answers = consultation.run(brief) => answers,
        () = given_up(desk, ai) => Err(ConsultError::ShuttingDown),
    };
    drop(place);
    if !budgets.is_empty() {
        consultation.warn_of_budgets().await;
    }
    answers
}

/// Returns when the process ends and an answer that is on its way had its chance to come.
async fn given_up(desk: &Desk, ai: &Ai) {
    ai.closing.begun().await;
    tokio::time::sleep(desk.policy.patience.last_answer).await;
}

/// The budgets that are set, none of them spent.
/// A candidate or a question that is put again must not keep a model from being asked, and so from closing: the part of a
/// budget about which people are warned is the model's own.
async fn within_budget(desk: &Desk, question: &Question<'_>, provider: &Provider) -> Result<Vec<Budget>, ConsultError> {
    let budgets = budgets(desk, question).await?;
    if !budgets.is_empty() && provider.price.is_none() {
        return Err(ConsultError::PriceUnknown { provider: provider.name.clone() });
    }
    if let Some(&Budget { span, limit, spent }) = budgets.iter().find(|budget| budget.is_spent()) {
        return Err(ConsultError::BudgetSpent { span, spent, limit });
    }
    match budgets.iter().find(|budget| budget.is_low()) {
        Some(&Budget { span, limit, spent }) if question.purpose != AiPurpose::Cycle => {
            Err(ConsultError::BudgetKept { span, spent, limit })
        }
        _ => Ok(budgets),
    }
}

/// The budgets that are set, with what is spent of them.
async fn budgets(desk: &Desk, question: &Question<'_>) -> Result<Vec<Budget>, StoreError> {
    // A record may be old; the budget that binds is today's.
    let today = desk.store.trader(question.trader.id).await?;
    let trader = today.as_ref().unwrap_or(question.trader);
    let now = desk.clock.now();
    let days = desk.store.ai_days(Some(trader.id), now.month_start()).await?;
    let sum = |since: Timestamp| {
        days.iter().filter(|day| day.day >= since).fold(Decimal::ZERO, |sum, day| sum.saturating_add(day.cost))
    };
    Ok(Budget::of(&trader.settings, sum(now.day_start()), sum(now.month_start())))
}

/// One conversation under way.
struct Consultation<'a> {
    desk: &'a Desk,
    ai: &'a Ai,
    provider: &'a Provider,
    question: &'a Question<'a>,
    coins: Vec<Coin>,
    known: Option<AnswerMode>,
    transcript: &'a Transcript,
}

impl Consultation<'_> {
    async fn run(&self, brief: &Brief) -> Result<Vec<(Coin, Answer)>, ConsultError> {
        let (asked, first) = self.first_answer(brief).await?;
        let reader = self.ai.answers.as_ref();
        let answers = conclude(reader, &self.coins, [&first]);
        let errors = errors(&answers);
        if errors.is_empty() {
            return Ok(answers);
        }
        observe::answer_unusable(self.question.trader, self.provider, &errors);
        let mut messages = asked.messages.clone();
        messages.push(ChatMessage { role: ChatRole::Assistant, content: cut(&first.content) });
        messages.push(ChatMessage { role: ChatRole::User, content: correction(&errors) });
        match self.ask(self.request(messages, asked.mode)).await {
            Ok(second) => Ok(conclude(reader, &self.coins, [&first, &second])),
            // The first answer stands with its errors: what was usable in it still is.
            Err(error) => {
                observe::second_question_failed(self.question.trader, self.provider, &error);
                Ok(answers)
            }
        }
    }

    /// Asks in the way that worked before, or in the strictest one, and in the next one where that is not supported.
    async fn first_answer(&self, brief: &Brief) -> Result<(Arc<ChatRequest>, ChatReply), ConsultError> {
        let schema = self.ai.answers.schema(&self.coins);
        let first = self.known.and_then(|known| AnswerMode::ALL.iter().position(|mode| *mode == known)).unwrap_or(0);
        let mut refused = None;
        for mode in AnswerMode::ALL.iter().skip(first).copied() {
            let prompt = self.desk.prompts.write(self.question.template, brief, &schema, mode)?;
            self.transcript.cut(&prompt.cut);
            let request = self.request(messages(prompt), mode);
            match self.ask(Arc::clone(&request)).await {
                Ok(reply) => {
                    self.remember(mode).await;
                    return Ok((request, reply));
                }
                Err(error @ ChatError::ModeUnsupported { .. }) => refused = Some(error),
                Err(error) => return Err(error.into()),
            }
        }
        Err(refused.map_or(ConsultError::NotConnected, ConsultError::Chat))
    }

    /// One call, and its line on the bill. Whoever stops waiting leaves the line of a call that was given up.
    async fn ask(&self, request: Arc<ChatRequest>) -> Result<ChatReply, ChatError> {
        let at = self.desk.clock.now();
        self.transcript.open(self.turn(Arc::clone(&request), None, at));
        let reply = self.ai.models.chat(self.provider, &request).await;
        self.transcript.close(self.turn(request, Some(&reply), at));
        reply
    }

    /// What was said, and what it cost; without a reply, as it is when nobody waits for one any more.
    fn turn(&self, request: Arc<ChatRequest>, reply: Option<&Result<ChatReply, ChatError>>, at: Timestamp) -> Turn {
        let (usage, is_estimated) = usage(&request, reply);
        let waited = u64::try_from(self.desk.clock.now().since(at)).unwrap_or(0);
        let call = AiCall {
            trader_id: self.question.trader.id,
            provider_id: self.provider.id,
            model_name: self.question.model_name.to_owned(),
            cycle_id: self.question.cycle,
            purpose: self.question.purpose,
            at,
            usage,
            is_estimated,
            cost: None,
            latency_ms: reply.and_then(|reply| reply.as_ref().ok()).map_or(waited, |reply| reply.latency_ms),
            is_answered: reply.is_some_and(Result::is_ok),
        };
        let error = match reply {
            Some(Ok(_)) => None,
            Some(Err(error)) => Some(error.to_string()),
            None => Some("it was given up before the answer came".to_owned()),
        };
        Turn {
            request,
            reply: reply.and_then(|reply| reply.as_ref().ok()).cloned(),
            error,
            call: call.priced(self.provider.price),
        }
    }

    /// A budget of which much is gone is told once, when the line is crossed. What was spent meanwhile by others, who
    /// were asked at the same time, counts as spent before.
    async fn warn_of_budgets(&self) {
        let now = self.desk.clock.now();
        let budgets = match budgets(self.desk, self.question).await {
            Ok(budgets) => budgets,
            Err(error) => return observe::store_failed("reading what is left of a budget", &error),
        };
        for budget in budgets {
            let after = Budget { spent: budget.spent.saturating_add(self.transcript.cost()), ..budget };
            if budget.is_low() || !after.is_low() {
                continue;
            }
            self.transcript.warn(NewIncident {
                kind: IncidentKind::CircuitBreaker,
                severity: Severity::Medium,
                trader_id: Some(self.question.trader.id),
                title: format!("{}: most of the AI budget of this {} is spent", self.question.trader.name, after.span),
                detail: format!(
                    "{} of {} USD are spent ({} %). At 100 % the model is not asked any more.",
                    after.spent.normalize(),
                    after.limit.normalize(),
                    after.used_pct().normalize()
                ),
                fingerprint: format!("ai budget {} {}", after.span, now.day_start().0),
                at: now,
            });
        }
    }

    fn request(&self, messages: Vec<ChatMessage>, mode: AnswerMode) -> Arc<ChatRequest> {
        Arc::new(ChatRequest {
            model: self.question.model_name.to_owned(),
            messages,
            temperature: self.question.trader.settings.ai_temperature,
            max_tokens: COIN_TOKENS_MAX
                .saturating_mul(u32::try_from(self.coins.len()).unwrap_or(u32::MAX))
                .saturating_add(THINKING_TOKENS_MAX),
            mode,
            schema: self.ai.answers.schema(&self.coins),
        })
    }

    /// Remembers a way that the provider takes. One that cannot be remembered is found out again the next time.
    async fn remember(&self, mode: AnswerMode) {
        if self.known == Some(mode) {
            return;
        }
        let known = KnownMode {
            provider_id: self.provider.id,
            model_name: self.question.model_name.to_owned(),
            mode,
            at: self.desk.clock.now(),
        };
        let changes = Changes {
            guards: vec![Guard::Provider { id: self.provider.id, version: self.provider.version }],
            answer_modes: vec![known],
            ..Changes::default()
        };
        if let Err(error) = self.desk.store.commit(changes).await {
            observe::commit_failed("remembering how a model's answer is asked for", &error);
        }
    }
}

/// Tokens as the provider counted them. Where it did not say, an estimate; a provider that may have worked in vain (it
/// was too late, was given up, or could not be understood) may have charged for the prompt.
fn usage(request: &ChatRequest, reply: Option<&Result<ChatReply, ChatError>>) -> (TokenUsage, bool) {
    let asked = request.messages.iter().map(|message| message.content.len()).sum();
    match reply {
        None => (TokenUsage { input: estimate_tokens(asked), output: 0 }, true),
        Some(Ok(ChatReply { usage: Some(usage), .. })) => (*usage, false),
        Some(Ok(reply)) => {
            (TokenUsage { input: estimate_tokens(asked), output: estimate_tokens(reply.content.len()) }, true)
        }
        Some(Err(ChatError::TimedOut { .. } | ChatError::ServerError { .. } | ChatError::Unreadable { .. })) => {
            (TokenUsage { input: estimate_tokens(asked), output: 0 }, true)
        }
        Some(Err(_)) => (TokenUsage { input: 0, output: 0 }, false),
    }
}

fn messages(prompt: Prompt) -> Vec<ChatMessage> {
    vec![
        ChatMessage { role: ChatRole::System, content: prompt.system },
        ChatMessage { role: ChatRole::User, content: prompt.user },
    ]
}

fn correction(errors: &[String]) -> String {
    format!(
        "Your answer could not be used:\n- {}\nAnswer again for every coin: one JSON object that follows the schema, and \
         nothing else.",
        errors.join("\n- ")
    )
}

fn cut(text: &str) -> String {
    text.chars().take(QUOTED_MAX).collect()
}
