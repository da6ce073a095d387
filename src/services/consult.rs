//! Asking a language model for one cycle: brief -> prompt -> answer -> proposals, with one bounded second question.
//!
//! A provider that does not support the strictest way of asking is asked in the next one, and what worked is
//! remembered. An answer that cannot be used is quoted its exact errors once; what still cannot be used stays unusable,
//! for the coin it belongs to, and is never taken for holding.

use crate::domain::ids::ProviderId;
use crate::domain::market::Coin;
use crate::domain::provider::{AnswerMode, Provider};
use crate::domain::trader::Trader;
use crate::observe;
use crate::ports::advisor::{Advice, Brief, Proposal, UnusableAnswer};
use crate::ports::language_model::{
    ChatError, ChatMessage, ChatReply, ChatRequest, ChatRole, Prompt, ReadAnswer, TemplateError,
};
use crate::ports::store::{Changes, Guard, KnownMode, StoreError};
use crate::services::ai::Ai;
use crate::services::desk::Desk;
use crate::services::templates;

/// The most tokens of an answer: fifty coins with their reasons, and room for models that think aloud.
const ANSWER_TOKENS_MAX: u32 = 16_384;
/// The longest part of an unusable answer that is sent back with the second question, in characters.
const QUOTED_MAX: usize = 8_000;
/// The most errors that the second question names.
const ERRORS_NAMED_MAX: usize = 20;

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

/// Asks the trader's language model about a brief.
///
/// # Errors
/// [`ConsultError`] when there is no answer at all; an answer that cannot be used is one, see [`Advice::coins`].
pub async fn consult(desk: &Desk, trader: &Trader, brief: &Brief) -> Result<Advice, ConsultError> {
    let ai = desk.ai.as_ref().ok_or(ConsultError::NotConnected)?;
    let provider = desk.store.provider(trader.provider_id).await?.filter(|provider| provider.deleted_at.is_none());
    let provider = provider.ok_or(ConsultError::NoProvider(trader.provider_id))?;
    let coins: Vec<Coin> = brief.coins.iter().map(|coin| coin.coin.clone()).collect();
    if coins.is_empty() {
        return Err(ConsultError::NothingToAsk);
    }
    let template = templates::current(desk, trader.id).await?;
    let known = desk.store.answer_mode(provider.id, &trader.model_name).await?;
    let consultation = Consultation { desk, ai, provider: &provider, trader, coins, template: &template.text, known };
    consultation.run(brief).await
}

/// One conversation under way.
struct Consultation<'a> {
    desk: &'a Desk,
    ai: &'a Ai,
    provider: &'a Provider,
    trader: &'a Trader,
    coins: Vec<Coin>,
    template: &'a str,
    known: Option<AnswerMode>,
}

impl Consultation<'_> {
    async fn run(&self, brief: &Brief) -> Result<Advice, ConsultError> {
        let (prompt, mode, first) = self.first_answer(brief).await?;
        let mut advice = Advice {
            coins: self.read(&first),
            asked: format!("{}\n\n{}", prompt.system, prompt.user),
            answered: first.content.clone(),
        };
        let errors = errors(&advice.coins);
        if errors.is_empty() {
            return Ok(advice);
        }
        observe::answer_unusable(self.trader, self.provider, &errors);
        let again = correction(&errors);
        let mut messages = messages(&prompt);
        messages.push(ChatMessage { role: ChatRole::Assistant, content: cut(&first.content) });
        messages.push(ChatMessage { role: ChatRole::User, content: again.clone() });
        match self.ai.models.chat(self.provider, &self.request(messages, mode)).await {
            Ok(second) => {
                advice.asked = format!("{}\n\n--- asked again ---\n{again}", advice.asked);
                advice.answered = format!("{}\n\n--- answered again ---\n{}", advice.answered, second.content);
                advice.coins = better(advice.coins, self.read(&second));
            }
            // The first answer stands with its errors: what was usable in it still is.
            Err(error) => {
                observe::second_question_failed(self.trader, self.provider, &error);
                advice.asked = format!("{}\n\n--- asked again ---\n{again}", advice.asked);
                advice.answered = format!("{}\n\n--- no second answer ---\n{error}", advice.answered);
            }
        }
        Ok(advice)
    }

    /// Asks in the way that worked before, or in the strictest one, and in the next one where that is not supported.
    async fn first_answer(&self, brief: &Brief) -> Result<(Prompt, AnswerMode, ChatReply), ConsultError> {
        let schema = self.ai.answers.schema(&self.coins);
        let first = self.known.and_then(|known| AnswerMode::ALL.iter().position(|mode| *mode == known)).unwrap_or(0);
        let mut refused = None;
        for mode in AnswerMode::ALL.iter().skip(first).copied() {
            let prompt = self.desk.prompts.write(self.template, brief, &schema, mode)?;
            match self.ai.models.chat(self.provider, &self.request(messages(&prompt), mode)).await {
                Ok(reply) => {
                    self.remember(mode).await;
                    return Ok((prompt, mode, reply));
                }
                Err(error @ ChatError::ModeUnsupported { .. }) => refused = Some(error),
                Err(error) => return Err(error.into()),
            }
        }
        Err(refused.map_or(ConsultError::NotConnected, ConsultError::Chat))
    }

    fn request(&self, messages: Vec<ChatMessage>, mode: AnswerMode) -> ChatRequest {
        ChatRequest {
            model: self.trader.model_name.clone(),
            messages,
            temperature: self.trader.settings.ai_temperature,
            max_tokens: ANSWER_TOKENS_MAX,
            mode,
            schema: self.ai.answers.schema(&self.coins),
        }
    }

    /// Remembers a way that the provider takes. One that cannot be remembered is found out again the next time.
    async fn remember(&self, mode: AnswerMode) {
        if self.known == Some(mode) {
            return;
        }
        let known = KnownMode {
            provider_id: self.provider.id,
            model_name: self.trader.model_name.clone(),
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

    fn read(&self, reply: &ChatReply) -> Vec<(Coin, Result<Proposal, UnusableAnswer>)> {
        let whole = match (&reply.refusal, reply.finish_reason.as_deref()) {
            (Some(_), _) => Some("the model refused to answer".to_owned()),
            (None, Some("length")) => Some("the answer was cut off: it is longer than the model may write".to_owned()),
            (None, Some("content_filter")) => Some("the provider's filter withheld the answer".to_owned()),
            _ => None,
        };
        let read = match whole {
            Some(message) => ReadAnswer::Unusable(UnusableAnswer { message }),
            None => self.ai.answers.read(&reply.content, &self.coins),
        };
        match read {
            ReadAnswer::Coins(coins) => coins,
            ReadAnswer::Unusable(why) => self.coins.iter().map(|coin| (coin.clone(), Err(why.clone()))).collect(),
        }
    }
}

fn messages(prompt: &Prompt) -> Vec<ChatMessage> {
    vec![
        ChatMessage { role: ChatRole::System, content: prompt.system.clone() },
        ChatMessage { role: ChatRole::User, content: prompt.user.clone() },
    ]
}

/// Each coin's error once, the same words only once.
fn errors(coins: &[(Coin, Result<Proposal, UnusableAnswer>)]) -> Vec<String> {
    let mut errors: Vec<String> = Vec::new();
    let failed: Vec<(&Coin, &str)> =
        coins.iter().filter_map(|(coin, read)| Some((coin, read.as_ref().err()?.message.as_str()))).collect();
    let same = failed.len() == coins.len() && failed.windows(2).all(|pair| pair[0].1 == pair[1].1);
    match failed.first() {
        Some((_, why)) if same && failed.len() > 1 => errors.push((*why).to_owned()),
        _ => errors.extend(failed.iter().map(|(coin, why)| format!("{coin}: {why}"))),
    }
    errors.truncate(ERRORS_NAMED_MAX);
    errors
}

fn correction(errors: &[String]) -> String {
    format!(
        "Your answer could not be used:\n- {}\nAnswer again for every coin: one JSON object that follows the schema, and \
         nothing else.",
        errors.join("\n- ")
    )
}

/// What the second answer says, and for a coin that it spoils, what the first one said.
fn better(
    first: Vec<(Coin, Result<Proposal, UnusableAnswer>)>,
    second: Vec<(Coin, Result<Proposal, UnusableAnswer>)>,
) -> Vec<(Coin, Result<Proposal, UnusableAnswer>)> {
    let spoiled = |coin: &Coin| first.iter().find(|(other, read)| other == coin && read.is_ok()).cloned();
    second
        .into_iter()
        .map(|(coin, read)| match (&read, spoiled(&coin)) {
            (Err(_), Some(kept)) => kept,
            _ => (coin, read),
        })
        .collect()
}

fn cut(text: &str) -> String {
    text.chars().take(QUOTED_MAX).collect()
}
